"""Transforms of categories."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import numpy as np
from pydantic import Field

from specnet.diagnostics import show_value
from specnet.errors import DataError
from specnet.transforms.base import NUMBERS, FeatureError, Pieces, Transform, as_rows


class Categories(Transform):
    """A transform that learns the categories of each column.

    Accepts class numbers (n,) or columns of categories (n, columns), each with the values of the training split in
    ascending order.
    """

    fitted = ("categories", "sizes", "ndim")
    dtypes = (*NUMBERS, np.str_)

    def fit_pieces(self, pieces: Pieces) -> None:
        found: list[np.ndarray] = []
        for x in pieces():
            if x.ndim > 2:
                raise DataError(f"a sample is one category or a row of them, but here it has shape {x.shape[1:]}")
            new = [np.unique(column) for column in as_rows(x).T]
            found = [np.union1d(*both) for both in zip(found, new, strict=True)] if found else new
            self.ndim = np.array(x.ndim)
        categories = np.concatenate(found)
        if np.issubdtype(categories.dtype, np.floating) and np.array_equal(categories, np.rint(categories)):
            categories = categories.astype(np.int64)
        self.categories, self.sizes = categories, np.array([len(values) for values in found])

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.check_shape(x, () if self.ndim == 1 else (len(self.sizes),))
        columns = zip(as_rows(x).T, self._split(self.categories, self.sizes), strict=True)
        return self._join([self._encode(number, *each) for number, each in enumerate(columns)])

    @abstractmethod
    def _encode(self, number: int, column: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return a column (n,) of this number encoded, given the categories of the training split."""

    @abstractmethod
    def _join(self, encoded: list[np.ndarray]) -> np.ndarray:
        """Return the samples, given all encoded columns."""

    def _check_known(self, number: int, column: np.ndarray, values: np.ndarray) -> None:
        """Check that a column (n,) has only categories of the training split.

        Raises:
            FeatureError: naming the first one that is not.
        """
        known = np.isin(column, values)
        if not known.all():
            row = int(np.argmin(known))
            fault = f"has the category {column[row]} in {{place}}, which is not in the training split"
            help = f'known are {show_value(values.tolist())}; "handle_unknown": "ignore" accepts others'
            raise FeatureError((number,)[: self.ndim - 1], fault, row=row, help=help)

    @staticmethod
    def _split(joined: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
        return np.split(joined, np.cumsum(sizes)[:-1])


class OneHot(Categories):
    """Each category becomes a separate column: 1 in the rows that have it, 0 elsewhere.

    Accepts class numbers (n,) or columns of categories (n, columns), each with the values of the training split in
    ascending order. The columns of `island` are called `island=A`, `island=B` and so on. The inverse picks the
    category with the largest number; a dropped one has 1 minus the sum of the others.
    """

    categorical = True
    examples = ({"handle_unknown": "ignore"}, {"drop": "first"})
    handle_unknown: Literal["error", "ignore"] = Field(
        default="error", description="a category that training does not have is refused, or becomes zeros"
    )
    drop: Literal["first"] | None = Field(
        default=None, description="first: no column for the first category, which the others determine"
    )

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) != len(self.sizes):
            return ()
        columns = zip(names, self._split(self.categories, self.sizes), strict=True)
        return tuple(f"{name}={value}" for name, values in columns for value in values[self._dropped :])

    def invert(self, y: np.ndarray) -> np.ndarray:
        chosen = []
        scores = self._split(y.T, self.sizes - self._dropped)
        for score, values in zip(scores, self._split(self.categories, self.sizes), strict=True):
            all_scores = np.concatenate([1 - score.sum(axis=0, keepdims=True), score]) if self.drop else score
            chosen.append(np.take_along_axis(values, np.argmax(all_scores, axis=0), axis=0))
        return chosen[0] if self.ndim == 1 else np.stack(chosen, axis=1)

    @property
    def _dropped(self) -> int:
        return 1 if self.drop else 0

    def _encode(self, number: int, column: np.ndarray, values: np.ndarray) -> np.ndarray:
        if self.handle_unknown == "error":
            self._check_known(number, column, values)
        return column[:, np.newaxis] == values[self._dropped :]

    def _join(self, encoded: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(encoded, axis=1).astype(np.float64)


class Ordinal(Categories):
    """Each category becomes its number in ascending order, from 0: whole numbers, such as an embedding layer reads.

    Accepts class numbers (n,) or columns of categories (n, columns).
    """

    examples = ({"handle_unknown": "ignore"},)
    handle_unknown: Literal["error", "ignore"] = Field(
        default="error",
        description="a category that training does not have is refused, or becomes the number after the last one",
    )

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def _encode(self, number: int, column: np.ndarray, values: np.ndarray) -> np.ndarray:
        if self.handle_unknown == "error":
            self._check_known(number, column, values)
        return np.where(np.isin(column, values), np.searchsorted(values, column), len(values))

    def _join(self, encoded: list[np.ndarray]) -> np.ndarray:
        return np.stack(encoded, axis=1) if self.ndim == 2 else encoded[0]
