"""Metrics on classes."""

from __future__ import annotations

import numpy as np

from specnet.errors import ShapeError
from specnet.metrics.base import MeanMetric, drop_column
from specnet.task import class_numbers, classes


class Accuracy(MeanMetric):
    """Share of samples whose class is predicted.

    Targets are class numbers, 0 and 1 where there is one output, or one-hot.
    """

    def values(self, prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
        predicted, wanted = drop_column(classes(prediction)), drop_column(target)
        if wanted.shape != predicted.shape:
            one_hot = class_numbers(target)
            wanted = wanted if one_hot is None else drop_column(one_hot)
        known = self.task is not None and self.task.has_classes  # all targets are classes then
        if wanted.shape != predicted.shape or not (known or _are_classes(wanted, _count(prediction))):
            raise ShapeError(
                "accuracy takes 0 and 1 for one output, class numbers or one-hot targets for several; targets "
                f"have shape {target.shape[1:]}, predictions {prediction.shape[1:]}, or a target is not a class",
                help="for numbers there are the metrics mse, mae and r2",
            )
        hits: np.ndarray = predicted == wanted
        return hits


def _count(prediction: np.ndarray) -> int | None:
    """Return how many classes scores stand for; None for class numbers."""
    if prediction.dtype.kind in "iu":
        return None
    return max(prediction.shape[-1] if prediction.ndim > 1 else 1, 2)  # one probability means two classes


def _are_classes(numbers: np.ndarray, count: int | None) -> bool:
    """Return whether numbers are whole, and classes 0 to count - 1 where there is a count."""
    if numbers.dtype.kind == "f" and not np.array_equal(numbers, np.rint(numbers)):
        return False
    if numbers.dtype.kind == "i":
        numbers = numbers.view(f"u{numbers.itemsize}")  # negative numbers become large
    if count is None:
        return True
    return bool(np.maximum.reduce(numbers, axis=None) < count and (numbers.dtype.kind != "f" or numbers.min() >= 0))
