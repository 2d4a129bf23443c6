"""`Feed`: which samples a step gets."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.training.model import Prepared
from specnet.training.randomness import save_stream


class Feed:
    """Hands out the training samples of an epoch batch by batch, in a new order each epoch if they are shuffled.

    There is no order where one batch holds them all, as it does not matter.
    """

    def __init__(self, split: Prepared, batch_size: int | None, shuffle: bool, rng: np.random.Generator) -> None:
        self.split = split
        self.count = len(split.x)
        self.size = min(batch_size or self.count, self.count)
        self.rng = rng
        self._drawn_from: dict[str, Any] = {}
        self._order: np.ndarray | None = None
        self._shuffles = shuffle and self.size < self.count
        if self._shuffles:
            self._x, self._target = (np.empty_like(array[: self.size]) for array in (split.x, split.target))

    def begin(self) -> None:
        """Draw the order of a new epoch."""
        if self._shuffles:
            self._drawn_from = save_stream(self.rng)
            self._order = self.rng.permutation(self.count)

    def batch(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of the samples from `position` on; they are valid until the next call."""
        if self._order is None:
            rows = slice(position, position + self.size)
            return self.split.x[rows], self.split.target[rows]
        chosen = self._order[position : position + self.size]
        # With any other mode `take` first writes to an array of its own.
        x = self.split.x.take(chosen, axis=0, out=self._x[: len(chosen)], mode="clip")
        return x, self.split.target.take(chosen, axis=0, out=self._target[: len(chosen)], mode="clip")

    def state(self, position: int) -> dict[str, Any]:
        """Return the generator's state that the order of the epoch under way, or else of the next, is drawn from.

        Whoever restores it and begins an epoch gets the same order again.
        """
        return self._drawn_from if self._shuffles and position else save_stream(self.rng)

    @property
    def truth(self) -> np.ndarray:
        """Targets in the dataset's units, in the order of the epoch."""
        return self.split.truth if self._order is None else self.split.truth[self._order]
