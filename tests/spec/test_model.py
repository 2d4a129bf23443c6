import json

import pytest

from specnet import SpecnetError, load_spec, registry
from specnet.spec.model import Spec
from specnet.training.trainer import Training

MINIMAL = {"dataset": "spiral", "layers": [{"type": "linear", "units": 1}, "sigmoid"], "loss": "bce"}


def mistakes(**changes):
    """Return (code, pointer, help) of each mistake in the minimal spec with some keys changed."""
    with pytest.raises(SpecnetError) as raised:
        load_spec(MINIMAL | changes)
    return [(found.code, found.pointer, found.help) for found in raised.value.diagnostics]


def test_a_minimal_spec_fills_every_default():
    spec = load_spec(MINIMAL)
    document = spec.to_json()
    assert set(document) == {field.alias or name for name, field in Spec.model_fields.items()} - {"$schema"}
    assert document["optimizer"]["type"] == "adam"
    assert document["dtype"] == "float32"
    assert document["split"] == {
        "validation": 0.0,
        "test": 0.0,
        "by": "random",
        "column": None,
        "stratify": None,
        "seed": None,
        "folds": None,
        "fold": None,
        "leave_out": [],
    }
    assert document["training"]["batch_size"] == 32
    assert document["layers"][1] == {"type": "sigmoid"}
    assert document["plots"][0]["type"] == "curves"


@pytest.mark.parametrize("size", ["full", None])
def test_a_batch_of_all_samples_is_written_as_full_or_null(size):
    spec = load_spec(MINIMAL | {"training": {"batch_size": size}})
    assert spec.to_json()["training"]["batch_size"] is None
    assert Training(batch_size=size) == spec.training


def test_a_resolved_spec_loads_again_to_the_same():
    layers = [{"type": "linear", "units": 3, "use_bias": False, "weight_init": {"type": "normal", "std": 2}}]
    rate = {"type": "cosine", "initial": 0.1, "steps": 5}
    spec = load_spec(
        MINIMAL
        | {"$schema": "specnet.schema.json", "layers": layers, "loss": "cross_entropy"}
        | {"optimizer": {"type": "sgd", "learning_rate": rate}}
    )
    again = load_spec(json.loads(json.dumps(spec.to_json())))
    assert again.to_json() == spec.to_json()
    assert again.digest() == spec.digest()
    assert load_spec(MINIMAL).digest() != spec.digest()


def test_the_order_of_keys_does_not_change_the_digest():
    def turned(value):
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    spec = load_spec(MINIMAL)
    assert load_spec(turned(spec.to_json())).digest() == spec.digest()


NORMAL = {"type": "normal", "sdt": 1}
UNKNOWN_KEYS = [
    ({"optimiser": "adam"}, ("optimiser",), "optimizer"),
    ({"split": {"validaton": 0.1}}, ("split", "validaton"), "validation"),
    ({"transforms": {"input": []}}, ("transforms", "input"), "inputs"),
    ({"training": {"epoch": 1}}, ("training", "epoch"), "epochs"),
    ({"training": {"early_stopping": {"patince": 1}}}, ("training", "early_stopping", "patince"), "patience"),
    ({"checkpoint": {"evry": 1}}, ("checkpoint", "evry"), "every"),
    ({"record": {"every": 1, "pionts": 3}}, ("record", "pionts"), "points"),
    ({"dataset": {"type": "spiral", "n_sample": 4}}, ("dataset", "n_sample"), "n_samples"),
    ({"layers": ["tanh", {"type": "linear", "units": 1, "weight_init": NORMAL}]},
     ("layers", 1, "weight_init", "sdt"), "std"),
    ({"optimizer": {"type": "sgd", "learning_rate": {"type": "constant", "value": 1, "valu": 1}}},
     ("optimizer", "learning_rate", "valu"), "value"),
    ({"transforms": {"inputs": [{"type": "scale", "factr": 2}]}}, ("transforms", "inputs", 0, "factr"), "factor"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "pointer", "nearest"), UNKNOWN_KEYS)
def test_an_unknown_key_is_told_with_its_place_and_the_nearest(change, pointer, nearest):
    assert ("unknown-key", pointer, f'did you mean "{nearest}"?') in mistakes(**change)


def linear(units):
    return {"layers": [{"type": "linear", "units": units}]}


WRONG_VALUES = [
    *[(linear(units), "wrong-type", ("layers", 0, "units")) for units in ("64", True, 1.5, 1.0, [1], {})],
    (linear(0), "out-of-range", ("layers", 0, "units")),
    *[({"split": {"validation": share}}, "wrong-type", ("split", "validation")) for share in ("0.1", True, None, [])],
    *[({"split": {"validation": share}}, "out-of-range", ("split", "validation")) for share in (-0.1, 1, 1.5)],
    *[({"split": {"validation": share}}, "out-of-range", ("split", "validation")) for share in (float("nan"), 1e308)],
    *[({"seed": seed}, "out-of-range", ("seed",)) for seed in (-1, 2**63, 10**30)],
    ({"seed": 1.0}, "wrong-type", ("seed",)),
    ({"dtype": "float16"}, "wrong-value", ("dtype",)),
    ({"training": {"shuffle": 1}}, "wrong-type", ("training", "shuffle")),
    ({"training": {"epochs": 0}}, "out-of-range", ("training", "epochs")),
    ({"training": []}, "wrong-type", ("training",)),
    ({"training": None}, "wrong-type", ("training",)),
    ({"training": {"early_stopping": {"mode": "least", "monitor": "train/loss"}}},
     "wrong-value", ("training", "early_stopping", "mode")),
    ({"description": 3}, "wrong-type", ("description",)),
    ({"layers": []}, "wrong-length", ("layers",)),
    ({"layers": "sigmoid"}, "wrong-type", ("layers",)),
    ({"layers": {"0": "sigmoid"}}, "wrong-type", ("layers",)),
    ({"optimizer": {"type": "adam", "beta_1": 1}}, "out-of-range", ("optimizer", "beta_1")),
    ({"optimizer": {"type": "adam", "learning_rate": -1}}, "out-of-range", ("optimizer", "learning_rate")),
    ({"optimizer": {"type": "adam", "learning_rate": True}}, "wrong-type", ("optimizer", "learning_rate")),
    ({"optimizer": {"type": "adam", "learning_rate": {"type": "step", "initial": -1, "every_steps": 1}}},
     "out-of-range", ("optimizer", "learning_rate")),
    *[({"name": name}, "wrong-value", ("name",))
      for name in ("../x", "/abs", "a/b", "", "a\0b", ".hidden", "..", "-o", "a\n", "a\\b", "ä")],
    ({"name": "x" * 101}, "wrong-length", ("name",)),
    ({"name": None}, "wrong-type", ("name",)),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "pointer"), WRONG_VALUES)
def test_a_wrong_value_is_told_with_its_place(change, code, pointer):
    assert [found[:2] for found in mistakes(**change)] == [(code, pointer)]


GROUPS = {
    "datasets": lambda value: ({"dataset": value}, ("dataset",)),
    "layers": lambda value: ({"layers": ["tanh", value]}, ("layers", 1)),
    "losses": lambda value: ({"loss": value}, ("loss",)),
    "metrics": lambda value: ({"metrics": [value]}, ("metrics", 0)),
    "optimizers": lambda value: ({"optimizer": value}, ("optimizer",)),
    "schedules": lambda value: ({"optimizer": {"type": "sgd", "learning_rate": value}}, ("optimizer", "learning_rate")),
    "initializers": lambda value: (
        {"layers": [{"type": "linear", "units": 1, "weight_init": value}, "sigmoid"]},
        ("layers", 0, "weight_init"),
    ),
    "transforms": lambda value: ({"transforms": {"targets": [value]}}, ("transforms", "targets", 0)),
    "plots": lambda value: ({"plots": [value]}, ("plots", 0)),
}


@pytest.mark.parametrize("group", [group for group in registry.GROUPS if registry.claims(group)])
def test_a_component_that_is_none_is_told_in_every_group(group):
    near = next(name for name in registry.claims(group) if len(name) > 3)
    for value, code, below in [
        (near + "x", "unknown-component", ()),
        ({"type": near + "x"}, "unknown-component", ("type",)),
        ({"type": 3}, "unknown-component", ("type",)),
        ({"type": None}, "unknown-component", ("type",)),
        ({}, "missing-key", ()),
        ({"types": near}, "missing-key", ()),
        ([near], "wrong-type", ()),
        (None, "wrong-type", ()),
        (True, "wrong-type", ()),
    ]:
        change, pointer = GROUPS[group](value)
        (found,) = mistakes(**change)
        assert found[:2] == (code, (*pointer, *below))
        if isinstance(value, str):
            assert found[2] == f'did you mean "{near}"?'


@pytest.mark.parametrize("path", ["os:system", "specnet.layers.linear:Linear", "specnet.layers.linear", "../linear"])
def test_a_spec_never_imports_a_path(path):
    assert mistakes(layers=[path])[0][:2] == ("unknown-component", ("layers", 0))


def test_all_mistakes_are_told_at_once():
    found = mistakes(
        dataset={"type": "spiral", "n_samples": 3, "noice": 1},
        layers=["sigmod", {"type": "repeat", "layers": ["tanh"]}, {"type": "linear", "units": -1}],
        loss=None,
        seed="x",
        trainig={},
    )
    assert {pointer for _, pointer, _ in found} == {
        ("dataset", "n_samples"), ("dataset", "noice"), ("layers", 0), ("layers", 1), ("layers", 2, "units"),
        ("loss",), ("seed",), ("trainig",),
    }  # fmt: skip


def test_missing_keys_are_named():
    with pytest.raises(SpecnetError) as raised:
        load_spec({})
    assert [(found.code, found.pointer) for found in raised.value.diagnostics] == [("missing-key", ())] * 3
    assert all(f'"{key}"' in str(raised.value) for key in MINIMAL)
