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
    predicted = drop_column(classes(prediction))
    wanted = drop_column(target)
    if wanted.shape != predicted.shape:
        one_hot = class_numbers(target)
        wanted = wanted if one_hot is None else drop_column(one_hot)
    meant = wanted.shape == predicted.shape and np.array_equal(wanted, np.rint(wanted))
    if meant and not np.issubdtype(prediction.dtype, np.integer):
        # One probability tells class 0 from class 1, several scores tell as many classes.
        count = prediction.shape[-1] if classes(prediction).ndim < prediction.ndim else 2
        meant = bool(((wanted >= 0) & (wanted < max(count, 2))).all())
    if not meant:
        raise ShapeError(
            f"accuracy takes 0 and 1 for one output, class numbers or one-hot targets for several; here targets have "
            f"shape {target.shape[1:]}, predictions {prediction.shape[1:]}, or a target is no class of theirs",
            help="for numbers there are the metrics mse, mae and r2",
        )
    return wanted


class Accuracy(Metric):
    """Share of samples whose class is predicted; targets are 0 and 1, class numbers or one-hot."""

    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        return float(np.mean(drop_column(classes(prediction)) == wanted_classes(target, prediction)))
