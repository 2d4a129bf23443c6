"""Transforms of categories."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from specnet.errors import DataError
from specnet.transforms.base import Transform, check_shape


class OneHot(Transform):
    """Each category becomes an output of its own: 1 where it is meant, 0 elsewhere.

    Takes class numbers (n,) or columns of categories (n, columns), each with the values seen in training, in
    ascending order. Undoing picks the largest output of each column.
    """

    fitted: ClassVar[tuple[str, ...]] = ("categories", "sizes", "ndim")

    def fit(self, x: np.ndarray) -> None:
        if x.ndim > 2:
            raise DataError(f"one_hot takes one category or a row of them, not shape {x.shape[1:]}")
        if np.issubdtype(x.dtype, np.floating) and np.array_equal(x, np.rint(x)):
            x = x.astype(np.int64)
        found = [np.unique(column) for column in x.reshape(len(x), -1).T]
        self.categories, self.sizes = np.concatenate(found), np.array([len(values) for values in found])
        self.ndim = np.array(x.ndim)

    def apply(self, x: np.ndarray) -> np.ndarray:
        check_shape(x, () if self.ndim == 1 else (len(self.sizes),))
        columns = x.reshape(len(x), -1).T
        encoded = []
        for number, (column, values) in enumerate(zip(columns, self._columns(self.categories), strict=True)):
            unknown = ~np.isin(column, values)
            if unknown.any():
                raise DataError(
                    f"row {np.argmax(unknown)} has the category {column[np.argmax(unknown)]} in column {number}, "
                    "which the training split does not have"
                )
            encoded.append(column[:, np.newaxis] == values)
        return np.concatenate(encoded, axis=1).astype(np.float64)

    def invert(self, y: np.ndarray) -> np.ndarray:
        scores, values = self._columns(y.T), self._columns(self.categories)
        chosen = [known[np.argmax(score, axis=0)] for score, known in zip(scores, values, strict=True)]
        return chosen[0] if self.ndim == 1 else np.stack(chosen, axis=1)

    def _columns(self, joined: np.ndarray) -> list[np.ndarray]:
        return np.split(joined, np.cumsum(self.sizes)[:-1])
