"""Transforms of categories."""

from __future__ import annotations

import numpy as np

from specnet.errors import DataError
from specnet.transforms.base import NUMBERS, Pieces, Transform


class OneHot(Transform):
    """Each category becomes a separate column: 1 in the rows that have it, 0 elsewhere.

    Accepts class numbers (n,) or columns of categories (n, columns), each with the values of the training split in
    ascending order. The columns of `island` are called `island=A`, `island=B` and so on. The inverse picks the
    category with the largest number.
    """

    fitted = ("categories", "sizes", "ndim")
    dtypes = (*NUMBERS, np.str_)
    categorical = True

    def fit(self, x: np.ndarray) -> None:
        self.fit_pieces(lambda: [x])

    def fit_pieces(self, pieces: Pieces) -> None:
        found: list[np.ndarray] = []
        for x in pieces():
            if x.ndim > 2:
                raise DataError(f"one_hot takes one category or a row of them, not shape {x.shape[1:]}")
            new = [np.unique(column) for column in x.reshape(len(x), -1).T]
            found = [np.union1d(*both) for both in zip(found, new, strict=True)] if found else new
            self.ndim = np.array(x.ndim)
        categories = np.concatenate(found)
        if np.issubdtype(categories.dtype, np.floating) and np.array_equal(categories, np.rint(categories)):
            categories = categories.astype(np.int64)
        self.categories, self.sizes = categories, np.array([len(values) for values in found])

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.check_shape(x, () if self.ndim == 1 else (len(self.sizes),))
        columns = x.reshape(len(x), -1).T
        encoded = []
        for number, (column, values) in enumerate(zip(columns, self._columns(self.categories), strict=True)):
            unknown = ~np.isin(column, values)
            if unknown.any():
                row = int(np.argmax(unknown))
                message = f"the category {column[row]} in {{place}}, column {number}, is not in the training split"
                raise DataError(message, row=row)
            encoded.append(column[:, np.newaxis] == values)
        return np.concatenate(encoded, axis=1).astype(np.float64)

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) != len(self.sizes):
            return ()
        columns = zip(names, self._columns(self.categories), strict=True)
        return tuple(f"{name}={value}" for name, values in columns for value in values)

    def invert(self, y: np.ndarray) -> np.ndarray:
        scores, values = self._columns(y.T), self._columns(self.categories)
        chosen = [known[np.argmax(score, axis=0)] for score, known in zip(scores, values, strict=True)]
        return chosen[0] if self.ndim == 1 else np.stack(chosen, axis=1)

    def _columns(self, joined: np.ndarray) -> list[np.ndarray]:
        return np.split(joined, np.cumsum(self.sizes)[:-1])
