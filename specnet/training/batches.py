"""`Batch`: the samples of one step. `Batches`: the order in which an epoch takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from specnet.datasets.rows import PARTS, PIECE_BYTES, Rows, rows_in
from specnet.functions import distinct
from specnet.randomness import save_stream

BLOCKS = 128
"""Minimum number of blocks in a window, if samples are small enough, so that it mixes the whole split."""


@dataclass
class Batch:
    """Samples as the network and the loss take them; a whole split in memory is also a batch.

    `truth` are the targets in the units of the dataset, or `targets` itself if nothing needs them. `weight` has a
    number for each element of the loss, and `mask` (n, time) is True where a position of a sequence counts; None means
    1 everywhere and all positions.
    """

    inputs: np.ndarray
    targets: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None = None
    mask: np.ndarray | None = None

    @cached_property
    def arrays(self) -> list[np.ndarray]:
        """Its arrays, each once, in the order of the fields."""
        truth = None if self.truth is self.targets else self.truth
        return [array for array in (self.inputs, self.targets, truth, self.weight, self.mask) if array is not None]

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.inputs)

    def select(self, rows: slice) -> Batch:
        """Return some of the samples, as views."""
        return map_arrays(self, lambda array: array[rows])

    def masked(self, mask: np.ndarray | None) -> Batch:
        """Return the batch with weight 0 where outputs (n, time, ...) are masked; `mask` (n, time) is that of outputs.

        >>> x = np.zeros((1, 2))
        >>> Batch(x, x, x, weight=np.array([3.0])).masked(np.array([[True, False]])).weight
        array([[3., 0.]])
        """
        if mask is None:
            return self
        weight = np.ones(1, np.float32) if self.weight is None else self.weight
        weight = weight.reshape(weight.shape + (1,) * (2 - weight.ndim))
        return replace(self, weight=weight * mask.reshape(mask.shape + (1,) * (weight.ndim - 2)))

    def pieces(self) -> Iterator[Batch]:
        """Yield all samples at once, where a `StreamedSplit` yields them piece by piece."""
        yield self


@dataclass(frozen=True)
class StreamedSplit:
    """The samples of a split that does not fit into memory, as those of a `Batch`; `buffer` as in `StreamedSamples`."""

    inputs: Rows
    targets: Rows
    truth: Rows
    weight: Rows | None = None
    mask: Rows | None = None
    buffer: int = 0

    def read(self, rows: slice) -> Batch:
        """Return some of the samples."""
        return map_arrays(self, lambda array: array[rows])

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.inputs)

    @property
    def step(self) -> int:
        """Number of samples that are read at a time by default."""
        return rows_in(min(PIECE_BYTES, self.buffer // PARTS), self.inputs, self.targets)

    def pieces(self) -> Iterator[Batch]:
        """Yield all samples in order, a few at a time."""
        step = self.step
        for start in range(0, self.rows, step):
            yield self.read(slice(start, start + step))


PreparedSplit = Batch | StreamedSplit


def map_arrays(split: PreparedSplit, change: Callable[[Any], np.ndarray]) -> Batch:
    """Return a batch with `change` applied to each array; targets that are also the truth are changed once."""
    targets = change(split.targets)
    return Batch(
        change(split.inputs),
        targets,
        targets if split.truth is split.targets else change(split.truth),
        None if split.weight is None else change(split.weight),
        None if split.mask is None else change(split.mask),
    )


class Batches:
    """Iterates over the training samples of an epoch batch by batch, in a new order each epoch if they are shuffled.

    An iteration yields the remaining batches of the epoch, or those of a new one; `position` counts the samples taken
    in the epoch, including the last batch. A batch is valid until the next.

    An epoch is a sequence of windows, each in memory while its batches are taken. A split in memory is one window. A
    window of a streamed split is read as blocks of consecutive samples, of about a megabyte, so that reading is fast;
    it is a part of the buffer and has whole batches, at least one. To shuffle it, blocks are drawn in a new order for
    each epoch, and samples within each window; the samples after the last whole block stay last. The order depends
    only on the split's shape and the random numbers.

    If one batch holds all samples, no order is drawn.
    """

    def __init__(self, split: PreparedSplit, batch_size: int | None, shuffle: bool, rng: np.random.Generator) -> None:
        self.split = split
        self.left_out = np.zeros(0, np.int64)
        self.count = split.rows
        self.rng = rng
        self.position = 0
        self._shuffle = shuffle
        self._drawn_from: dict[str, Any] = {}
        self.resize(batch_size)

    def resize(self, batch_size: int | None) -> None:
        """Change the size of batches, between two epochs."""
        split, self.size = self.split, min(batch_size or self.count, self.count)
        self._start = self._stop = 0  # of the current window, in the order of the epoch
        self._order: np.ndarray | None = None
        self._shuffles = self._shuffle and self.size < self.count
        if isinstance(split, StreamedSplit):
            self._span = self._cut_windows(split)
            self._memory = map_arrays(split, lambda array: _room(self._span, array))
            self._window = self._memory
        else:
            self._span, self._window = self.count, split
        if self._shuffles:
            self._batch = map_arrays(self._window, lambda array: _room(self.size, array))

    def leave_out(self, rows: Sequence[int]) -> None:
        """Take the samples in the order of a split in memory that also had these rows, which are missing from it."""
        self.left_out = distinct(np.array(rows, np.int64))

    def _cut_windows(self, split: StreamedSplit) -> int:
        """Choose the size of blocks, and return that of windows."""
        window = split.buffer // PARTS
        block, room = (
            rows_in(size, split.inputs, split.targets) for size in (min(PIECE_BYTES, window // BLOCKS), window)
        )
        if block >= self.size or not self._shuffle:
            self._block = self.size * max(1, block // self.size)
            span = self._block * max(1, room // self._block if self._shuffle else 1)
        else:  # a batch has samples from several places
            self._block = next(rows for rows in range(block, 0, -1) if self.size % rows == 0)
            span = self.size * max(1, room // self.size)
        return min(span, self.count)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the remaining batches of the current epoch, or those of a new one.

        Raises:
            DataError: if streamed samples cannot be read.
        """
        if self.position == 0:
            self._begin()
        while self.position < self.count:
            if self.position >= self._stop:
                self._move(self.position)
            batch = self._take(self.position)
            self.position += len(batch.inputs)
            yield batch

    @property
    def within_epoch(self) -> bool:
        """Whether the epoch has taken some but not all samples."""
        return 0 < self.position < self.count

    def finish(self) -> None:
        """End the epoch: the next iteration starts a new one."""
        self.position = 0

    def restore(self, position: int) -> None:
        """Resume an epoch after `position` samples; `rng` is in the state from which its order was drawn."""
        self.position = position
        if position:
            self._begin()
            self._move(position - 1)

    def _begin(self) -> None:
        """Draw the order of a new epoch."""
        if self._shuffles:
            self._drawn_from = save_stream(self.rng)
        if isinstance(self.split, StreamedSplit):
            whole, rest = divmod(self.count, self._block)
            self._blocks = np.arange(whole + (rest > 0))
            if self._shuffles:
                self._blocks[:whole] = self.rng.permutation(whole)
        self._stop = 0

    def _move(self, position: int) -> None:
        """Read the window with the sample at `position` in the epoch's order."""
        while self._stop <= position:
            self._start, self._stop = self._stop, min(self._stop + self._span, self.count)
            if self._shuffles:  # the order of skipped windows is drawn as well
                self._order = self._draw(self._stop - self._start)
        if isinstance(self.split, StreamedSplit):
            self._read(self.split)

    def _draw(self, count: int) -> np.ndarray:
        """Return the order of a window of `count` samples."""
        if not self.left_out.size or isinstance(self.split, StreamedSplit):
            return self.rng.permutation(count)
        order = self.rng.permutation(count + len(self.left_out))
        kept = order[~np.isin(order, self.left_out)]
        return kept - np.searchsorted(self.left_out, kept)

    def _read(self, split: StreamedSplit) -> None:
        """Read the current window, block by block."""
        blocks = self._blocks[self._start // self._block : -(-self._stop // self._block)] * self._block
        for place, first in zip(range(0, self._span, self._block), blocks.tolist(), strict=False):
            block = split.read(slice(first, first + self._block))
            for array, rows in zip(self._memory.arrays, block.arrays, strict=True):
                array[place : place + len(rows)] = rows
        self._window = self._memory.select(slice(self._stop - self._start))

    def _take(self, position: int) -> Batch:
        """Return the batch that begins at `position`, in the current window."""
        place = position - self._start
        if self._order is None:
            whole = self.size == self._window.rows
            return self._window if whole else self._window.select(slice(place, place + self.size))
        chosen = self._order[place : place + self.size]
        batch = self._batch if len(chosen) == self.size else self._batch.select(slice(len(chosen)))
        for array, room in zip(self._window.arrays, batch.arrays, strict=True):
            array.take(chosen, 0, room, "clip")  # any other mode first writes to a temporary array
        return batch

    def release(self) -> None:
        """Free the window of a streamed split, after training."""
        if isinstance(self.split, StreamedSplit):
            self._memory = self._window = map_arrays(self.split, lambda array: _room(0, array))

    def state(self) -> dict[str, Any]:
        """Return the generator's state from which the order of the current epoch, or else of the next, is drawn.

        A generator in that state, with `restore(position)`, draws the same order again.
        """
        return self._drawn_from if self._shuffles and self.position else save_stream(self.rng)


def _room(rows: int, like: np.ndarray | Rows) -> np.ndarray:
    return np.empty((rows, *like.shape[1:]), like.dtype)
