"""Metrics on predicted quantiles and intervals."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.metrics.base import drop_column
from specnet.metrics.outputs import OutputMean
from specnet.weights import aligned


class PinballLoss(OutputMean):
    """Error of a predicted quantile q: the mean of q (t - y) where the target is larger, else of (1 - q) (y - t).

    With q = 0.5 it is half of the mean absolute error. Koenker & Bassett, "Regression quantiles", 1978.
    """

    higher_is_better = False
    examples = ({"quantile": 0.9}, {"quantile": 0.1, "average": "none"})
    quantile: float = Field(default=0.5, gt=0, lt=1, description="share of targets that should be below predictions")

    def values(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        error = t - y
        return np.maximum(self.quantile * error, (self.quantile - 1.0) * error)


class Coverage(OutputMean):
    """Share of targets inside the predicted interval.

    For k targets a network returns several times k outputs: all the lowest bounds or quantiles, then the next ones; the
    interval is from the smallest to the largest of a target. With a `level` it returns k means and then k logarithms of
    variances, and the interval is the one that contains this share of a normal distribution. The metric should be near
    the share for which the interval is meant, neither below nor above.
    """

    tasks = ("regression",)
    examples = ({"level": 0.9}, {"average": "none"})
    level: float | None = Field(
        default=None, gt=0, lt=1, description="share of a normal distribution; null: outputs are bounds"
    )

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        t = drop_column(target).astype(np.float64)
        t = t.reshape(len(t), -1)
        columns = prediction.shape[1] if prediction.ndim == 2 else 0
        several = columns == 2 * t.shape[1] if self.level else columns > t.shape[1] and columns % t.shape[1] == 0
        if target.ndim > 2 or len(t) != len(prediction) or not several:
            raise ShapeError(
                f"predictions have shape {prediction.shape[1:]}, targets {target.shape[1:]}: coverage needs "
                + ("a mean and a logarithm of a variance" if self.level else "two bounds or more")
                + " for each target"
            )
        y = prediction.astype(np.float64).reshape(len(t), -1, t.shape[1])
        if weight is not None:
            weight = np.broadcast_to(aligned(weight, t.shape), t.shape)
        self.add(self.values(y, t), weight)

    def values(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return whether each target (n, k) is inside the interval that outputs (n, bounds, k) mean, as 0 or 1."""
        if self.level is None:
            inside = (y.min(axis=1) <= t) & (t <= y.max(axis=1))
        else:
            width = NormalDist().inv_cdf((1.0 + self.level) / 2.0)
            inside = np.abs(t - y[:, 0]) <= width * np.exp(np.minimum(y[:, 1] / 2.0, 700.0))
        return inside.astype(np.float64)
