"""The schema of specnet's own components, and what the model says of the same documents."""

import copy
import json
import re

from jsonschema import Draft202012Validator
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from specnet.component import construct
from specnet.spec.model import Spec
from specnet.spec.schema import make_schema

SCHEMA = make_schema(plugins=False)
VALIDATOR = Draft202012Validator(SCHEMA)
MINIMAL = {"dataset": "spiral", "layers": ["sigmoid"], "loss": "bce"}
RANGES = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}
FILES = {"path", "images", "labels", "inputs", "targets", "run", "file"}
ORDERED = {"milestones", "milestone_steps", "boundaries", "boundary_steps", "quantiles"}
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def refusals(value, group=None):
    """Return the mistakes that the model finds in a spec, or in a component of a group, if a schema could tell them."""
    try:
        if group:
            construct(group, value)
        else:
            Spec.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return [found for found in error.errors() if not is_inexpressible(found, value)]
    except PydanticCustomError as error:
        return [error]
    return []


def is_inexpressible(found, document):
    """Tell whether a mistake is one between numbers, in a path's letters or in the first value of a schedule.

    Between numbers is also the order of a list of them.
    """
    value = document
    for part in found["loc"]:
        if isinstance(value, list) and isinstance(part, int):
            value = value[part]
        elif isinstance(value, dict):
            value = value.get(part)  # any other part names one of several types of the value
    if isinstance(value, str) and FILES & {*found["loc"]} and found["type"] in ("value_error", "literal_error"):
        return not CONTROLS.search(value)
    if found["type"] == "value_error":
        if isinstance(value, dict):
            return value.get("type") != "sgd"
        return bool(ORDERED & {*found["loc"]})
    return found["type"] in RANGES and isinstance(value, dict)


PROBES = [
    None, True, False, 0, 1, -1, 2, 5, 2**63, 10**400, 0.5, 1.5, -0.5, 1e-31, "", "x", "a\n", "\n", ",", ";;",
    "mean", "min", "add", "float64", "validation/loss", "sigmoid", "linear", "zeros", "constant", "adam", "mse",
    "spiral", [], ["x"], [1], [[]], ["sigmoid"], [["sigmoid"]], ["linear"], ["standardize"], ["mse"], ["curves"],
    [None], {}, {"x": 1}, {"every": 1}, {"patience": 1}, {"type": "zeros"}, {"type": "normal", "std": -1},
    {"type": "linear", "units": 1}, {"type": "linear"}, {"type": "constant", "value": 1},
    {"type": "cosine", "initial": 1, "steps": 0},
]  # fmt: skip


def places(value, place=()):
    """Give the place of every value in a document."""
    yield place
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*place, key))


def at(value, place):
    for part in place:
        value = value[part]
    return value


def replaced(value, place, *new):
    """Return a copy of a value with something new at a place, or nothing."""
    root, (*path, key) = {"": copy.deepcopy(value)}, ("", *place)
    holder = at(root, path)
    if new:
        holder[key] = new[0]
    else:
        del holder[key]
    return root[""]
