import copy

import pytest

from specnet.spec.document import document_of
from specnet.spec.overrides import apply_overrides
from specnet.words import show_pointer

SPEC = {
    "name": "x",
    "layers": [{"type": "linear", "units": 4}, "dropout"],
    "optimizer": "adam",
    "split": None,
    "plots": [],
    "training": {"epochs": 1},
}

BRANCHED = ("layers", 0, "branches", 1, 0, "rate")


def overridden(*overrides, document=SPEC):
    """Return the document after overrides, and the mistakes."""
    changed = document_of(document)
    apply_overrides(changed, overrides)
    return changed


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
        ("name=2024-run", ("name",), "2024-run"),
        ("seed=007", ("seed",), "007"),
        ("seed=-", ("seed",), "-"),
        ("layers[0].units=8", ("layers", 0, "units"), 8),
        ("layers[1].rate=8", ("layers", 1, "rate"), 8),
        ("optimizer.learning_rate.type=step", ("optimizer", "learning_rate", "type"), "step"),
        ("description=a=b==c", ("description",), "a=b==c"),
        ("description=it's 3.5 {}", ("description",), "it's 3.5 {}"),
        ('transforms={"inputs": ["standardize"]}', ("transforms", "inputs"), ["standardize"]),
        ("metrics=[]", ("metrics",), []),
        ("layers.0.units=8", ("layers", 0, "units"), 8),
        ("layers.1=tanh", ("layers", 1), "tanh"),
        ("layers.1.rate=0.5", ("layers", 1), {"type": "dropout", "rate": 0.5}),
        ("optimizer.learning_rate=0.1", ("optimizer",), {"type": "adam", "learning_rate": 0.1}),
        ("optimizer=sgd", ("optimizer",), "sgd"),
        ("layers.0.weight_init.std=2", ("layers", 0, "weight_init"), {"type": "glorot_uniform", "std": 2}),
        ("split.validation=0.2", ("split",), {"validation": 0.2}),
        ("training.early_stopping.patience=3", ("training", "early_stopping"), {"patience": 3}),
        ("checkpoint.every=1", ("checkpoint",), {"every": 1}),
        ("layers[-1].rate=8", ("layers", 1, "rate"), 8),
        ("layers.-2.units=8", ("layers", 0, "units"), 8),
        ("layers+=tanh", ("layers", 2), "tanh"),
        ('layers+={"type": "linear"}', ("layers", 2), {"type": "linear"}),
        ("plots+=roc", ("plots",), ["roc"]),
        ("transforms.inputs+=minmax", ("transforms",), {"inputs": ["minmax"]}),
    ],
)
def test_an_override_sets_one_value(override, place, value):
    before = copy.deepcopy(SPEC)
    changed = overridden(override)
    assert not changed.mistakes
    found = changed.value
    for part in place:
        found = found[part]
    assert (found, type(found)) == (value, type(value))
    assert before == SPEC


@pytest.mark.parametrize(
    "path", [show_pointer(BRANCHED), "layers[0].branches[1][0].rate", "layers[0].branches.1[0].rate"]
)
def test_a_path_is_written_as_messages_show_it_or_with_brackets(path):
    document = {"layers": [{"type": "parallel", "branches": [["tanh"], ["dropout"]]}]}
    changed = overridden(f"{path}=0.5", document=document)
    assert changed.value["layers"][0]["branches"] == [["tanh"], [{"type": "dropout", "rate": 0.5}]]
    assert changed.span(BRANCHED) and not changed.mistakes


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("lookahead", {"type": "adam"}),
        ("schedule_free", {"type": "adamw", "beta_1": 0.0}),
        ("sgd", {}),
        ("none_such", {}),
    ],
)
def test_what_is_inside_a_component_begins_with_its_default(kind, default):
    changed = overridden(f"optimizer={kind}", "optimizer.optimizer.learning_rate=0.1")
    assert not changed.mistakes
    assert changed.value["optimizer"] == {"type": kind, "optimizer": default | {"learning_rate": 0.1}}


def test_overrides_apply_in_order():
    assert overridden("optimizer=sgd", "optimizer.learning_rate=1", "name=a", "name=b").value["name"] == "b"


@pytest.mark.parametrize(
    ("override", "code", "column", "reason"),
    [
        ("training.epochs", "override", 1, "an override is PATH=VALUE"),
        ("=3", "override", 1, "an override is PATH=VALUE"),
        ("", "override", 1, "an override is PATH=VALUE"),
        ("layers.2.units=1", "override", 8, '"2" is not one of the positions 0 to 1'),
        ("layers.-3.units=1", "override", 8, '"-3" is not one of the positions'),
        ("seed=None", "override", 6, "None is Python, not JSON"),
        ("training.shuffle=True", "override", 18, "True is Python, not JSON"),
        ("loss+=mse", "override", 1, '"loss" is not a list'),
        ("training+=1", "override", 1, '"training" is not a list'),
        ("layers.²=1", "override", 8, "is not one of the positions"),
        ("layers.units=1", "override", 8, '"units" is not one of the positions'),
        ("plots.0=curves", "override", 7, "empty list"),
        ("training.epochs.x=1", "override", 17, '"x" cannot be set inside 1'),
        ("training.epochs=[1", "syntax", 18, "found the end of the text"),
        ("seed=NaN", "not-finite", 6, "NaN is not a JSON number"),
        ("seed=1e999", "out-of-range", 6, "too large"),
        ('split={"test": 0, "test": 1}', "duplicate-key", 19, "twice"),
        ("layers[2].units=1", "override", 8, '"2" is not one of the positions 0 to 1'),
        ("layers[0]units=1", "override", 1, "an override is PATH=VALUE"),
        ("a..b=1", "override", 1, "an override is PATH=VALUE"),
        ("extends=base.json", "override", 1, "only a file can extend"),
        ("extends.x=1", "override", 1, "only a file can extend"),
        ("layers.0={type: linear}", "syntax", 11, "expected a key in double quotes"),
        ("a" + ".a" * 5000 + "=1", "override", 1, "more than 100 parts"),
        ("name=\udcff", "override", 6, "not UTF-8"),
    ],
)
def test_an_override_that_cannot_be_applied_is_located_in_itself(override, code, column, reason):
    (found,) = overridden(override).mistakes
    assert (found.code, found.location.column, found.location.line) == (code, column, 1)
    assert found.location.file == f"--set {override}"
    assert reason in found.message


def test_what_a_shell_takes_away_is_told():
    (found,) = overridden("metrics=[accuracy]").mistakes
    assert found.help == "text needs double quotes"
    (found,) = overridden('split={"test": 0.1').mistakes
    assert found.help == "in a shell, single quotes keep the double ones: --set 'split=…'"


def test_all_overrides_that_are_wrong_are_told():
    found = overridden("seed", "name=ok", "layers.9=tanh", "seed=[1").mistakes
    assert [mistake.location.file for mistake in found] == ["--set seed", "--set layers.9=tanh", "--set seed=[1"]


def test_what_an_override_sets_is_found_there():
    changed = overridden('layers.0={"type": "linear", "units": [0]}', "training.epochs=0")
    span = changed.span(("layers", 0, "units", 0))
    assert (span.source.name[:14], span.source.text[span.start : span.end]) == ("--set layers.0", "0")
    assert changed.span(("training", "epochs")).start == len("training.epochs=")
    assert changed.span(("seed",)) is None


def test_what_stands_for_a_component_by_default_can_be_changed():
    changed = overridden("optimizer.learning_rate=0.1", document={})
    assert changed.value == {"optimizer": {"type": "adam", "learning_rate": 0.1}}


@pytest.mark.parametrize("document", [3, None, "text"])
def test_nothing_can_be_set_inside_what_is_no_object(document):
    changed = document_of({})
    changed.value = document
    apply_overrides(changed, ["a=1"])
    assert "not an object" in changed.mistakes[0].message


def test_a_single_override_need_not_be_in_a_list():
    changed = document_of(SPEC)
    apply_overrides(changed, "training.epochs=20")
    assert (changed.value["training"]["epochs"], changed.mistakes) == (20, [])


def test_what_is_appended_follows_the_default_of_a_list_that_the_spec_leaves_out():
    document = {"dataset": "waves", "layers": ["linear"], "loss": "mse"}
    changed = overridden("plots+=weights", "metrics+=mae", "metrics+=r2", document=document)
    assert (changed.value["plots"], changed.value["metrics"]) == (["curves", "weights"], ["mae", "r2"])
    assert not changed.mistakes
