"""Schema and model agree on every field, with values of every kind."""

from itertools import islice

import pytest
from jsonschema import Draft202012Validator
from spec.schemas import MINIMAL, PROBES, SCHEMA, VALIDATOR, at, places, refusals, replaced

from specnet.component import construct, find_class
from specnet.spec.model import Spec
from specnet.testing import plainest


def probed(value):
    """Give a JSON value with each part replaced by each probe or left out, and with a key too many."""
    for place in places(value):
        for probe in PROBES:
            yield replaced(value, place, probe)
        if place:
            yield replaced(value, place)
        if isinstance(at(value, place), dict):
            yield replaced(value, (*place, "no_such_key"), None)


some_or_all = pytest.mark.parametrize("step", [40, pytest.param(1, marks=pytest.mark.long)], ids=["some", "all"])
"""Whether each of many values is tried, or each fortieth."""


@some_or_all
@pytest.mark.parametrize(("group", "name"), [tuple(key.split(".")) for key in SCHEMA["$defs"] if "." in key])
def test_schema_and_model_agree_on_every_field_of_a_component(group, name, step):
    validator = Draft202012Validator({"$ref": f"#/$defs/{group}", "$defs": SCHEMA["$defs"]})
    assert validator.is_valid(name) == (not refusals(name, group))
    component = {"type": name, **plainest(find_class(group, name))}
    assert refusals(component, group) == []
    for value in islice(probed(construct(group, component).to_spec()), 0, None, step):
        assert validator.is_valid(value) == (not refusals(value, group)), value


@some_or_all
def test_schema_and_model_agree_on_every_field_of_a_spec(step):
    spec = Spec.model_validate(MINIMAL | {"record": {"every": 1}, "training": {"early_stopping": {}}})
    for value in islice(probed(spec.to_json()), 0, None, step):
        assert VALIDATOR.is_valid(value) == (not refusals(value)), value
