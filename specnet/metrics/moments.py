"""Metrics that are computed from means, variances and the covariance of two numbers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import numpy as np
from pydantic import Field

from specnet.metrics.base import Metric
from specnet.metrics.outputs import OutputMetric, read_outputs


class PairMoments(OutputMetric):
    """A metric of the moments of a pair of numbers: for each output, sums of squares and of products about the means.

    The sums are merged from those of batches: Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", 1979. Means are counted from the first sample, so that numbers far from 0 lose no
    digits. `count` and `product` are (k,); `origin`, `mean` and `squares` are (2, k).
    """

    @abstractmethod
    def pair(self, y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the two numbers of each element, for predictions and targets (n, k)."""

    @abstractmethod
    def scores(self) -> np.ndarray:
        """Return the metric of each output (k,); any number for those that do not count."""

    def reset(self) -> None:
        self.keep(count=np.zeros(1), product=np.zeros(1))
        self.keep(origin=np.zeros((2, 1)), mean=np.zeros((2, 1)), squares=np.zeros((2, 1)))

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        y, t, w = read_outputs(prediction, target, weight)
        if not len(t):
            return
        x = np.array(self.pair(y, t))
        if w is None:
            w = np.ones((1, 1))
            count, origin = np.full(t.shape[1], float(len(t))), x[:, 0].copy()
            x -= origin[:, np.newaxis]
        else:
            count, first = np.add.reduce(w, axis=0), np.argmax(w > 0, axis=0)
            origin = x[:, first, np.arange(t.shape[1])]
            x = np.where(w > 0, x - origin[:, np.newaxis], 0.0)
        mean = np.add.reduce(w * x, axis=1) / np.maximum(count, np.finfo(np.float64).tiny)
        x -= mean[:, np.newaxis]
        wx = w * x
        self._add(count, np.add.reduce(wx[0] * x[1], axis=0), origin, mean, np.add.reduce(wx * x, axis=1))

    def _add(
        self, count: np.ndarray, product: np.ndarray, origin: np.ndarray, mean: np.ndarray, squares: np.ndarray
    ) -> None:
        """Add samples of this weight; their means are counted from their origin."""
        total = self.count + count
        share = count / np.maximum(total, np.finfo(np.float64).tiny)
        start = np.where(self.count > 0, self.origin, origin)
        delta = (origin - start) + (mean - self.mean)
        between = self.count * share
        self.keep(
            count=total,
            product=self.product + product + delta[0] * delta[1] * between,
            origin=start,
            mean=self.mean + delta * share,
            squares=self.squares + squares + np.square(delta) * between,
        )

    def merge(self, other: Metric) -> None:
        self._add(other.count, other.product, other.origin, other.mean, other.squares)

    def compute(self) -> float | dict[str, float]:
        return self.averaged(self.scores(), self.count > 0)

    def mean_squares(self) -> np.ndarray:
        """Return the mean square (2, k) of both numbers."""
        return np.square(self.origin + self.mean) + self.squares / np.where(self.count > 0, self.count, 1.0)


class ErrorMoments(PairMoments):
    """A metric of the moments of errors and targets."""

    def pair(self, y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return y - t, t


class R2(ErrorMoments):
    """Coefficient of determination: 1 - sum (y - t)^2 / sum (t - mean t)^2.

    1 is perfect, 0 is no better than the mean. An output whose targets are all equal has 1 if it is predicted
    exactly, else 0; so has a single sample, for which scikit-learn has NaN.
    """

    examples = ({"average": "none"},)

    def scores(self) -> np.ndarray:
        return explained(self.count * self.mean_squares()[0], self.squares[1])


class ExplainedVariance(ErrorMoments):
    """Share of the targets' variance that is explained: 1 - var(y - t) / var(t).

    It is r2 without the mean error. An output whose targets are all equal has 1 if all errors are equal, else 0.
    """

    examples = ({"average": "none"},)

    def scores(self) -> np.ndarray:
        return explained(*self.squares)


def explained(residual: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return 1 - residual / squares; where squares are 0, 1 if the residual is, else 0."""
    constant = squares == 0
    return np.where(constant, residual == 0, 1.0 - residual / np.where(constant, 1.0, squares))


class NormalizedRmse(ErrorMoments):
    """Root mean squared error relative to the spread of the targets: their standard deviation, or largest - smallest.

    With the standard deviation, 0 is perfect and 1 no better than the mean; on time series it is also called NDEI. For
    an output whose targets are all equal, it is the root mean squared error.
    """

    higher_is_better = False
    examples = ({"normalize": "range"}, {"average": "none"})
    normalize: Literal["std", "range"] = Field(
        default="std", description="standard deviation of the targets, or largest minus smallest"
    )

    def reset(self) -> None:
        super().reset()
        self.keep(low=np.zeros(1), high=np.zeros(1))

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        if self.normalize == "range":
            _, t, w = read_outputs(prediction, target, weight)
            counts = np.ones(t.shape, bool) if w is None else w > 0
            low, high = t.min(axis=0, where=counts, initial=np.inf), t.max(axis=0, where=counts, initial=-np.inf)
            self._extend(low, high, np.any(counts, axis=0))
        super().update(prediction, target, weight)

    def merge(self, other: Metric) -> None:
        self._extend(other.low, other.high, other.count > 0)
        super().merge(other)

    def _extend(self, low: np.ndarray, high: np.ndarray, counted: Any) -> None:
        """Extend the range of those targets that are counted."""
        known = self.count > 0
        low = np.where(known, np.minimum(self.low, low), low)
        high = np.where(known, np.maximum(self.high, high), high)
        self.keep(low=np.where(counted, low, self.low), high=np.where(counted, high, self.high))

    def scores(self) -> np.ndarray:
        spread = self.high - self.low
        if self.normalize == "std":
            spread = np.sqrt(self.squares[1] / np.where(self.count > 0, self.count, 1.0))
        return np.sqrt(self.mean_squares()[0]) / np.where(spread > 0, spread, 1.0)


class Pearson(PairMoments):
    """Correlation coefficient of predictions and targets: cov(y, t) / (std(y) std(t)), from -1 to 1.

    It is 0 for an output whose predictions, or whose targets, are all equal.
    """

    examples = ({"average": "none"},)

    def pair(self, y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return y, t

    def scores(self) -> np.ndarray:
        size = np.sqrt(self.squares[0]) * np.sqrt(self.squares[1])
        r = np.divide(self.product, size, out=np.zeros_like(size), where=size > 0)
        return np.minimum(np.maximum(r, -1.0), 1.0)
