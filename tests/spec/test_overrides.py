import copy

import pytest

from specnet.errors import SpecError
from specnet.spec.overrides import apply_overrides

SPEC = {
    "name": "x",
    "layers": [{"type": "linear", "units": 4}, "dropout"],
    "optimizer": "adam",
    "split": None,
    "plots": [],
    "training": {"epochs": 1},
}


@pytest.mark.parametrize(
    ("override", "place", "value"),
    [
        ("training.epochs=20", ("training", "epochs"), 20),
        ("training.batch_size=null", ("training", "batch_size"), None),
        ("training.shuffle=false", ("training", "shuffle"), False),
        ("seed=-1", ("seed",), -1),
        ('name="42"', ("name",), "42"),
        ("name=other", ("name",), "other"),
        ("name=nullable", ("name",), "nullable"),
        ("name=", ("name",), ""),
        ("description=a=b==c", ("description",), "a=b==c"),
        ("description=it's 3.5 {}", ("description",), "it's 3.5 {}"),
        ('transforms={"inputs": ["standardize"]}', ("transforms", "inputs"), ["standardize"]),
        ("metrics=[]", ("metrics",), []),
        ("layers.0.units=8", ("layers", 0, "units"), 8),
        ("layers.1=tanh", ("layers", 1), "tanh"),
        ("layers.1.rate=0.5", ("layers", 1), {"type": "dropout", "rate": 0.5}),
        ("optimizer.learning_rate=0.1", ("optimizer",), {"type": "adam", "learning_rate": 0.1}),
        ("optimizer=sgd", ("optimizer",), "sgd"),
        ("split.validation=0.2", ("split",), {"validation": 0.2}),
        ("training.early_stopping.patience=3", ("training", "early_stopping"), {"patience": 3}),
        ("checkpoint.every=1", ("checkpoint",), {"every": 1}),
    ],
)
def test_an_override_sets_one_value(override, place, value):
    before = copy.deepcopy(SPEC)
    found = apply_overrides(SPEC, [override])
    for part in place:
        found = found[part]
    assert (found, type(found)) == (value, type(value))
    assert before == SPEC


def test_overrides_apply_in_order():
    assert apply_overrides(SPEC, ["optimizer=sgd", "optimizer.learning_rate=1", "name=a", "name=b"])["name"] == "b"


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("training.epochs", "an override is PATH=VALUE"),
        ("=3", "an override is PATH=VALUE"),
        ("", "an override is PATH=VALUE"),
        ("layers.2.units=1", '"2" is not one of the positions 0 to 1'),
        ("layers.-1.units=1", '"-1" is not one of the positions'),
        ("layers.units=1", '"units" is not one of the positions'),
        ("plots.0=curves", "empty list"),
        ("training.epochs.x=1", '"x" cannot be set inside 1'),
        ("training.epochs=[1", "line 1"),
        ("seed=NaN", "NaN is not a JSON number"),
        ("seed=1e999", "too large"),
        ('split={"test": 0, "test": 1}', "more than once"),
        ("name=2024-run", "line 1"),
    ],
)
def test_an_override_that_cannot_be_applied_is_named(override, reason):
    with pytest.raises(SpecError) as raised:
        apply_overrides(SPEC, [override])
    (found,) = raised.value.diagnostics
    assert found.message.startswith(f"--set {override}: ")
    assert reason in found.message


def test_a_string_that_looks_like_a_number_is_told_to_need_quotes():
    with pytest.raises(SpecError) as raised:
        apply_overrides(SPEC, ["name=2024-run"])
    assert raised.value.diagnostics[0].help.endswith(': "2024-run"')


def test_all_overrides_that_are_wrong_are_told():
    with pytest.raises(SpecError) as raised:
        apply_overrides(SPEC, ["seed", "name=ok", "layers.9=tanh", "seed=1]"])
    assert [found.message.split(":")[0] for found in raised.value.diagnostics] == [
        "--set seed",
        "--set layers.9=tanh",
        "--set seed=1]",
    ]


@pytest.mark.parametrize("document", [3, None, "text"])
def test_nothing_can_be_set_inside_what_is_no_object(document):
    with pytest.raises(SpecError, match="not an object"):
        apply_overrides(document, ["a=1"])
