"""What a network learns is decided from dataset, loss and units, before data are loaded where that suffices."""

import json
from dataclasses import replace

import numpy as np
import pytest

import specnet
from specnet.datasets.base import Data, Outline, Samples
from specnet.errors import AmbiguousTaskError
from specnet.task import MAX_CLASSES, Targets, Task, TaskPart, decide_task

MSE, BCE, CROSS_ENTROPY = (specnet.build("losses", name).learns for name in ("mse", "bce", "cross_entropy"))
ONE, TWO, THREE, OPEN = (1,), (2,), (3,), None
DIGITS = ("0", "1", "2")
DECISIONS = [
    # targets, names of classes, loss, outputs, kind, classes
    ("integers of two classes", [0, 1, 1], (), MSE, ONE, "binary", DIGITS[:2]),
    ("integers of two classes", [0, 1, 1], (), BCE, ONE, "binary", DIGITS[:2]),
    ("integers of two classes", [0, 1, 1], (), BCE, OPEN, "binary", DIGITS[:2]),
    ("integers of two classes", [0, 1, 1], (), CROSS_ENTROPY, TWO, "multiclass", DIGITS[:2]),
    ("integers of two classes", [0, 1, 1], (), CROSS_ENTROPY, OPEN, "multiclass", DIGITS[:2]),
    ("integers of two classes", [0, 1, 1], (), MSE, OPEN, "binary", DIGITS[:2]),
    ("a column of integers", [[0], [1]], (), MSE, ONE, "binary", DIGITS[:2]),
    ("truth values", [True, False], (), MSE, ONE, "binary", DIGITS[:2]),
    ("a single class", [0, 0], (), BCE, ONE, "binary", DIGITS[:2]),
    ("named classes", [0, 1], ("cat", "dog"), BCE, ONE, "binary", ("cat", "dog")),
    ("named classes", [0, 1], ("cat", "dog", "emu"), CROSS_ENTROPY, THREE, "multiclass", ("cat", "dog", "emu")),
    ("named classes to be met as numbers", [0, 1], ("cat", "dog", "emu"), MSE, ONE, "regression", ()),
    ("integers of three classes", [0, 2], (), CROSS_ENTROPY, THREE, "multiclass", DIGITS),
    ("integers of three classes", [0, 2], (), CROSS_ENTROPY, OPEN, "multiclass", DIGITS),
    ("counts", [0, 2], (), MSE, ONE, "regression", ()),
    ("whole numbers of which nobody says that they are classes", [0.0, 1.0], (), MSE, ONE, "regression", ()),
    ("whole numbers of which the loss says it", [0.0, 1.0], (), BCE, ONE, "binary", DIGITS[:2]),
    ("whole numbers of which the loss says it", [[0.0], [2.0]], (), CROSS_ENTROPY, THREE, "multiclass", DIGITS),
    ("shares", [0.25, 1.0], (), BCE, ONE, "regression", ()),
    ("numbers", [0.5, 1.5], (), MSE, OPEN, "regression", ()),
    ("negative integers", [-1, 1], (), MSE, ONE, "regression", ()),
    ("large integers", [0, MAX_CLASSES], (), CROSS_ENTROPY, TWO, "regression", ()),
    ("one-hot rows", np.eye(3), (), CROSS_ENTROPY, THREE, "multiclass", DIGITS),
    ("one-hot rows", np.eye(3), (), BCE, THREE, "multiclass", DIGITS),
    ("one-hot rows", np.eye(3), (), MSE, OPEN, "multiclass", DIGITS),
    ("several labels each", [[1, 1, 0], [0, 1, 0]], (), BCE, THREE, "multilabel", DIGITS),
    ("several labels each", [[1.0, 1.0], [0.0, 1.0]], (), MSE, TWO, "multilabel", DIGITS[:2]),
    ("several numbers each", [[1.0, 2.0], [0.0, 1.0]], (), MSE, TWO, "regression", ()),
    ("distributions", [[0.3, 0.7]], (), CROSS_ENTROPY, TWO, "regression", ()),
    ("maps of classes", np.array([[[0, 2], [1, 1]]]), (), CROSS_ENTROPY, (2, 2, 3), "multiclass", DIGITS),
    ("maps of numbers", np.full((1, 2, 2), 0.5), (), MSE, (2, 2), "regression", ()),
]


def about(targets, classes=(), names=()):
    targets = np.asarray(targets)
    data = Data(Samples(np.zeros((len(targets), 1)), targets), classes=classes, target_names=names)
    return data.about_targets


@pytest.mark.parametrize(("what", "targets", "names", "learns", "outputs", "kind", "classes"), DECISIONS)
def test_targets_loss_and_units_decide_the_task(what, targets, names, learns, outputs, kind, classes):
    task = decide_task(about(targets, names), learns, outputs)
    assert (task.only.kind, task.only.classes) == (kind, classes)
    assert task.only.has_classes == (kind in ("binary", "multiclass"))


@pytest.mark.parametrize("classes", [(), ("a", "b", "c")])
def test_more_than_two_classes_and_open_units_can_be_read_in_two_ways(classes):
    with pytest.raises(AmbiguousTaskError, match="3 classes") as caught:
        decide_task(about([0, 1, 2], classes), MSE)
    assert '"units" to 1' in caught.value.help
    assert "one_hot" in caught.value.help


def test_a_categorical_transform_says_that_whole_numbers_are_classes():
    for outputs in (THREE, OPEN):
        assert decide_task(about([0.0, 2.0]), MSE, outputs, categorical=True).only.kind == "multiclass"


def test_labels_have_the_names_of_their_columns():
    assert decide_task(about([[1, 1], [0, 1]], names=("wet", "cold")), BCE, TWO).only.classes == ("wet", "cold")
    assert decide_task(about(np.eye(2), names=("wet",)), CROSS_ENTROPY, TWO).only.classes == ("0", "1")


OUTLINES = [
    (Outline(), MSE, None),
    (Outline(targets=(1,)), MSE, None),
    (Outline(targets=(1,), kind="numbers"), MSE, "regression"),
    (Outline(targets=(1,), kind="numbers"), BCE, None),
    (Outline(targets=(3,), kind="numbers"), MSE, None),
    (Outline(targets=(), kind="classes"), CROSS_ENTROPY, None),
    (Outline(targets=(), classes=2), BCE, "binary"),
    (Outline(targets=(), classes=4), CROSS_ENTROPY, "multiclass"),
]


@pytest.mark.parametrize(("outline", "learns", "kind"), OUTLINES)
def test_before_data_are_loaded_a_task_is_decided_or_not_known(outline, learns, kind):
    task = decide_task(outline.about_targets, learns)
    assert (task and task.only.kind) == kind


def test_all_splits_and_all_pieces_count():
    targets = about([0, 1])
    later = replace(targets, pieces=lambda: [np.array([0, 1]), np.array([2])])
    assert decide_task(later, CROSS_ENTROPY, THREE).only.classes == DIGITS
    assert decide_task(Targets((), "numbers", pieces=lambda: [np.array([0.0]), np.array([0.5])]), BCE, ONE).only == (
        TaskPart("regression")
    )


@pytest.mark.parametrize(
    "task",
    [
        Task((TaskPart("binary", classes=("no", "yes"), names=("answer",)),)),
        Task((TaskPart("regression", (0, 1), names=("height",)), TaskPart("multiclass", (1, 4), DIGITS))),
    ],
)
def test_a_task_survives_as_JSON(task):
    assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task


def test_a_task_of_an_earlier_checkpoint_has_no_numbers_of_target_columns():
    told = [{"kind": "binary", "columns": None, "classes": ["no", "yes"], "names": ["answer"]}]
    assert Task.from_json(told) == Task((TaskPart("binary", classes=("no", "yes"), names=("answer",)),))


def test_each_part_of_a_task_has_its_columns():
    parts = (
        TaskPart("multiclass", (0, 3), tuple("abc"), ("kind",), (1,)),
        TaskPart("regression", (3, 5), (), (), (0, 2)),
    )
    prediction, target = np.arange(10).reshape(2, 5), np.arange(6).reshape(2, 3)
    (scores, kinds), (numbers, values) = (Task(parts).select(part, prediction, target) for part in parts)
    assert scores.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert kinds.tolist() == [1, 4]
    assert numbers.tolist() == [[3, 4], [8, 9]]
    assert values.tolist() == [[0, 2], [3, 5]]
    assert not Task(parts).has_classes
