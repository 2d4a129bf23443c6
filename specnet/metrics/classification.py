"""Metrics on classes."""

from __future__ import annotations

import numpy as np

from specnet.errors import ShapeError
from specnet.functions import class_numbers, classes
from specnet.metrics.base import Metric, drop_column


def wanted_classes(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the class numbers that targets stand for, in the shape of the classes predicted.

    Targets are class numbers, 0 and 1 among them, or one-hot.

    Raises:
        ShapeError: if they are neither.
    """
    shape = drop_column(classes(prediction)).shape
    wanted: np.ndarray | None = drop_column(target)
    if wanted is None or wanted.shape != shape:
        wanted = class_numbers(target)
    if wanted is None or drop_column(wanted).shape != shape or not np.array_equal(wanted, np.rint(wanted)):
        raise ShapeError(
            f"accuracy takes class numbers, 0 and 1, or one-hot targets; here targets have shape {target.shape[1:]}, "
            f"predictions {prediction.shape[1:]}",
            help="for numbers there are the metrics mse, mae and r2",
        )
    return drop_column(wanted)


class Accuracy(Metric):
    """Share of samples whose class is predicted; targets are 0 and 1, class numbers or one-hot."""

    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        return float(np.mean(drop_column(classes(prediction)) == wanted_classes(target, prediction)))
