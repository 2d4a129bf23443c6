"""Metrics on classes."""

from __future__ import annotations

import numpy as np

from specnet.errors import ShapeError
from specnet.metrics.base import Metric


def classes(scores: np.ndarray) -> np.ndarray:
    """Return class numbers from class numbers (n, ...), probabilities (n, ..., 1) or scores (n, ..., k).

    One probability says yes from 0.5 on; of several scores the largest wins.
    """
    if np.issubdtype(scores.dtype, np.integer):
        return scores
    if scores.ndim > 1 and scores.shape[-1] > 1:
        return np.argmax(scores, axis=-1)
    yes: np.ndarray = (scores >= 0.5).astype(np.int64)
    return yes[..., 0] if yes.ndim > 1 else yes


def wanted_classes(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the class numbers that targets stand for, in the shape of `classes(prediction)`.

    Targets are class numbers, or of the prediction's shape: 0 and 1, or one-hot.

    Raises:
        ShapeError: if they are neither.
    """
    if target.shape == prediction.shape and not np.issubdtype(prediction.dtype, np.integer):
        return classes(target.astype(np.float64))
    shape = classes(prediction).shape
    if target.size != np.prod(shape, dtype=int):
        raise ShapeError(
            f"predictions have shape {prediction.shape[1:]}, targets {target.shape[1:]}: "
            "accuracy takes 0 and 1, class numbers or one-hot targets"
        )
    return target.reshape(shape)


class Accuracy(Metric):
    """Share of samples whose class is predicted; targets are 0 and 1, class numbers or one-hot."""

    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        return float(np.mean(classes(prediction) == wanted_classes(target, prediction)))
