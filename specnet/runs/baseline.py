"""What a constant prediction reaches: a network that has learned something is better."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np

from specnet.datasets.base import AnySamples, Data, Samples
from specnet.metrics.base import Metric
from specnet.plugin_code import staying
from specnet.task import Task, class_numbers


@staying()
def baselines(task: Task, data: Data, metrics: Mapping[str, Metric]) -> dict[str, dict[str, float]]:
    """Return each metric of a constant prediction on each split; empty if there is none, or samples are streamed.

    The prediction is the commonest class of the training samples, or the mean of their targets.
    """
    constant = _constant(task, data.train)
    if constant is None or not metrics or data.streamed:
        return {}
    return {split: _measure(constant, samples, metrics) for split, samples in data.splits.items()}


def _constant(task: Task, train: AnySamples) -> np.ndarray | None:
    """Return the prediction for every sample."""
    if len(task.parts) > 1 or not isinstance(train, Samples) or train.mask is not None or train.targets.ndim > 2:
        return None
    if not task.has_classes:
        return np.mean(train.targets.astype(np.float64), axis=0)
    numbers = class_numbers(train.targets)
    if numbers is None:
        return None
    commonest = int(np.bincount(numbers).argmax())
    if task.only.kind == "binary":
        return np.array([float(commonest)])
    return np.eye(max(len(task.only.classes), commonest + 1))[commonest]


def _measure(constant: np.ndarray, samples: AnySamples, metrics: Mapping[str, Metric]) -> dict[str, float]:
    assert isinstance(samples, Samples)
    prediction = np.tile(constant, (len(samples.targets), *[1] * constant.ndim))
    weight = () if samples.weight is None else (samples.weight,)
    found: dict[str, float] = {}
    with np.errstate(all="ignore"):
        for name, metric in metrics.items():
            with suppress(Exception):  # not every metric is defined for a constant
                value = metric(prediction, samples.targets, *weight)
                if isinstance(value, dict):
                    found |= {f"{name}.{part}": number for part, number in value.items()}
                else:
                    found[name] = value
    return found
