"""Metrics on classes."""

from __future__ import annotations

import numpy as np

from specnet.errors import ShapeError
from specnet.functions import classes
from specnet.metrics.base import Metric, drop_column


def wanted_classes(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the class numbers that targets stand for, in the shape of the classes predicted.

    Targets are class numbers, or of the prediction's shape: 0 and 1, or one-hot.

    Raises:
        ShapeError: if they are neither.
    """
    if target.shape == prediction.shape and not np.issubdtype(prediction.dtype, np.integer):
        target = classes(target.astype(np.float64))
    target = drop_column(target)
    if target.shape != drop_column(classes(prediction)).shape:
        raise ShapeError(
            f"predictions have shape {prediction.shape[1:]}, targets {target.shape[1:]}: "
            "accuracy takes 0 and 1, class numbers or one-hot targets"
        )
    return target


class Accuracy(Metric):
    """Share of samples whose class is predicted; targets are 0 and 1, class numbers or one-hot."""

    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        return float(np.mean(drop_column(classes(prediction)) == wanted_classes(target, prediction)))
