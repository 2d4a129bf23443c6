import numpy as np
import pytest

import specnet
from specnet.datasets.base import Data, Samples
from specnet.runs.trained.baseline import baselines
from specnet.task import Task, TaskPart

RNG = np.random.default_rng(0)


def metric(name):
    return {name: specnet.build("metrics", name)}


@pytest.mark.parametrize(
    ("kind", "classes", "targets", "name", "expected"),
    [
        ("binary", ("no", "yes"), np.array([0, 1, 1, 1]), "accuracy", 0.75),
        ("binary", ("no", "yes"), np.array([[0.0], [0.0], [1.0]]), "accuracy", 2 / 3),
        ("multiclass", ("a", "b", "c"), np.array([2, 2, 0, 1, 2]), "accuracy", 0.6),
        ("multiclass", ("a", "b", "c"), np.eye(3)[[1, 1, 0]], "accuracy", 2 / 3),
        ("regression", (), np.array([1.0, 2.0, 6.0]), "mse", 14 / 3),
        ("regression", (), np.array([[1.0, 0.0], [3.0, 4.0]]), "mae", 1.5),
        ("regression", (), np.array([1.0, 2.0, 6.0]), "r2", 0.0),
    ],
)
def test_the_baseline_is_the_commonest_class_or_the_mean(kind, classes, targets, name, expected):
    data = Data(Samples(RNG.normal(size=(len(targets), 2)), targets))
    found = baselines(Task((TaskPart(kind, classes=classes),)), data, metric(name))
    assert found["train"][name] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("part", "targets", "name", "expected"),
    [
        (TaskPart("regression"), np.array([1.0, 2.0, 6.0, 99.0]), "r2", 0.0),
        (TaskPart("regression"), np.array([1.0, 2.0, 6.0, 99.0]), "mae", (2 * 1.5 + 0.5 + 3.5) / 4),
        (TaskPart("multiclass", classes=("a", "b", "c")), np.array([0, 1, 2, 2]), "accuracy", 0.5),
    ],
)
def test_weights_of_samples_count_for_the_constant(part, targets, name, expected):
    data = Data(Samples(np.zeros((4, 1)), targets, np.array([2.0, 1.0, 1.0, 0.0])))
    assert baselines(Task((part,)), data, metric(name))["train"][name] == pytest.approx(expected, abs=1e-12)


def test_other_splits_are_measured_with_the_constant_of_the_training_samples():
    train, test = (Samples(np.zeros((4, 1)), np.array(targets)) for targets in ([0, 0, 0, 1], [1, 1, 1, 0]))
    found = baselines(Task((TaskPart("binary", classes=("a", "b")),)), Data(train, test=test), metric("accuracy"))
    assert {split: values["accuracy"] for split, values in found.items()} == {"train": 0.75, "test": 0.25}


def test_a_metric_that_a_constant_has_no_value_of_is_left_out():
    data = Data(Samples(np.zeros((3, 1)), np.array([0.5, 1.5, 2.5])))
    task = Task((TaskPart("regression"),))
    assert baselines(task, data, metric("accuracy") | metric("mae"))["train"].keys() == {"mae"}
