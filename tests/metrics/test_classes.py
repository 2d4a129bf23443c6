"""What metrics of classes and labels take, and what they are where there is little to measure."""

import math

import numpy as np
import pytest

import specnet
from specnet import SpecnetError
from specnet.component import find_class
from specnet.errors import ShapeError
from specnet.task import Task, TaskPart

rng = np.random.default_rng(4)
NAMES = ("ant", "bee", "cat")


def build(type, kind="multiclass", classes=NAMES, **fields):
    metric = specnet.build("metrics", {"type": type, **fields})
    metric.task = Task((TaskPart(kind, classes=classes),))
    return metric


def test_a_number_for_each_class_has_its_name():
    p, t = np.eye(4)[[0, 1, 1, 3]], np.array([0, 1, 0, 3])
    assert build("recall", average="none")(p, t) == {"ant": 0.5, "bee": 1, "cat": 0, "3": 1}
    assert specnet.build("metrics", {"type": "recall", "average": "none"})(p, t) == {"0": 0.5, "1": 1, "2": 0, "3": 1}


def test_the_positive_class_is_one_of_many():
    p, t = rng.random((50, 3)), rng.integers(3, size=50)
    each = build("f1", average="none")(p, t)
    for number, name in enumerate(NAMES):
        assert build("f1", positive=name)(p, t) == build("f1", positive=number)(p, t) == each[name]
    assert build("f1")(p, t) == build("f1", average="macro")(p, t) == pytest.approx(np.mean([*each.values()]))


def test_the_threshold_is_that_of_the_positive_class():
    p, t = np.array([0.1, 0.25, 0.6, 0.75]), np.array([0, 1, 0, 1])
    for y in (p[:, None], np.stack([1 - p, p], 1)):
        assert build("recall", "binary", NAMES[:2], threshold=0.2)(y, t) == 1
        assert build("recall", "binary", NAMES[:2], threshold=0.7)(y, t) == 0.5
        assert build("recall", "binary", NAMES[:2], threshold=0.8, positive="ant")(y, t) == 0.5
        assert build("accuracy", "binary", NAMES[:2], threshold=0.2)(y, t) == 0.75


@pytest.mark.parametrize(
    ("fields", "kind", "pointer"),
    [
        ({"type": "f1"}, "regression", ()),
        ({"type": "roc_auc"}, "regression", ()),
        ({"type": "cohen_kappa"}, "multilabel", ()),
        ({"type": "coverage"}, "multiclass", ()),
        ({"type": "f1", "average": "binary"}, "multiclass", ("average",)),
        ({"type": "f1", "average": "binary"}, "multilabel", ("average",)),
        ({"type": "f1", "positive": "dog"}, "multiclass", ("positive",)),
        ({"type": "f1", "positive": 3}, "multiclass", ("positive",)),
        ({"type": "f1", "threshold": 0.3}, "multiclass", ("threshold",)),
        ({"type": "accuracy", "threshold": 0.3}, "multiclass", ("threshold",)),
        ({"type": "top_k_accuracy"}, "multiclass", ("k",)),
    ],
)
def test_a_metric_that_cannot_measure_a_task_is_refused(fields, kind, pointer):
    with pytest.raises(ShapeError) as raised:
        specnet.build("metrics", fields).check_task(Task((TaskPart(kind, classes=NAMES),)))
    assert raised.value.pointer == pointer
    assert raised.value.help


def test_pairs_of_classes_have_no_micro_average():
    with pytest.raises(SpecnetError, match="macro and weighted"):
        specnet.build("metrics", {"type": "roc_auc", "multi_class": "ovo", "average": "micro"})


ON_CLASSES = [
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity", "jaccard", "matthews_corrcoef",
    "cohen_kappa", "hamming_loss",
]  # fmt: skip


@pytest.mark.parametrize("name", ON_CLASSES)
def test_class_numbers_are_predictions_too(name):
    p, t = rng.random((40, 3)), rng.integers(3, size=40)
    metric = specnet.build("metrics", name)
    for shape in ((40,), (40, 1)):
        assert metric(p.argmax(axis=1).reshape(shape), t) == pytest.approx(metric(p, t))
    metric.update(np.array([0]), np.array([0]))
    other = metric.model_copy()
    other.reset()
    other.update(np.array([1, 4]), np.array([4, 2]))
    metric.merge(other)
    assert metric.compute() == pytest.approx(metric(np.array([0, 1, 4]), np.array([0, 4, 2])))


@pytest.mark.parametrize("name", [*ON_CLASSES, "roc_auc", "average_precision", "log_loss", "brier_score", "ece"])
def test_positions_of_sequences_count_as_samples(name):
    p, t, w = rng.dirichlet(np.ones(3), (6, 5)), rng.integers(3, size=(6, 5)), rng.integers(3, size=(6, 5))
    metric = build(name)
    assert metric(p, t, w) == pytest.approx(metric(p.reshape(-1, 3), t.ravel(), w.ravel()))


@pytest.mark.parametrize("target", [[-1, 1, 1], [0, 1, 2], [0.5, 1, 0], [np.nan, 1, 0], [1e300, 0, 0]])
@pytest.mark.parametrize("kind", [None, "binary", "multilabel"])
def test_targets_that_are_no_classes_are_refused_also_in_a_run(target, kind):
    for name in ("f1", "roc_auc", "ece", "log_loss", "accuracy"):
        metric = build(name, kind, NAMES[:2]) if kind else specnet.build("metrics", name)
        with pytest.raises(ShapeError, match=r"targets|labels"):
            metric(np.array([[0.1], [0.9], [0.8]]), np.array(target)[:, None])


ONE_CLASS = {
    "precision": 0, "recall": 0, "f1": 0, "jaccard": 0, "specificity": 1, "balanced_accuracy": 1,
    "matthews_corrcoef": 0, "cohen_kappa": 0, "roc_auc": 0.5, "average_precision": 0,
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), ONE_CLASS.items())
@pytest.mark.filterwarnings("error")
def test_samples_of_a_single_class_have_a_finite_number(name, expected):
    assert build(name, "binary", NAMES[:2])(np.full((5, 1), 0.2), np.zeros(5)) == expected
    for fields in ({}, *find_class("metrics", name).examples):
        if "positive" not in fields and "threshold" not in fields:
            found = build(name, **fields)(rng.dirichlet(np.ones(3), 5), np.full(5, 2))
            assert all(map(math.isfinite, found.values() if isinstance(found, dict) else [found]))


def test_areas_leave_out_classes_without_samples_and_average_precisions_count_them_as_0():
    p, t = rng.dirichlet(np.ones(3), 30), rng.integers(2, size=30)
    areas = build("roc_auc", average="none")(p, t)
    assert build("roc_auc")(p, t) == pytest.approx((areas["ant"] + areas["bee"]) / 2)
    precisions = build("average_precision", average="none")(p, t)
    assert build("average_precision")(p, t) == pytest.approx(sum(precisions.values()) / 3)
    assert precisions["cat"] == 0


def test_calibration_counts_each_label():
    p, t = rng.random((50, 3)), rng.integers(2, size=(50, 3))
    labels, one = build("ece", "multilabel"), build("ece", "binary", NAMES[:2])
    assert labels(p, t) == pytest.approx(one(p.reshape(-1, 1), t.ravel()))
    assert one(np.array([[0.75]] * 4), np.array([1, 1, 1, 0])) == 0
    assert one(np.array([[0.75]] * 4), np.array([1, 0, 1, 0])) == 0.25


def test_top_k_counts_ties_for_later_classes():
    metric = specnet.build("metrics", {"type": "top_k_accuracy", "k": 1})
    assert metric(np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([0, 1])) == 0.5
