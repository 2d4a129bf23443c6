"""What a constant prediction and a linear one reach: a network that has learned something is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np

from specnet.datasets.base import AnySamples, Data, Samples
from specnet.metrics.base import Metric
from specnet.plugin_code import staying
from specnet.task import Task, TaskPart, class_numbers

_COLUMNS = 1000
"""Inputs of a sample up to which there is a linear prediction."""
_NUMBERS = 10**7
"""Numbers in all inputs up to which there is one."""


@staying()
def baselines(task: Task, data: Data, metrics: Mapping[str, Metric]) -> dict[str, dict[str, float]]:
    """Return each metric of a constant prediction on each split; empty if there is none, or samples are streamed.

    The prediction is the commonest class of the training samples, or the mean of their targets, by their weights.
    """
    constant = _constant(task, data.train)
    if constant is None or not metrics or data.streamed:
        return {}
    return _measure_all(lambda x: np.tile(constant, (len(x), *[1] * constant.ndim)), data, metrics)


@staying()
def linear_baselines(
    task: Task, data: Data, metrics: Mapping[str, Metric], take: Callable[[np.ndarray], np.ndarray]
) -> dict[str, dict[str, float]]:
    """Return each metric of the linear prediction with the least squared error on the training samples.

    It is made of the inputs as the network takes them, which `take` returns. Empty unless the task is a regression
    with more samples than inputs, not too many of either.
    """
    train = data.train
    if len(task.parts) > 1 or task.only.kind != "regression" or _constant(task, train) is None:
        return {}
    if not metrics or data.streamed:
        return {}
    n, columns = len(train.inputs), int(np.prod(take(train.inputs[:1]).shape[1:]))
    if not columns < n or columns > _COLUMNS or n * columns > _NUMBERS:
        return {}

    def features(x: np.ndarray) -> np.ndarray:
        return np.column_stack([take(x).reshape(len(x), columns).astype(np.float64), np.ones(len(x))])

    assert isinstance(train, Samples)
    targets = train.targets.astype(np.float64)
    scale = 1.0 if train.weight is None else np.sqrt(train.weight.astype(np.float64).reshape(n, -1)[:, :1])
    coefficients, *_ = np.linalg.lstsq(features(train.inputs) * scale, targets.reshape(n, -1) * scale)
    return _measure_all(lambda x: (features(x) @ coefficients).reshape(-1, *targets.shape[1:]), data, metrics)


def _constant(task: Task, train: AnySamples) -> np.ndarray | None:
    """Return the prediction for every sample: that of each part of the task."""
    if not isinstance(train, Samples) or train.mask is not None or train.targets.ndim > 2:
        return None
    n = len(train.targets)
    weight = np.ones(n) if train.weight is None or train.weight.size != n else train.weight.reshape(n)
    if len(task.parts) == 1:
        return _constant_of(task.only, train.targets, weight)
    found = [_constant_of(part, task.targets_of(part, train.targets), weight) for part in task.parts]
    columns = [part.columns or (0, 0) for part in task.parts]
    parts = [each.reshape(-1) for each in found if each is not None]
    return np.concatenate(parts) if [part.size for part in parts] == [end - start for start, end in columns] else None


def _constant_of(part: TaskPart, targets: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    if not part.has_classes:
        return np.asarray(np.average(targets.astype(np.float64), axis=0, weights=weight.astype(np.float64)))
    numbers = class_numbers(targets)
    if numbers is None or numbers.ndim > 1:  # classes of each position
        return None
    commonest = int(np.bincount(numbers, weight).argmax())
    if part.kind == "binary":
        return np.array([float(commonest)])
    return np.eye(max(len(part.classes), commonest + 1))[commonest]


def _measure_all(
    predict: Callable[[np.ndarray], np.ndarray], data: Data, metrics: Mapping[str, Metric]
) -> dict[str, dict[str, float]]:
    return {split: _measure(predict, samples, metrics) for split, samples in data.splits.items()}


def _measure(
    predict: Callable[[np.ndarray], np.ndarray], samples: AnySamples, metrics: Mapping[str, Metric]
) -> dict[str, float]:
    assert isinstance(samples, Samples)
    prediction = predict(samples.inputs)
    weight = () if samples.weight is None else (samples.weight,)
    found: dict[str, float] = {}
    with np.errstate(all="ignore"):
        for name, metric in metrics.items():
            with suppress(Exception):  # not every metric is defined for a constant
                value = metric(prediction, samples.targets, *weight)
                if isinstance(value, dict):
                    found |= {f"{name}/{part}": number for part, number in value.items()}
                else:
                    found[name] = value
    return found
