"""Transforms by linear maps between columns."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import DataError, ShapeError
from specnet.functions import all_finite
from specnet.transforms.base import Pieces, Transform, count_columns
from specnet.transforms.scaling import EPSILON

Moments = tuple[int, np.ndarray, np.ndarray]
"""Number of rows, mean (k,), and R of a QR factorization of the rows minus their mean."""


class Pca(Transform):
    """y = (x - mean) V^T: the principal components, uncorrelated columns in descending order of their variance.

    The rows of V are the right singular vectors of x - mean in the training split. The first of the largest numbers of
    a row is positive. The inverse is y V + mean, which is x if all components are kept.
    Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
    """

    examples = ({"n_components": 1}, {"n_components": 2, "whiten": True}, {"whiten": True})
    fitted = ("mean", "components", "scale")
    n_components: PositiveInt | None = Field(default=None, description="components to keep; null: one for each column")
    whiten: bool = Field(default=False, description="true: divide each component by its standard deviation")

    def fit_pieces(self, pieces: Pieces) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused
            rows, mean, r = reduce(_merge, (_moments(x) for x in pieces()))
        if not all_finite(r):
            raise DataError("the data have numbers too large to compute their principal components")
        (kept,) = self.output_shape(mean.shape)
        _, s, vectors = np.linalg.svd(r)  # R's singular values, and V, are those of the rows
        vectors, s = vectors[:kept], np.pad(s, (0, mean.size))[:kept]
        # Numbers that are the largest but for rounding are tied, so that the sign does not depend on rounding.
        sizes = np.abs(vectors)
        largest = np.argmax(sizes > sizes.max(axis=1, keepdims=True) * (1 - 1e-6), axis=1)
        self.mean = mean
        self.components = vectors * np.sign(np.take_along_axis(vectors, largest[:, np.newaxis], axis=1))
        varies = self.whiten & (s > s[0] * max(rows, mean.size) * EPSILON)
        self.scale = np.where(varies, s / math.sqrt(max(1, rows - 1)), 1.0)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        columns = count_columns(shape)
        if self.n_components is not None and self.n_components > columns:
            raise ShapeError(f"n_components is {self.n_components}, but there are {columns} columns")
        return (self.n_components or columns,)

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"pc{number}" for number in range(len(self.components))) if names else ()

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.check_shape(x, self.mean.shape)
        return (x - self.mean) @ self.components.T / self.scale

    def invert(self, y: np.ndarray) -> np.ndarray:
        return y * self.scale @ self.components + self.mean


def _moments(x: np.ndarray) -> Moments:
    count_columns(x.shape[1:])
    mean = np.asarray(np.mean(x, axis=0, dtype=np.float64))
    return len(x), mean, _r(x - mean)


def _merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of both parts together: their rows, and one for the difference of their means."""
    rows, delta = a[0] + b[0], b[1] - a[1]
    between = math.sqrt(a[0] * b[0] / rows) * delta
    return rows, a[1] + delta * (b[0] / rows), _r(np.vstack([a[2], b[2], between]))


def _r(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.qr(x, mode="r"))
