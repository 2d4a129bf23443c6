"""Weights of classes, and classes that are not learned."""

import json
import math
import pickle

import numpy as np
import pytest

import specnet
from specnet.errors import SpecnetError
from specnet.kernels.base import Textbook
from specnet.kernels.numpy import Numpy
from specnet.runs.experiment import Experiment
from specnet.task import Task, TaskPart
from specnet.training.batches import Batch

LOG2, LOG3, LOG4 = math.log(4 / 3), math.log(3), math.log(4)  # of 3/4, 3 and 1/4
WEIGHTS = {"class_weight": {"no": 1.0, "yes": 3.0}}
YES_NO = Task((TaskPart("binary", classes=("no", "yes")),))
THREE = Task((TaskPart("multiclass", classes=("no", "yes", "never")),))

# Outputs, targets and weights of a batch, and its loss: a mean over the sum of all weights.
BY_HAND = [
    ({"type": "bce", **WEIGHTS}, YES_NO, [[0.75], [0.75]], [[1], [0]], None, (3 * LOG2 + LOG4) / 4),
    ({"type": "bce_with_logits", **WEIGHTS}, YES_NO, [[LOG3], [LOG3]], [[1], [0]], None, (3 * LOG2 + LOG4) / 4),
    ({"type": "bce_with_logits", **WEIGHTS}, YES_NO, [[LOG3], [LOG3]], [[1], [0]], [1, 2], (3 * LOG2 + 2 * LOG4) / 5),
    ({"type": "hinge", **WEIGHTS}, YES_NO, [[0.5], [0.5]], [[1], [0]], None, (3 * 0.5 + 1.5) / 4),
    ({"type": "cross_entropy", **WEIGHTS}, YES_NO, [[0, LOG3]] * 2, [1, 0], None, (3 * LOG2 + LOG4) / 4),
    ({"type": "cross_entropy", **WEIGHTS}, YES_NO, [[0, LOG3]] * 2, [[0, 1], [1, 0]], None, (3 * LOG2 + LOG4) / 4),
    ({"type": "cross_entropy", "ignore_index": 0}, YES_NO, [[0, LOG3]] * 2, [1, 0], None, LOG2),
    (
        {"type": "cross_entropy", "ignore_index": 9},
        YES_NO,
        [[0, LOG3]] * 3,
        [1, 0, 9],
        [1, 3, 5],
        (LOG2 + 3 * LOG4) / 4,
    ),
    (
        {"type": "cross_entropy", "ignore_index": 9, **WEIGHTS},
        YES_NO,
        [[[0, LOG3]] * 3],
        [[1, 0, 9]],
        [2],
        (3 * LOG2 + LOG4) / 4,
    ),
    ({"type": "ordinal", **WEIGHTS}, THREE, [[LOG3, -LOG3]] * 2, [0, 1], None, (LOG4 - 3 * math.log(9 / 16)) / 4),
]


@pytest.mark.parametrize(("spec", "task", "y", "target", "weight", "value"), BY_HAND)
@pytest.mark.parametrize("kernels", [Textbook, Numpy])
def test_values_worked_by_hand(spec, task, y, target, weight, value, kernels):
    loss, y = kernels.instantiate(specnet.build("losses", spec)), np.array(y)
    loss.task = task
    target = loss.prepare(np.array(target), y.shape[1:], y.dtype)
    weight = None if weight is None else np.array(weight, float)
    assert loss.forward(y, target, weight) == pytest.approx(value, rel=1e-14)
    assert np.isfinite(loss.backward()).all()


@pytest.mark.parametrize(("spec", "task", "y", "target", "weight", "value"), BY_HAND)
def test_gradients_are_those_of_the_weighted_loss(spec, task, y, target, weight, value):
    loss, y = specnet.build("losses", spec), np.array(y)
    loss.task = task
    target = loss.prepare(np.array(target), y.shape[1:], y.dtype)
    weight = None if weight is None else np.array(weight, float)
    loss.forward(y, target, weight)
    dy = loss.backward().copy()
    for place in np.ndindex(y.shape):
        up, down = y.copy(), y.copy()
        up[place] += 1e-6
        down[place] -= 1e-6
        slope = (loss.forward(up, target, weight) - loss.forward(down, target, weight)) / 2e-6
        assert dy[place] == pytest.approx(slope, abs=1e-8)


def test_class_numbers_that_are_not_ignored_are_checked():
    with pytest.raises(SpecnetError, match="target 8 in row 1"):
        specnet.build("losses", {"type": "cross_entropy", "ignore_index": 9}).prepare(
            np.array([9, 8, 0]), (2,), np.dtype("float64")
        )


def test_a_loss_alone_does_not_know_the_classes():
    with pytest.raises(SpecnetError, match="needs the classes"):
        specnet.build("losses", {"type": "bce", **WEIGHTS}).forward(np.array([[0.5]]), np.array([[1.0]]))


@pytest.fixture
def spec(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 2))
    np.savez(tmp_path / "data.npz", inputs=x, targets=np.repeat([0, 1, 2], [20, 16, 4]))
    return {
        "dataset": {"type": "npz", "path": str(tmp_path / "data.npz")},
        "layers": [{"type": "linear"}],
        "loss": {"type": "cross_entropy", "class_weight": "balanced"},
        "metrics": ["accuracy"],
        "optimizer": "adam",
        "training": {"epochs": 2, "batch_size": 16},
        "split": {"validation": 0.0},
        "plots": [],
    }


BALANCED = {"0": 40 / 60, "1": 40 / 48, "2": 40 / 12}


def test_balanced_weights_are_numbers_in_the_resolved_spec(spec, tmp_path):
    run = specnet.run(spec, out=tmp_path / "run")
    written = json.loads((tmp_path / "run" / "spec.json").read_text())
    assert written["loss"]["class_weight"] == pytest.approx(BALANCED)
    again = specnet.load_run(tmp_path / "run")
    found = again.evaluate("train")
    assert found["loss"] == pytest.approx(run.evaluate("train")["loss"])
    # Each class counts the same: the loss is the mean of those of the classes.
    data = np.load(tmp_path / "data.npz")
    p = again.predict(data["inputs"])[np.arange(40), data["targets"]]
    means = [np.mean(-np.log(p[data["targets"] == k])) for k in range(3)]
    assert found["loss"] == pytest.approx(np.mean(means), rel=1e-5)
    assert found["accuracy"] == pytest.approx(np.mean(again.predict(data["inputs"]).argmax(1) == data["targets"]))
    copied = pickle.loads(pickle.dumps(again))
    assert copied.evaluate("train") == found


@pytest.mark.parametrize("one_hot", [False, True])
def test_masked_positions_do_not_count_for_balanced_weights(one_hot, spec, tmp_path):
    targets = np.array([[0, 1, 1, 0, 0], [1, 2, 0, 0, 0]])
    data = np.zeros((2, 5, 1)), np.eye(3)[targets] if one_hot else targets, None, np.array([3, 2])
    layers = [{"type": "rnn", "units": 2, "return_sequences": True}, {"type": "linear", "units": 3}]
    changes = {"dataset": {}, "layers": layers, "training": {"epochs": 1, "batch_size": 2}}
    run = specnet.run({**spec, **changes}, data=data, out=tmp_path / "run")
    assert run.spec.loss.class_weight == pytest.approx({"0": 5 / 3, "1": 5 / 9, "2": 5 / 3})


def test_a_run_with_balanced_weights_can_be_resumed_with_the_same_spec(spec, tmp_path):
    specnet.run(spec, out=tmp_path / "run")
    longer = {**spec, "training": {**spec["training"], "epochs": 3}}
    assert len(specnet.run(longer, out=tmp_path / "run", resume=True).history["epoch"]) == 3


def test_weights_of_batches_are_those_of_their_classes(spec):
    experiment = Experiment(specnet.load_spec(spec))
    batch = experiment.splits["train"]
    assert isinstance(batch, Batch)
    assert experiment.model.weight_of(batch) == pytest.approx(40)
    assert experiment.model.weight_of(batch.select(slice(36, 40))) == pytest.approx(
        sum(BALANCED[str(k)] for k in batch.targets[36:40])
    )


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"type": "cross_entropy", "class_weight": {"3": 2.0}}, ("loss", "class_weight", "3"), "not a class"),
        (
            {"type": "cross_entropy", "class_weight": {"0": -2.0}},
            ("loss", "class_weight", "0"),
            "greater than or equal",
        ),
        ({"type": "cross_entropy", "class_weight": "balance"}, ("loss", "class_weight"), '"balanced" or an object'),
        ({"type": "cross_entropy", "class_weight": 2}, ("loss", "class_weight"), "should be an object"),
        ({"type": "cross_entropy", "ignore_index": -1}, ("loss", "ignore_index"), "greater than or equal"),
    ],
)
def test_mistakes_are_located(spec, changes, place, message):
    with pytest.raises(SpecnetError) as caught:
        Experiment(specnet.load_spec({**spec, "loss": changes}))
    (found,) = caught.value.diagnostics
    assert found.pointer == place
    assert message in found.message


class Coins(specnet.Dataset):
    """Its outline knows how many classes there are, but not what they are called."""

    def outline(self):
        return specnet.Outline((1,), (), 8, (), 2, "classes")

    def load(self, rng):
        samples = specnet.Samples(np.arange(8.0)[:, np.newaxis], np.arange(8) % 2)
        return specnet.Data(samples, classes=("heads", "tails"))


def named(dataset, name, **changes):
    recall = {"type": "recall", "positive": name}
    loss = {"type": "cross_entropy", "class_weight": {name: 3.0}}
    return {"dataset": dataset, "layers": ["linear"], "loss": loss, "metrics": [recall], "plots": []} | changes


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ({"type": "spiral", "n_samples": 20}, "arm 1"),
        ({"type": "shapes", "n_samples": 80, "size": 16}, "cross"),
        ({"type": "parity", "length": 4}, "odd"),
        ({"type": "coins"}, "tails"),
    ],
)
def test_classes_have_their_names_with_class_numbers_and_one_hot(dataset, name, local):
    specnet.register("datasets", "coins")(Coins)
    layers = ["flatten", "linear"]
    plain, one_hot = (
        Experiment(specnet.load_spec(named(dataset, name, layers=layers, transforms={"targets": targets})))
        for targets in ([], ["one_hot"])
    )
    assert one_hot.model.loss.class_factors().max() == 3
    first, second = (each.model.evaluate(each.data.train)["loss"] for each in (plain, one_hot))
    assert first == pytest.approx(second)
    for wrong in ({"transforms": {"targets": ["one_hot"]}}, {}):
        with pytest.raises(SpecnetError) as caught:
            Experiment(specnet.load_spec(named(dataset, "nobody", layers=layers, **wrong)))
        assert ("loss", "class_weight", "nobody") in [each.pointer for each in caught.value.diagnostics]
