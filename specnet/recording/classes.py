"""Classes of samples and predictions: their names, and how often one is taken for another."""

from __future__ import annotations

import numpy as np

from specnet.errors import PlotError
from specnet.metrics.base import drop_column
from specnet.plots.base import Trained
from specnet.task import TaskPart, class_numbers, classes, decide_task

OUTPUTS = 7
"""Outputs that are shown at most: one for each colour of the palette."""


def class_names(run: Trained) -> list[str] | None:
    """Return the names of the classes that a run learns, or None if it learns numbers or several labels."""
    return class_names_of(run.task.only)


def class_names_of(part: TaskPart) -> list[str] | None:
    """Return the names of a part's classes, or None if it learns numbers or several labels."""
    return list(part.classes) if part.has_classes else None


def required_classes(run: Trained) -> list[str]:
    """Return class names, also where the task is regression but all targets could be class numbers, as in XOR by mse.

    Raises:
        PlotError: if the targets are not classes.
    """
    task = run.task
    if not task.only.has_classes:
        task = decide_task(run.data.about_targets, ["multiclass"], categorical=True) or task
    if not task.only.has_classes:
        raise PlotError(
            f"the targets, of shape {run.data.train.targets.shape[1:]}, are not classes",
            help="this plot takes class numbers, 0 and 1, or one-hot targets; for one number there is residuals",
        )
    return list(task.only.classes)


def padded(names: list[str], predictions: np.ndarray) -> list[str]:
    """Return names of all classes that occur in class numbers, or have a score (..., k); unnamed ones are numbered."""
    most = int(predictions.max()) + 1 if predictions.dtype.kind in "iu" else predictions.shape[-1]
    return numbered(names, max(most, 2))


def numbered(names: list[str], count: int) -> list[str]:
    """Return names of at least `count` classes; unnamed ones are numbered."""
    return names + [str(number) for number in range(len(names), count)]


def class_pairs(targets: np.ndarray, predictions: np.ndarray) -> np.ndarray | None:
    """Return true and predicted class numbers (2, n), or None if samples do not have one class each."""
    truth, found = class_numbers(targets), drop_column(classes(predictions))
    return None if truth is None or truth.ndim != 1 or truth.shape != found.shape else np.stack([truth, found])


class Confusion:
    """How often each class is taken for which; it is fed like a metric.

    `counts` is (k, k): rows are true classes, columns predicted ones.
    """

    def __init__(self) -> None:
        self.counts = np.zeros((2, 2), np.int64)

    def update(self, prediction: np.ndarray, target: np.ndarray) -> None:
        """Count a batch, or raise a PlotError if samples do not have one class each."""
        pairs = class_pairs(target, prediction)
        if pairs is None:
            raise PlotError(
                f"targets of shape {target.shape[1:]} and predictions of shape {prediction.shape[1:]} "
                "are not one class for each sample",
                help="leave this plot out",
            )
        size = max(len(self.counts), int(pairs.max()) + 1)
        counts = np.bincount(pairs[0] * size + pairs[1], minlength=size * size).reshape(size, size)
        counts[: len(self.counts), : len(self.counts)] += self.counts
        self.counts = counts

    def of(self, names: list[str]) -> tuple[list[str], np.ndarray]:
        """Return names of all classes, and counts of as many."""
        names = numbered(names, len(self.counts))
        further = len(names) - len(self.counts)
        return names, np.pad(self.counts, (0, further))


def rows_of_numbers(predictions: np.ndarray, axes: int) -> np.ndarray:
    """Return predictions (frames, *places, ...), with `axes` axes of places, as (frames, *places, k)."""
    shape = predictions.shape[axes + 1 :]
    if len(shape) > 1:
        raise PlotError(
            f"predictions of shape {shape} for each sample are not shown, only classes and numbers",
            help="leave this plot out",
        )
    return predictions if shape else predictions[..., np.newaxis]


def output_names(run: Trained, names: list[str] | None, count: int) -> list[str]:
    """Return the names of at most seven predictions: of classes, of target columns, or numbered."""
    if names is not None:
        return names[: min(count, OUTPUTS)] if count > 1 else names[1:2]
    targets = run.task.parts[0].names
    unnamed = ["target"] if count == 1 else [f"output {number}" for number in range(count)]
    return list(targets if len(targets) == count else unnamed)[:OUTPUTS]
