import json

import pytest
from helpers import SOURCE

from specnet import SpecnetError, load_spec

MINIMAL = {"dataset": "spiral", "layers": [{"type": "linear", "units": 1}, "sigmoid"], "loss": "bce"}


def mistakes(**changes):
    with pytest.raises(SpecnetError) as raised:
        load_spec(MINIMAL | changes)
    return [(found.code, found.pointer) for found in raised.value.diagnostics]


@pytest.mark.parametrize(
    ("dataset", "missing"),
    [
        ({"type": "csv", "path": "no.csv", "inputs": ["a"], "targets": ["t"]}, ["path"]),
        ({"type": "csv", "path": "n" * 300, "inputs": ["a"], "targets": ["t"]}, ["path"]),
        ({"type": "npz", "path": "."}, ["path"]),
        ({"type": "npz", "path": ""}, ["path"]),
        ({"type": "idx", "images": "a", "labels": __file__}, ["images"]),
        (
            {"type": "idx", "images": "a", "labels": "b", "test": {"images": "c", "labels": "d"}},
            ["images", "labels", "test.images", "test.labels"],
        ),
    ],
)
def test_missing_data_files_are_found_before_anything_is_loaded(dataset, missing):
    assert mistakes(dataset=dataset) == [("missing-file", ("dataset", *field.split("."))) for field in missing]


def test_no_metric_is_named_twice():
    assert mistakes(metrics=["accuracy", "mse", {"type": "accuracy"}]) == [("duplicate-metric", ("metrics", 2))]
    same = [{"type": "mse", "name": "error"}, {"type": "mae", "name": "error"}, {"type": "r2", "name": "loss"}]
    assert mistakes(metrics=same) == [("duplicate-metric", ("metrics", 1)), ("duplicate-metric", ("metrics", 2))]
    assert mistakes(metrics=[{"type": "mse", "name": "a/b"}]) == [("wrong-value", ("metrics", 0, "name"))]


def test_a_metric_is_monitored_by_its_name():
    metrics = [{"type": "f1", "name": "one"}, {"type": "f1", "name": "other", "positive": 0}]
    assert load_spec(MINIMAL | {"metrics": metrics, "checkpoint": {"monitor": "train/other"}})
    wrong = load_spec(MINIMAL | {"metrics": metrics, "checkpoint": {"monitor": "train/other", "mode": "min"}})
    assert [found.code for found in wrong.warnings] == ["wrong-mode"]
    assert mistakes(metrics=metrics, checkpoint={"monitor": "train/f1"}) == [
        ("unknown-monitor", ("checkpoint", "monitor"))
    ]


def plateau(**fields):
    return {"type": "sgd", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.1, **fields}}


@pytest.mark.parametrize("monitor", ["train/loss", "validation/accuracy", "test/loss"])
def test_values_that_will_exist_can_be_monitored(monitor):
    changes = {"metrics": ["accuracy"], "checkpoint": {"monitor": monitor}, "split": {"validation": 0.2, "test": 0.2}}
    changes |= {"training": {"early_stopping": {"monitor": monitor}}, "optimizer": plateau(monitor=monitor)}
    spec = load_spec(MINIMAL | changes)
    assert spec.checkpoint.monitor == spec.training.early_stopping.monitor == monitor
    assert spec.optimizer.learning_rate.monitor == monitor


@pytest.mark.parametrize("monitor", ["loss", "validation/acuracy", "validation/mse", "tests/loss", ""])
def test_values_that_will_not_exist_cannot_be_monitored(monitor):
    found = mistakes(
        metrics=["accuracy"],
        checkpoint={"monitor": monitor},
        training={"early_stopping": {"monitor": monitor}},
        optimizer=plateau(monitor=monitor),
    )
    places = [
        ("checkpoint", "monitor"), ("training", "early_stopping", "monitor"), ("optimizer", "learning_rate", "monitor"),
    ]  # fmt: skip
    assert found == [("unknown-monitor", place) for place in places]


def test_the_nearest_value_is_proposed():
    with pytest.raises(SpecnetError, match='did you mean "validation/accuracy"'):
        load_spec(MINIMAL | {"metrics": ["accuracy"], "checkpoint": {"monitor": "validation/acuracy"}})


def test_a_monitored_split_should_be_there():
    monitors = {"training": {"early_stopping": {}}, "checkpoint": {"monitor": "test/loss"}, "optimizer": plateau()}
    assert mistakes(**monitors) == [
        ("unknown-monitor", ("checkpoint", "monitor")),
        ("unknown-monitor", ("training", "early_stopping", "monitor")),
        ("unknown-monitor", ("optimizer", "learning_rate", "monitor")),
    ]
    # Where samples come from is not known, so what it brings is not known either.
    assert mistakes(dataset="nowhere", **monitors) == [("unknown-component", ("dataset",))]
    assert mistakes(split={"test": 2}, **monitors) == [("out-of-range", ("split", "test"))]


LINEAR = {"type": "linear", "units": 1}
TWO = {"type": "linear", "units": 2}


PLUGIN = """
from specnet import Layer
from specnet.errors import ShapeError

class Expecting(Layer):
    features: int = 8

    def build(self, input_shape):
        if input_shape != (self.features,):
            raise ShapeError(f"expects {self.features} features", pointer=("features",))
        return input_shape

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy

class Failing(Expecting):
    def build(self, input_shape):
        return input_shape[7]

class Forgetting(Expecting):
    def build(self, input_shape):
        self.declare("weight", input_shape, "zeros")

class Asking(Expecting):
    def build(self, input_shape):
        import specnet
        specnet.build("initializers", "zeross")

class Holding(Expecting):
    def build(self, input_shape):
        raise ShapeError("is bad", pointer=("layers", 0))

class Idle(Expecting):
    features: int = 2

    def flops(self):
        raise RuntimeError("no work")

class Lost(Expecting):
    features: int = 2

    def forward(self, x, training):
        raise RuntimeError("no way")

class Stuck(Expecting):
    features: int = 2

    def backward(self, dy):
        raise RuntimeError("no way back")

class Unkind(Expecting):
    features: int = 2

    @property
    def output(self):
        raise RuntimeError("no kind")
"""
OTHERS = """
import numpy as np
from specnet import Dataset, Loss, Schedule, Transform
from specnet.datasets.base import Outline
from specnet.datasets.data_file import DataFile
from specnet.errors import ShapeError

class Files(Dataset):
    paths: list[DataFile]
    named: dict[str, DataFile] = {}

    def load(self, rng): ...

class Outlining(Dataset):
    def outline(self):
        raise RuntimeError("no outline")

    def load(self, rng): ...

class Preparing(Loss):
    def prepare(self, target, output_shape, dtype):
        return np.eye(output_shape[-1])[target]

    def forward(self, y, target): ...
    def backward(self): ...

class Endless(Schedule):
    def __call__(self, step):
        return 0.1

    def length(self):
        raise RuntimeError("no end")

class Picky(Transform):
    def output_shape(self, shape):
        raise ShapeError("needs images")

    def apply(self, x): ...
    def invert(self, y): ...
"""
NAMES = ("expecting", "failing", "forgetting", "asking", "holding", "unkind", "idle", "lost", "stuck")
POINTS = {
    "datasets": ("files", "outlining"),
    "losses": ("preparing",),
    "schedules": ("endless",),
    "transforms": ("picky",),
}


@pytest.fixture
def plugin(install):
    """Install a layer that takes a number of features that it is told, and components with mistakes."""
    points = "\n".join(f"{name} = acme_layers:{name.title()}" for name in NAMES)
    for group, names in POINTS.items():
        points += f"\n[specnet.{group}]\n" + "\n".join(f"{name} = acme_others:{name.title()}" for name in names)
    install("acme", points, acme_layers=PLUGIN, acme_others=OTHERS)


def told(**changes):
    """Return message and place of the only mistake."""
    with pytest.raises(SpecnetError) as raised:
        load_spec(MINIMAL | changes)
    (found,) = raised.value.diagnostics
    return SOURCE.sub("", found.message), found.pointer


SIXTEEN = {"type": "linear", "units": 16}
SHAPES = [
    ([TWO, SIXTEEN, "expecting"], "layers.2 expects 8 features; layers.1 returns 16", ("layers", 2, "features")),
    (["expecting"], "layers.0 expects 8 features; its input has 2", ("layers", 0, "features")),
    (
        [SIXTEEN, {"type": "residual", "layers": ["tanh", {"type": "repeat", "times": 2, "layers": ["expecting"]}]}],
        "layers.1.layers.1.layers.0 expects 8 features; its input has 16",
        ("layers", 1, "layers", 1, "layers", 0, "features"),
    ),
    (
        [{"type": "residual", "layers": [SIXTEEN]}],
        "layers.0 adds its input to the output of its layers, but they return 16; its input has 2",
        ("layers", 0),
    ),
    (
        ["failing"],
        "layers.0 (Failing of acme 1.0) fails in build: IndexError: tuple index out of range",
        ("layers", 0),
    ),
    (
        ["forgetting"],
        "layers.0 (Forgetting of acme 1.0) fails in build: TypeError: it returns None, which is not the shape of a "
        "sample",
        ("layers", 0),
    ),
    (["asking"], 'there is no initializer "zeross"', ("layers", 0)),
    (["holding"], "layers.0 is bad; its input has 2", ("layers", 0, "layers", 0)),
    ([{"type": "residual", "layers": ["asking"]}], 'there is no initializer "zeross"', ("layers", 0, "layers", 0)),
    (["idle", LINEAR], "layers.0 (Idle of acme 1.0) fails in flops: RuntimeError: no work", ("layers", 0)),
    (["lost", LINEAR], "layers.0 (Lost of acme 1.0) fails in forward: RuntimeError: no way", ("layers", 0)),
    (
        [TWO, {"type": "residual", "layers": ["stuck"]}, LINEAR],
        "layers.1.layers.0 (Stuck of acme 1.0) fails in backward: RuntimeError: no way back",
        ("layers", 1, "layers", 0),
    ),
    (["unkind", LINEAR], "layers.0 (Unkind of acme 1.0) fails in output: RuntimeError: no kind", ("layers", 0)),
]


@pytest.mark.parametrize(("layers", "message", "pointer"), SHAPES)
def test_shapes_are_followed_through_the_stack(plugin, layers, message, pointer):
    assert told(layers=layers, loss="mse") == (message, pointer)


@pytest.mark.parametrize(
    ("changes", "message", "pointer"),
    [
        (
            {"dataset": "outlining"},
            "dataset (Outlining of acme 1.0) fails in outline: RuntimeError: no outline",
            ("dataset",),
        ),
        (
            {"optimizer": {"type": "sgd", "learning_rate": "endless"}},
            "optimizer.learning_rate (Endless of acme 1.0) fails in length: RuntimeError: no end",
            ("optimizer", "learning_rate"),
        ),
        ({"transforms": {"inputs": ["picky"]}}, "needs images", ("transforms", "inputs", 0)),
    ],
)
def test_a_component_that_fails_when_it_is_asked_is_named(plugin, changes, message, pointer):
    assert told(**changes) == (message, pointer)


def test_a_loss_that_prepares_targets_in_its_own_way_is_not_judged_by_the_usual_one(plugin):
    assert load_spec(MINIMAL | {"layers": [SIXTEEN], "loss": "preparing"})


def test_files_in_lists_and_objects_are_looked_for_too(plugin, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    path = tmp_path / "spec.json"
    dataset = {"type": "files", "paths": ["a.txt"], "named": {"first": "a.txt"}}
    path.write_text(json.dumps(MINIMAL | {"dataset": dataset}))
    found = load_spec(path).to_json()["dataset"]
    assert (found["paths"], found["named"]) == ([str(tmp_path / "a.txt")], {"first": str(tmp_path / "a.txt")})
    path.write_text(json.dumps(MINIMAL | {"dataset": dataset | {"paths": ["a.txt", "b.txt"], "named": {"x": "c.txt"}}}))
    with pytest.raises(SpecnetError) as raised:
        load_spec(path)
    assert [found.pointer for found in raised.value.diagnostics] == [
        ("dataset", "paths", 1),
        ("dataset", "named", "x"),
    ]


def test_what_follows_a_wrong_layer_is_not_judged_by_it(plugin):
    assert mistakes(layers=["sigmod", "expecting", SIXTEEN], loss="cross_entropy") == [
        ("unknown-component", ("layers", 0))
    ]


ARMS = '; the classes are ["arm 0", "arm 1"]'
LOSSES = [
    ([TWO], "mse", f"the last layer returns shape (2,), but the targets have one number each{ARMS}", ("layers", 0)),
    (
        [LINEAR],
        "cross_entropy",
        f"this loss needs an output for each class, but the last layer returns 1{ARMS}",
        ("layers", 0),
    ),
    ([LINEAR], "bce", "bce expects probabilities, but layers.0 (linear) returns numbers of any size", ("loss",)),
    ([LINEAR, "relu"], "bce", "bce expects probabilities, but layers.1 (relu) returns numbers of any size", ("loss",)),
    ([LINEAR, "swish"], "bce", "bce expects probabilities, but layers.1 (swish) returns numbers of any size",
     ("loss",)),
    ([LINEAR, "sigmoid", "dropout"], "bce",
     "bce expects probabilities, but layers.2 (dropout) returns numbers of any size", ("loss",)),
    ([TWO, "softmax"], "cross_entropy",
     "cross_entropy expects logits, layers.1 (softmax) returns probabilities", ("loss",)),
    ([LINEAR, "sigmoid", "flatten"], "bce_with_logits",
     "bce_with_logits expects logits, layers.2 (flatten) returns probabilities", ("loss",)),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "loss", "message", "pointer"), LOSSES)
def test_a_loss_suits_the_last_layer(layers, loss, message, pointer):
    assert told(layers=layers, loss=loss) == (message, pointer)


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ([LINEAR, "sigmoid"], "bce"),
        ([LINEAR, "sigmoid", {"type": "dropout", "rate": 0.0}, "flatten"], "bce"),
        ([LINEAR], "bce_with_logits"),
        ([TWO], "cross_entropy"),
        ([{"type": "linear", "units": 7}, "relu"], "cross_entropy"),
        ([LINEAR, "sigmoid"], "mse"),
    ],
)
def test_what_suits_is_not_complained_about(layers, loss):
    assert load_spec(MINIMAL | {"layers": layers, "loss": loss}).warnings == []


def test_a_layer_of_a_plugin_that_does_not_say_what_its_outputs_are_suits_any_loss(plugin):
    for loss in ("bce", "bce_with_logits"):
        load_spec(MINIMAL | {"layers": [LINEAR, {"type": "expecting", "features": 1}], "loss": loss})


def test_a_binary_loss_tells_two_classes_apart():
    layers, message = ["flatten", LINEAR], "the targets have 4 classes, but a binary loss needs two; the classes are "
    message += '["disc", "square", "cross", "triangle"]'
    assert told(dataset="shapes", layers=layers, loss="bce_with_logits") == (message, ("layers", 1))
    # What a transform makes of class numbers are no class numbers any more.
    assert load_spec(
        MINIMAL | {"dataset": "shapes", "layers": [*layers, "sigmoid"], "transforms": {"targets": ["minmax"]}}
    )


def test_shapes_that_only_the_data_know_are_not_judged():
    assert load_spec(MINIMAL | {"layers": [TWO], "loss": "mse", "transforms": {"targets": ["one_hot"]}})


@pytest.mark.parametrize(
    ("split", "places"),
    [
        ({"validation": 0.5, "test": 0.5}, [("split",)]),
        ({"validation": 0.7, "test": 0.7}, [("split",)]),
        ({"validation": 0.1, "test": 0.1}, [("split", "test")]),
        ({"validation": 0.5, "test": 0.49}, [("split",)]),
    ],
)
def test_a_split_leaves_something_to_train_on(split, places):
    assert mistakes(dataset={"type": "spiral", "n_samples": 4}, split=split) == [("split", place) for place in places]


@pytest.mark.parametrize(
    ("split", "places"),
    [
        ({"by": "group", "test": 0.2}, ["by"]),
        ({"by": "column"}, ["by"]),
        ({"column": "site", "test": 0.2}, ["column"]),
        ({"by": "order", "column": 3, "test": 0.2, "stratify": True}, ["column", "stratify"]),
        ({"by": "group", "column": "site", "test": 0.2, "stratify": True}, ["stratify"]),
        (
            {"by": "column", "column": "site", "validation": 0.1, "test": 0.2, "stratify": True},
            ["stratify", "validation", "test"],
        ),
        ({"by": "group", "column": "site", "test": 0.001}, ["test"]),
    ],
)
def test_fields_of_a_split_suit_what_it_goes_by(split, places):
    assert mistakes(split=split) == [("split", ("split", place)) for place in places]


def test_a_column_may_bring_every_split():
    monitors = {"training": {"early_stopping": {}}, "checkpoint": {"monitor": "test/loss"}, "optimizer": plateau()}
    load_spec(MINIMAL | monitors | {"split": {"by": "column", "column": "site"}})
    by_order = {"split": {"by": "order", "test": 0.1, "validation": 0.1, "stratify": False}}
    load_spec(MINIMAL | monitors | by_order)


def test_a_share_is_not_taken_where_the_dataset_has_the_samples(tmp_path):
    import numpy as np

    arrays = {f"{split}_{name}": np.zeros((3, 1)) for split in ("train", "test") for name in ("inputs", "targets")}
    np.savez(tmp_path / "data.npz", **arrays)
    dataset = {"type": "npz", "path": str(tmp_path / "data.npz")}
    assert mistakes(dataset=dataset, split={"test": 0.2, "validation": 0.2}) == [("split", ("split", "test"))]


@pytest.mark.parametrize(
    ("rate", "dtype", "wrong"),
    [(1e-50, "float32", True), (1e-50, "float64", False), (1e-40, "float32", False),
     ({"type": "constant", "value": 1e-46}, "float32", True)],
)  # fmt: skip
def test_a_learning_rate_is_more_than_nothing_in_the_networks_numbers(rate, dtype, wrong):
    changes = {"optimizer": {"type": "sgd", "learning_rate": rate}, "dtype": dtype}
    if wrong:
        assert mistakes(**changes) == [("out-of-range", ("optimizer", "learning_rate"))]
    else:
        assert load_spec(MINIMAL | changes)


def warned(**changes):
    return [(found.code, found.pointer, found.message) for found in load_spec(MINIMAL | changes).warnings]


def test_a_batch_that_is_larger_than_the_data_is_warned_of():
    dataset, split = {"type": "spiral", "n_samples": 100}, {"validation": 0.2}
    assert warned(dataset=dataset, split=split, training={"batch_size": 80}) == []
    assert warned(dataset=dataset, split=split, training={"batch_size": 81}) == [
        (
            "batch-size",
            ("training", "batch_size"),
            "a batch of 81 is more than the 80 training samples: each step uses all of them",
        )
    ]
    assert warned(dataset={"type": "spiral", "n_samples": 20}) == []  # nobody has asked for 32


@pytest.mark.parametrize(
    ("schedule", "epochs", "long"),
    [
        ({"type": "cosine", "initial": 0.1, "steps": 40}, 10, False),
        ({"type": "cosine", "initial": 0.1, "steps": 41}, 10, True),
        ({"type": "step", "initial": 0.1, "every_steps": 41}, 10, True),
        ({"type": "exponential", "initial": 0.1, "every_steps": 1000}, 10, False),
        ({"type": "constant", "value": 0.1}, 1, False),
    ],
)
def test_a_schedule_that_training_cuts_off_is_warned_of(schedule, epochs, long):
    found = warned(
        dataset={"type": "spiral", "n_samples": 100},
        optimizer={"type": "sgd", "learning_rate": schedule},
        training={"epochs": epochs, "batch_size": 30},  # four steps an epoch
    )
    assert [each[:2] for each in found] == [("long-schedule", ("optimizer", "learning_rate"))] * long


PLATEAU = {"type": "reduce_on_plateau", "initial": 0.1}


@pytest.mark.parametrize(
    ("best", "stopping", "plateau", "expected"),
    [
        ({}, {"monitor": "validation/accuracy"}, {}, []),
        ({"monitor": "validation/accuracy"}, None, {}, []),
        ({"monitor": "validation/loss"}, {"monitor": "validation/loss"}, {}, []),
        ({"monitor": "validation/loss", "mode": "min"}, {"monitor": "validation/accuracy", "mode": "max"}, {},
         [("monitors-differ", ("checkpoint", "monitor"))]),
        ({"monitor": "validation/accuracy", "mode": "min"}, None, {}, [("wrong-mode", ("checkpoint", "mode"))]),
        ({}, {"monitor": "validation/mse", "mode": "max"}, {},
         [("wrong-mode", ("training", "early_stopping", "mode"))]),
        ({}, {"mode": "max"}, {}, [("wrong-mode", ("training", "early_stopping", "mode"))]),
        ({}, None, {"mode": "max"}, [("wrong-mode", ("optimizer", "learning_rate", "mode"))]),
        ({}, None, {"mode": "min"}, []),
    ],
)  # fmt: skip
def test_what_decides_by_the_wrong_value_is_warned_of(best, stopping, plateau, expected):
    found = warned(
        dataset={"type": "spiral", "n_samples": 100},
        split={"validation": 0.5},
        metrics=["accuracy", "mse"],
        optimizer={"type": "sgd", "learning_rate": PLATEAU | plateau},
        checkpoint=best,
        training={"epochs": 4, "early_stopping": stopping},
    )
    assert [each[:2] for each in found] == expected


def test_warnings_are_told_with_the_mistakes_and_in_their_place(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(
        '{"dataset": "spiral",\n"layers": [{"type": "linear", "units": 1}],\n"loss": "bce",\n'
        '"training": {"batch_size": 999},\n"sed": 1}'
    )
    with pytest.raises(SpecnetError) as raised:
        load_spec(path)
    found = [(each.severity, each.code, each.location.line) for each in raised.value.diagnostics]
    assert found == [("error", "loss-output", 3), ("warning", "batch-size", 4), ("error", "unknown-key", 5)]
