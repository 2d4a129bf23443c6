"""The contract of transforms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np

from specnet.component import Component
from specnet.errors import DataError, ShapeError

Pieces = Callable[[], Iterable[np.ndarray]]
"""Gives an array a piece after the other, in order, from the first one again at each call."""


class Transform(Component):
    """A change of inputs or targets that is fitted on the training split and can be undone.

    `fit` stores what it learnt in the attributes that `fitted` names, each an array; they are saved with the run.
    Arrays have the batch axis first.
    """

    group: ClassVar[str] = "transforms"
    fitted: ClassVar[tuple[str, ...]] = ()

    def fit(self, x: np.ndarray) -> None:
        """Learn from the training split; by default nothing."""
        return

    def fit_pieces(self, pieces: Pieces) -> None:
        """Learn the same from a training split that does not fit into memory.

        Raises:
            DataError: if all of it is needed at once, as where only `fit` is overridden.
        """
        if type(self).fit is not Transform.fit:
            raise DataError(
                "this transform is fitted on all samples at once, and they take more than the dataset's buffer",
                help="leave it out, or let the buffer be larger",
            )

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the shape of a transformed sample; None where only `fit` will know."""
        return None

    @abstractmethod
    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return x transformed, in float64."""

    @abstractmethod
    def invert(self, y: np.ndarray) -> np.ndarray:
        """Return y in the units that `apply` took."""


def check_shape(x: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check that samples x (n, ...) have the shape of those that `fit` got: broadcasting would hide that they do not.

    Raises:
        ShapeError: if they have another.
    """
    if x.shape[1:] != shape:
        raise ShapeError(f"a sample has shape {x.shape[1:]}, those of the training split have {shape}")
