"""Metrics on numbers, in the units of the targets."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from specnet.metrics.base import MeanMetric, Metric
from specnet.weights import aligned, weighted


class MeanSquaredError(MeanMetric):
    """Mean squared error, in squared units of the target."""

    higher_is_better: ClassVar[bool] = False

    def values(self, prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.square(self.errors(prediction, target))


class MeanAbsoluteError(MeanMetric):
    """Mean absolute error, in units of the target."""

    higher_is_better: ClassVar[bool] = False

    def values(self, prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.abs(self.errors(prediction, target))


class R2(Metric):
    """Coefficient of determination: 1 - sum (y - t)^2 / sum (t - mean t)^2, averaged over outputs.

    1 is perfect, 0 is no better than the mean. An output whose targets are all equal has 1 if it is predicted
    exactly, else 0.

    The sum of squares about the mean is merged from those of batches: Chan, Golub & LeVeque, "Updating formulae and a
    pairwise algorithm for computing sample variances", 1979. Means are counted from the first target, so that targets
    far from 0 lose no digits.
    """

    def reset(self) -> None:
        self.keep(**{name: np.zeros(1) for name in ("count", "origin", "mean", "squares", "residual")})

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        error = self.errors(prediction, target).reshape(len(target), -1)
        t = target.reshape(len(target), -1).astype(np.float64)
        w = np.ones_like(t) if weight is None else np.broadcast_to(aligned(weight, target.shape), target.shape)
        w = w.reshape(t.shape)
        count = w.sum(axis=0)
        origin = np.take_along_axis(t, np.argmax(w > 0, axis=0)[np.newaxis], axis=0)[0]
        t = np.where(w > 0, t - origin, 0.0)
        mean = (w * t).sum(axis=0) / np.where(count > 0, count, 1.0)
        squares = (w * np.square(t - mean)).sum(axis=0)
        self._add(count, origin, mean, squares, weighted(np.square(error), w).sum(axis=0))

    def _add(
        self, count: np.ndarray, origin: np.ndarray, mean: np.ndarray, squares: np.ndarray, residual: np.ndarray
    ) -> None:
        """Add samples of this weight, given their first target, their mean minus that, and the sums of squares."""
        total = self.count + count
        share = count / np.where(total > 0, total, 1.0)
        start = np.where(self.count > 0, self.origin, origin)
        delta = (origin - start) + (mean - self.mean)
        self.keep(
            count=total,
            origin=start,
            mean=self.mean + delta * share,
            squares=self.squares + squares + np.square(delta) * self.count * share,
            residual=self.residual + residual,
        )

    def merge(self, other: Metric) -> None:
        self._add(**other.kept)

    def compute(self) -> float:
        if not self.count.any():
            return math.nan
        constant = self.squares == 0
        scores = 1.0 - self.residual / np.where(constant, 1.0, self.squares)
        return float(np.mean(np.where(constant, self.residual == 0, scores), where=self.count > 0))
