"""Transforms by the quantiles of each feature: a given distribution, and bins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import Field

from specnet.functions import extremes, normal_cdf, normal_quantile
from specnet.transforms.base import Pieces, SameShape, Transform, as_rows, count_columns

CUT_OFF = 1e-7
"""Probability beyond which a normal output is cut off, at about 5.2 standard deviations."""


class QuantileTransform(SameShape):
    """y = F(x), with F the distribution function of the feature in the training split: uniform from 0 to 1.

    For a normal output y = Phi^-1(F(x)), with Phi the standard normal distribution function. F is interpolated between
    quantiles; where values are tied, it is in the middle of its step. Numbers beyond those of the training split
    become the ends.
    """

    examples = ({"n_quantiles": 5}, {"output": "normal"})
    fitted = ("quantiles",)
    n_quantiles: int = Field(
        default=1000, ge=2, description="quantiles to interpolate between; at most one for each row"
    )
    output: Literal["uniform", "normal"] = Field(default="uniform", description="distribution of the outputs")

    def fit(self, x: np.ndarray) -> None:
        self.quantiles = _quantiles(x, min(self.n_quantiles, len(x)))

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.check_shape(x, self.quantiles.shape[1:])
        y = self._each(_distribution, x.astype(np.float64))
        return normal_quantile(np.clip(y, CUT_OFF, 1 - CUT_OFF)) if self.output == "normal" else y

    def invert(self, y: np.ndarray) -> np.ndarray:
        if self.output == "normal":
            p = normal_cdf(y.astype(np.float64))
            edge = CUT_OFF * (1 + 1e-6)
            y = np.where(p <= edge, 0.0, np.where(p >= 1 - edge, 1.0, p))
        return self._each(lambda y, q: np.interp(y, np.linspace(0, 1, len(q)), q), y)

    def _each(self, function: Callable[[np.ndarray, np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
        """Return a function of each feature (n,) and its quantiles."""
        features = zip(as_rows(x).T, as_rows(self.quantiles).T, strict=True)
        return np.stack([function(feature, q) for feature, q in features], axis=1).reshape(x.shape)


class Bins(Transform):
    """Each column becomes `n_bins` columns: 1 for the interval that contains the number, and 0 for the others.

    The intervals divide the range of the training split: `uniform` into equal lengths, `quantile` into equal numbers
    of samples, `kmeans` halfway between the centers of one-dimensional k-means (Lloyd, "Least squares quantization in
    PCM", 1982), which begins with equal lengths. Numbers beyond the range belong to the first or the last interval.
    """

    examples = ({"n_bins": 3, "strategy": "uniform"}, {"n_bins": 2}, {"strategy": "kmeans"})
    fitted = ("edges",)
    n_bins: int = Field(default=5, ge=2, description="number of intervals for each column")
    strategy: Literal["uniform", "quantile", "kmeans"] = Field(
        default="quantile", description="how the range is divided"
    )

    def fit(self, x: np.ndarray) -> None:
        count_columns(x.shape[1:])
        if self.strategy == "uniform":
            self.fit_pieces(lambda: [x])
        elif self.strategy == "quantile":
            self.edges = _quantiles(x, self.n_bins + 1)[1:-1]
        else:
            self.edges = np.stack([_kmeans_edges(column, self.n_bins) for column in x.astype(np.float64).T], axis=1)

    def fit_pieces(self, pieces: Pieces) -> None:
        if self.strategy != "uniform":
            super().fit_pieces(pieces)
        least, most = extremes((x.astype(np.float64) for x in pieces()), axis=0)
        count_columns(least.shape)
        levels = np.arange(1, self.n_bins)[:, np.newaxis] / self.n_bins
        self.edges = (1 - levels) * least + levels * most

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (count_columns(shape) * self.n_bins,)

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{name}_bin{number}" for name in names for number in range(self.n_bins))

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.check_shape(x, self.edges.shape[1:])
        number = np.sum(x[:, np.newaxis] >= self.edges, axis=1)
        return as_rows(number[:, :, np.newaxis] == np.arange(self.n_bins)).astype(np.float64)


def _distribution(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the distribution function at x (n,), given evenly spaced quantiles."""
    levels = np.linspace(0, 1, len(q))
    inside = (np.interp(x, q, levels) + 1 - np.interp(-x, -q[::-1], levels)) / 2
    outside = ((x > q[0]) + 1.0 * (x >= q[-1])) / 2
    return np.where((q[0] < x) & (x < q[-1]), inside, outside)


def _quantiles(x: np.ndarray, count: int) -> np.ndarray:
    """Return `count` evenly spaced quantiles of samples (n, ...), from minimum to maximum, interpolated linearly.

    Unlike those of `np.quantile`, quantiles at a sample and between equal ones are exact, so that ties stay ties.
    """
    x = np.sort(x.astype(np.float64), axis=0)
    number, rest = np.divmod(np.arange(count) * (len(x) - 1), max(1, count - 1))
    t = (rest / max(1, count - 1)).reshape(-1, *[1] * (x.ndim - 1))
    below, above = x[number], x[np.minimum(number + 1, len(x) - 1)]
    return np.minimum(below + (t * above - t * below), above)


def _kmeans_edges(x: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the middles between the centers of k-means in one dimension, which are in ascending order."""
    size = np.abs(x).max() or 1.0
    x, levels = np.sort(x) / size, (np.arange(n_bins) + 0.5) / n_bins  # so that no sum overflows
    centers = (1 - levels) * x[0] + levels * x[-1]
    for _ in range(300):
        groups = np.split(x, np.searchsorted(x, (centers[:-1] + centers[1:]) / 2))
        # An empty interval keeps its center.
        moved = [group.mean() if len(group) else center for group, center in zip(groups, centers, strict=True)]
        if np.array_equal(moved, centers):
            break
        centers = np.array(moved)
    return (centers[:-1] + centers[1:]) / 2 * size
