"""The schema is valid and up to date, holds every component, and is what editors complete specs with."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from spec.schemas import MINIMAL, SCHEMA, VALIDATOR, refusals

from specnet import registry
from specnet.spec.model import Spec
from specnet.spec.schema import make_schema

SPECS = Path(__file__).parents[2] / "specs"
EXAMPLES = sorted({*SPECS.glob("*.json")} - {SPECS / "specnet.schema.json"})
TEMPLATES = sorted(Path(str(files("specnet.spec") / "templates")).glob("*.json"))


def test_the_schema_is_valid():
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator.check_schema(make_schema())


def test_the_schema_in_specs_is_up_to_date():
    committed = json.loads((SPECS / "specnet.schema.json").read_text(encoding="utf-8"))
    assert committed == SCHEMA, "type: python docs/generate.py"


@pytest.mark.parametrize("path", [*EXAMPLES, *TEMPLATES], ids=lambda path: path.name)
def test_every_spec_of_the_project_names_the_schema_and_keeps_to_it(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert next(iter(document.items())) == ("$schema", "./specnet.schema.json")
    VALIDATOR.validate(document)


def test_the_path_of_the_schema_is_no_part_of_a_resolved_spec():
    spec = Spec.model_validate({"$schema": "./specnet.schema.json"} | MINIMAL)
    assert spec.to_json() == Spec.model_validate(MINIMAL).to_json()
    assert "$schema" not in spec.to_json()


@pytest.mark.parametrize("group", registry.GROUPS)
def test_every_component_is_there_with_descriptions_of_its_fields(group):
    everything = make_schema()["$defs"]
    for name, (entry, *_) in registry.claims(group).items():
        assert (f"{group}.{name}" in SCHEMA["$defs"]) == (entry.distribution == "specnet")
        assert f"{group}.{name}" in everything


@pytest.mark.parametrize("group", [group for group in registry.GROUPS if registry.claims(group)])
def test_an_editor_offers_every_component_as_a_name_or_with_its_required_fields(group):
    schema = SCHEMA["$defs"][group]
    snippets = {snippet["label"]: snippet["body"] for snippet in schema.get("defaultSnippets", [])}
    names = {choice["const"] for choice in schema["anyOf"] if "const" in choice}
    assert not names & snippets.keys()
    assert {f"{group}.{name}" for name in names | snippets.keys()} == {
        key for key in SCHEMA["$defs"] if group + "." in key
    }
    for name, body in snippets.items():
        text = re.sub(r'"\^\$\{\d+:([\d.]+)\}"', r"\1", json.dumps(body))
        filled = json.loads(re.sub(r"\^?\$\d+", "sigmoid", text))
        assert filled["type"] == name
        assert refusals(filled, group) == []
