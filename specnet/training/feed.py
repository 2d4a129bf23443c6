"""`Feed`: which samples a step gets."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.datasets.base import PARTS, PIECE, rows_in
from specnet.training.model import AnySplit, Prepared, StreamedSplit
from specnet.training.randomness import save_stream

BLOCKS = 128
"""Blocks of a window at least, where they can have so few samples: they come from all over the split."""


class Feed:
    """Hands out the training samples of an epoch batch by batch, in a new order each epoch if they are shuffled.

    An epoch is a sequence of windows, each of which is in memory while its batches are handed out; `start` and `stop`
    are the places of the present one in the epoch's order. A split in memory is one window. Of a streamed one, a
    window is read as some blocks of consecutive samples, of about a megabyte, so that reading is fast; it is a part of
    the buffer and has whole batches, one at least. To shuffle it, blocks are drawn in a new order for each epoch and
    samples within each window; what is left behind the last whole block stays last. That is a function of the split's
    shape and of the random numbers alone.

    There is no order where one batch holds all samples, as it does not matter.
    """

    def __init__(self, split: AnySplit, batch_size: int | None, shuffle: bool, rng: np.random.Generator) -> None:
        self.split = split
        self.count = len(split.x)
        self.size = min(batch_size or self.count, self.count)
        self.rng = rng
        self.start = self.stop = 0
        self._drawn_from: dict[str, Any] = {}
        self._order: np.ndarray | None = None
        self._shuffles = shuffle and self.size < self.count
        if isinstance(split, StreamedSplit):
            window = split.buffer // PARTS
            block, room = (rows_in(size, split.x, split.target) for size in (min(PIECE, window // BLOCKS), window))
            if block >= self.size or not shuffle:
                self._block = self.size * max(1, block // self.size)
                self._span = self._block * max(1, room // self._block if shuffle else 1)
            else:  # a batch has samples from several places
                self._block = next(rows for rows in range(block, 0, -1) if self.size % rows == 0)
                self._span = self.size * max(1, room // self.size)
            self._span = min(self._span, self.count)
            self._memory = [np.empty((self._span, *each.shape[1:]), each.dtype) for each in split[:3]]
            self._window = Prepared(*self._memory)
        else:
            self._span, self._window = self.count, split
        if self._shuffles:
            self._x, self._target = (np.empty_like(array[: self.size]) for array in self._window[:2])

    def begin(self, position: int = 0) -> None:
        """Draw the order of a new epoch and go to its first window, or to that with the sample at `position`.

        Raises:
            DataError: if that cannot be read.
        """
        if self._shuffles:
            self._drawn_from = save_stream(self.rng)
        if isinstance(self.split, StreamedSplit):
            whole, rest = divmod(self.count, self._block)
            self._blocks = np.arange(whole + (rest > 0))
            if self._shuffles:
                self._blocks[:whole] = self.rng.permutation(whole)
        self.stop = 0
        self.move(position)

    def move(self, position: int) -> None:
        """Go on to the window with the sample at `position` in the epoch's order.

        Raises:
            DataError: if it cannot be read.
        """
        while self.stop <= position:
            self.start, self.stop = self.stop, min(self.stop + self._span, self.count)
            if self._shuffles:  # windows that are passed over have their order drawn, too
                self._order = self.rng.permutation(self.stop - self.start)
        if isinstance(self.split, StreamedSplit):
            self._read(self.split)

    def _read(self, split: StreamedSplit) -> None:
        """Read the present window, block by block."""
        blocks = self._blocks[self.start // self._block : -(-self.stop // self._block)] * self._block
        for place, first in zip(range(0, self._span, self._block), blocks.tolist(), strict=False):
            for array, rows in zip(self._memory, split.read(slice(first, first + self._block)), strict=True):
                array[place : place + len(rows)] = rows
        self._window = Prepared(*(array[: self.stop - self.start] for array in self._memory))

    def batch(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of the samples from `position` on; they are valid until the next call.

        The position is one of the present window.
        """
        place = position - self.start
        if self._order is None:
            rows = slice(place, place + self.size)
            return self._window.x[rows], self._window.target[rows]
        chosen = self._order[place : place + self.size]
        # With any other mode `take` first writes to an array of its own.
        x = self._window.x.take(chosen, axis=0, out=self._x[: len(chosen)], mode="clip")
        return x, self._window.target.take(chosen, axis=0, out=self._target[: len(chosen)], mode="clip")

    def state(self, position: int) -> dict[str, Any]:
        """Return the generator's state that the order of the epoch under way, or else of the next, is drawn from.

        Whoever restores it and begins an epoch gets the same order again.
        """
        return self._drawn_from if self._shuffles and position else save_stream(self.rng)

    @property
    def truth(self) -> np.ndarray:
        """Targets of the present window in the dataset's units, in the order of the epoch."""
        return self._window.truth if self._order is None else self._window.truth[self._order]
