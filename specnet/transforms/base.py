"""The contracts of transforms: those that are fitted on the training split, and random ones."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from specnet.component import Component, NameOrNumber
from specnet.errors import DataError, ShapeError
from specnet.features import FeatureKind
from specnet.functions import all_finite
from specnet.task import Shape
from specnet.words import quote

Pieces = Callable[[], Iterable[np.ndarray]]
"""Returns the pieces of an array in order, from the first one again at each call."""
FILL = 'fill the gaps, or train with the transform "impute" first or, for a category, with "missing": "category"'
DTypes = tuple[type[np.generic], ...]
NUMBERS: DTypes = (np.bool_, np.integer, np.floating)


class FeatureError(DataError):
    """A feature of the samples that a transform cannot use; `fault` says why, `place` is its index in a sample."""

    def __init__(self, place: tuple[int, ...], fault: str, *, row: int | None = None, help: str | None = None) -> None:
        self.place, self.fault = place, fault
        shown = f"feature {', '.join(map(str, place))}" if place else "the data"
        super().__init__(f"{shown} {fault}", row=row, help=help)

    def name(self, names: Sequence[str]) -> None:
        """Name the feature, given the names of all columns; empty if unknown."""
        if names and len(self.place) == 1:
            self.rename(f"column {quote(names[self.place[0]])} {self.fault}")


class Transform(Component):
    """A change of inputs or targets that is fitted on the training split.

    `fit` stores what it learns in the attributes listed in `fitted`, each an array of numbers or of fixed-width text;
    they are saved with the run. Arrays have the batch axis first. `apply` may change the number of columns. Only a
    transform with `invert` can be used for targets, since predictions are returned in the units of the data.

    In a table, a transform sees only its `columns`, in the order of the table.
    """

    group: ClassVar[str] = "transforms"
    columns: list[NameOrNumber] | None = Field(
        default=None, min_length=1, max_length=100_000, description="columns to transform; null: all numbers and dates"
    )
    fitted: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that hold what `fit` learns."""
    dtypes: ClassVar[DTypes] = NUMBERS
    """The dtypes that samples may have, as NumPy's abstract types; others are refused before `fit`."""
    kinds: ClassVar[tuple[FeatureKind, ...]] = ("number", "date")
    """The kinds of features that it transforms if `columns` is null."""
    takes_missing: ClassVar[bool] = False
    """Whether samples may contain NaN, which stands for a missing value."""
    categorical: ClassVar[bool] = False
    """Whether `invert` returns the categories that `apply` took: for targets, classes."""

    def fit(self, x: np.ndarray) -> None:
        """Learn from the training split; by default as its only piece, if `fit_pieces` is overridden."""
        if type(self).fit_pieces is not Transform.fit_pieces:
            self.fit_pieces(lambda: [x])

    def fit_pieces(self, pieces: Pieces) -> None:
        """Learn the same from a training split that does not fit into memory.

        Raises:
            DataError: if `fit` needs all samples at once, as when only `fit` is overridden.
        """
        if type(self).fit is not Transform.fit:
            raise DataError(
                "this transform is fitted on all samples at once, and they take more than the dataset's buffer",
                help="leave it out, or make the buffer larger",
            )

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the shape of a transformed sample; None if it is only known after `fit`."""
        return None

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the columns that `apply` returns, after `fit`; empty if unknown.

        By default a transform that keeps the shape keeps the names.
        """
        shape = (len(names),)
        return names if self.output_shape(shape) == shape else ()

    @abstractmethod
    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return x transformed, in float64 or in whole numbers."""

    def check_shape(self, x: np.ndarray, shape: tuple[int, ...]) -> None:
        """Check that samples x (n, ...) have the same shape as in `fit`, as broadcasting would hide a difference.

        Raises:
            ShapeError: if they have another shape.
        """
        if x.shape[1:] != shape:
            raise ShapeError(f"a sample has shape {x.shape[1:]}, but those of the training split have {shape}")

    def invert(self, y: np.ndarray) -> np.ndarray:
        """Return y in the units that `apply` took."""
        raise DataError("this transform cannot be undone")

    @classmethod
    def inverts(cls) -> bool:
        """Return whether the class overrides `invert`."""
        return cls.invert is not Transform.invert


class SameShape(Transform):
    """A transform that keeps the shape of a sample."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape


class RandomTransform(Component):
    """A random change of inputs, drawn again for each training batch.

    It gets batches after all fitted transforms, in the network's dtype. Validation, evaluation and predictions do not
    use it, so it must keep the shape of a sample. It keeps no state between batches. One that changes targets as well
    overrides `apply_both`.
    """

    group: ClassVar[str] = "transforms"
    dtypes: ClassVar[DTypes] = (np.floating,)
    """The dtypes that a batch may have, as NumPy's abstract types."""

    @abstractmethod
    def apply(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a batch of the shape and dtype of x, without changing x; all random numbers must come from `rng`."""

    def check_shape(self, shape: Shape) -> None:
        """Check that it takes samples of this shape; by default any.

        Raises:
            ShapeError: if it does not.
        """
        return

    def apply_both(self, x: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a batch changed as `apply` does, and its targets; class numbers come as rows of 0 and 1."""
        return self.apply(x, rng), target


def check_dtype(dtype: np.dtype, dtypes: DTypes) -> None:
    """Check that samples have one of the dtypes that a transform accepts.

    Raises:
        DataError: if they have another dtype.
    """
    if not any(np.issubdtype(dtype, each) for each in dtypes):
        accepted = " or ".join(each.__name__.rstrip("_") for each in dtypes)
        raise DataError(f"this transform accepts {accepted}, but the samples are {dtype}")


def check_complete(x: np.ndarray) -> None:
    """Check that no value of samples x (n, ...) is missing.

    Raises:
        DataError: naming the first row with one.
    """
    if x.dtype.kind == "f" and not all_finite(x):
        refuse_features(np.isnan(x), "has a missing value", help=FILL)


def refuse_features(wrong: np.ndarray, fault: str, help: str | None = None) -> None:
    """Refuse samples with wrong numbers, which are marked in an array (n, ...) of bool.

    Raises:
        FeatureError: naming the first one by feature and row.
    """
    if wrong.any():
        row, *place = np.argwhere(wrong)[0].tolist()
        raise FeatureError(tuple(place), f"{fault} in {{place}}", row=row, help=help)


def count_columns(shape: tuple[int, ...]) -> int:
    """Return the number of columns of samples that are rows of numbers.

    Raises:
        ShapeError: if samples of this shape are not.
    """
    if len(shape) != 1:
        raise ShapeError(f"this transform accepts rows of numbers, but a sample has shape {shape}")
    return shape[0]


def as_rows(x: np.ndarray) -> np.ndarray:
    """Return samples (n, ...) as rows (n, features); n may be 0."""
    return x.reshape(len(x), math.prod(x.shape[1:]))
