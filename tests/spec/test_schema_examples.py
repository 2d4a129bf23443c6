"""Specs that schema and model both take or refuse, and what only the model can tell."""

import json

import pytest
from helpers import in_one_test
from pydantic import ValidationError
from spec.schemas import MINIMAL, VALIDATOR, refusals

from specnet.spec.model import Spec


def linear(**fields):
    return {"layers": [{"type": "linear", "units": 1, **fields}]}


def idx(**tests):
    return {"type": "idx", "images": "a", "labels": "b", **tests}


def rate(value):
    return {"optimizer": {"type": "sgd", "learning_rate": value}}


REFUSED = [
    {"optimiser": "adam"},
    {"loss": None},
    {"layers": []},
    {"layers": ["repeat"]},
    {"layers": ["sigmod"]},
    {"layers": [{"type": "sigmod"}]},
    {"layers": [{"units": 1}]},
    {"layers": [{"type": 3}]},
    {"layers": [[]]},
    {"layers": "sigmoid"},
    {"layers": {"0": "sigmoid"}},
    {"layers": [{"type": "residual", "layers": [{"type": "linear", "unit": 1}]}]},
    linear(units=0),
    linear(units=1.5),
    linear(units=True),
    linear(bias=True),
    linear(weight_init="mse"),
    linear(weight_init={"type": "normal", "std": -1}),
    rate(0),
    rate("constant"),
    rate({"type": "constant"}),
    rate({"type": "step", "initial": 1, "every_steps": 0}),
    {"transforms": {"inputs": [{"type": "scale", "factor": 0}]}},
    {"transforms": {"inputs": [{"type": "scale", "factor": -0.0}]}},
    {"dataset": {"type": "spiral", "n_samples": 3}},
    {"dataset": {"type": "csv", "path": "a", "inputs": ["a"], "targets": ["b"], "delimiter": ";;"}},
    {"dataset": {"type": "csv", "path": "a", "inputs": ["a"], "targets": ["b"], "delimiter": "\n"}},
    *({"dataset": {"type": "npz", "path": path}} for path in ("\a", "a\n", "a\x7f.npz", "\x85")),
    *({"dataset": idx(test={field: "c"})} for field in ("images", "labels")),
    {"dataset": {"type": "npy", "inputs": "a", "targets": "b", "test": {"inputs": "c"}}},
    {"dataset": {"type": "npy", "inputs": "a", "targets": "b", "buffer": 0}},
    {"optimizer": {"type": "sgd", "nesterov": True}},
    {"optimizer": {"type": "sgd", "nesterov": True, "momentum": 0}},
    {"split": {"validation": 1}},
    {"training": {"early_stopping": {"mode": "least"}}},
    *({"training": {"batch_size": size}} for size in (0, "all", True)),
    {"training": None},
    {"record": {"every": 0}},
    {"dtype": "float16"},
    {"seed": -1},
    {"seed": 2**63},
    *({"name": name} for name in ("", "a/b", ".hidden", "a\n", "x" * 101, None)),
]


@in_one_test
@pytest.mark.parametrize("change", REFUSED, ids=json.dumps)
def test_the_schema_refuses_what_the_model_refuses(change):
    assert refusals(MINIMAL | change)
    assert not VALIDATOR.is_valid(MINIMAL | change)


TAKEN = [
    {"optimizer": {"type": "sgd", "nesterov": True, "momentum": 0.5}},
    {"optimizer": {"type": "sgd", "nesterov": False, "momentum": 0}},
    {"dataset": idx(test=None)},
    {"dataset": idx(validation={"images": "a", "labels": "b"}, test={"images": "c", "labels": "d"})},
    {"dataset": {"type": "npz", "path": "\u00fc \u4e2d.npz"}},
    {"dataset": {"type": "npy", "inputs": "a", "targets": "b", "buffer": 0.5, "validation": None}},
    {"dataset": {"type": "npy", "inputs": "a", "targets": "b", "test": {"inputs": "c", "targets": "d"}}},
    *({"training": {"batch_size": size}} for size in (1, "full", None)),
    {"$schema": None},
]


@in_one_test
@pytest.mark.parametrize("change", TAKEN, ids=json.dumps)
def test_the_schema_takes_what_the_model_takes(change):
    assert not refusals(MINIMAL | change)
    VALIDATOR.validate(MINIMAL | change)


@pytest.mark.parametrize("key", MINIMAL)
def test_the_schema_asks_for_the_keys_that_are_required(key):
    assert not VALIDATOR.is_valid({name: value for name, value in MINIMAL.items() if name != key})


ONLY_THE_MODEL_REFUSES = [
    {"seed": 1.0},  # to a schema 1.0 is an integer
    linear(weight_init={"type": "uniform", "low": 1, "high": 0}),
    rate({"type": "constant", "value": 0}),
    {"dataset": {"type": "npz", "path": "a\u200b.npz"}},  # which letters can be printed is a table of Unicode
    rate({"type": "cosine", "initial": 1, "steps": 2, "warmup_steps": 2}),
    rate({"type": "reduce_on_plateau", "initial": 1, "minimum": 2}),
]


@in_one_test
@pytest.mark.parametrize("change", ONLY_THE_MODEL_REFUSES, ids=json.dumps)
def test_what_no_schema_can_express_is_left_to_the_model(change):
    VALIDATOR.validate(MINIMAL | change)
    with pytest.raises(ValidationError):
        Spec.model_validate_json(json.dumps(MINIMAL | change), strict=True)


PATCHES = [
    ({}, True),
    ({"dataset": {"noise": 0.5}}, True),
    ({"dataset": {"noyse": 0.5}}, False),
    ({"dataset": {"noise": -1}}, False),
    ({"dataset": None}, False),
    ({"optimizer": {"type": "adam", "momentum": None}}, True),
    ({"optimizer": {"type": "adam", "momentum": 0.5}}, False),
    ({"optimizer": {"type": "adm"}}, False),
    ({"optimizer": {"type": None}}, False),
    ({"optimizer": {"learning_rate": {"initial": 0.1}}}, True),
    ({"optimizer": {"learning_rate": {"initial": "x"}}}, False),
    ({"optimizer": None}, True),
    ({"optimizer": {"nesterov": True}}, True),
    ({"optimizer": {"type": "sgd", "nesterov": True}}, True),
    ({"dataset": {"test": {"images": "c"}}}, True),
    ({"dataset": idx(test={"labels": "c"})}, True),
    ({"dataset": {"path": "a\n"}}, False),
    ({"record": {"points": 20}}, True),
    ({"record": {"points": 1}}, False),
    ({"record": None}, True),
    ({"training": {"early_stopping": None, "epochs": None}}, True),
    ({"training": {"epoch": 1}}, False),
    ({"layers": ["tanh"]}, True),
    ({"layers": [{"type": "repeat"}]}, False),
    ({"layers": {"0": "tanh"}}, False),
    ({"seed": None}, True),
    ({"trainig": {}}, False),
    ({"extends": ""}, False),
    ({"extends": None}, False),
    ({"extends": "a\0b"}, False),
]


@in_one_test
@pytest.mark.parametrize(("patch", "right"), PATCHES, ids=json.dumps)
def test_a_spec_that_extends_another_may_say_a_part(patch, right):
    assert VALIDATOR.is_valid({"extends": "parent.json"} | patch) == right
