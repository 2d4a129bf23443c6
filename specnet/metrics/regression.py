"""Metrics on numbers, in the units of the targets."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from specnet.errors import ShapeError
from specnet.metrics.base import Metric, drop_column


def errors(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return prediction - target in float64, with (n,) and (n, 1) taken as the same.

    Raises:
        ShapeError: if the two cannot be compared element by element.
    """
    y, t = drop_column(prediction).astype(np.float64), drop_column(target).astype(np.float64)
    if y.shape != t.shape:
        raise ShapeError(
            f"predictions have shape {prediction.shape[1:]}, targets {target.shape[1:]}: "
            "this metric compares numbers; for classes use accuracy"
        )
    return y - t


class Mse(Metric):
    """Mean squared error, in squared units of the target."""

    higher_is_better: ClassVar[bool] = False
    pass

    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        return float(np.mean(np.square(errors(prediction, target))))


class Mae(Metric):
    """Mean absolute error, in units of the target."""

    higher_is_better: ClassVar[bool] = False
    pass

    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        return float(np.mean(np.abs(errors(prediction, target))))


class R2(Metric):
    """Coefficient of determination: 1 - sum (y - t)^2 / sum (t - mean t)^2, averaged over outputs.

    1 is perfect, 0 is no better than the mean. An output whose targets are all equal counts 1 if it is predicted
    exactly, else 0.
    """

    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        rows = len(target)
        residual = np.sum(np.square(errors(prediction, target)).reshape(rows, -1), axis=0)
        outputs = target.reshape(rows, -1).astype(np.float64)
        total = np.sum(np.square(outputs - np.mean(outputs, axis=0)), axis=0)
        constant = np.ptp(outputs, axis=0) == 0  # the mean of equal numbers may be off in the last digit
        scores = 1.0 - residual / np.where(constant, 1.0, total)
        scores[constant] = residual[constant] == 0
        return float(np.mean(scores))
