"""`Rows`: an array that is not in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from specnet.errors import DataError, SpecnetError
from specnet.numpy_files import Header

PIECE_BYTES = 2**20
"""Bytes, as float64, of the rows that are read at a time by default."""
PARTS = 8
"""Parts of the buffer: streamed samples are in memory one part at a time."""
Change = Callable[[np.ndarray], np.ndarray]
"""A function of rows (n, ...) that keeps their number."""


class Rows:
    """An array that is not in memory: its rows are read on demand.

    `shape`, `dtype` and length are those of the array, and a slice without a step, `rows[10:20]`, reads part of it.
    `read(start, stop)` returns these rows as a new array, the same ones each time, from any source. If it raises, or
    returns another shape or dtype, that becomes a `DataError`.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, read: Callable[[int, int], np.ndarray]) -> None:
        self.shape = shape
        self.dtype = dtype
        self._read = read
        self.step = rows_in(PIECE_BYTES, self)
        """Rows that are read at a time by default."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        return self._checked(start, max(start, stop))

    def _checked(self, start: int, stop: int) -> np.ndarray:
        """Return the result of `read` after checking its shape and dtype."""
        try:
            rows = self._read(start, stop)
        except (SpecnetError, MemoryError):
            raise
        except Exception as cause:
            raise DataError(f"rows {start} to {stop} cannot be read: {type(cause).__name__}: {cause}") from cause
        shape = (stop - start, *self.shape[1:])
        if not isinstance(rows, np.ndarray) or rows.shape != shape or rows.dtype != self.dtype:
            found = f"{rows.dtype} of shape {rows.shape}" if isinstance(rows, np.ndarray) else repr(type(rows))
            raise DataError(f"rows {start} to {stop} should be {self.dtype} of shape {shape}, but is {found}")
        return rows

    def pieces(self) -> Iterator[np.ndarray]:
        """Yield all rows in order, `step` of them at a time."""
        for start in range(0, len(self), self.step):
            yield self[start : start + self.step]

    def map(self, change: Change) -> Rows:
        """Return the rows with `change` applied as they are read."""

        def read(start: int, stop: int) -> np.ndarray:
            rows = self._checked(start, stop)
            try:
                return change(rows)
            except DataError as error:
                if error.row is not None:
                    row = error.row + start
                    error.name_row(row, f"row {row}")
                raise

        first = read(0, 1)
        return Rows((len(self), *first.shape[1:]), first.dtype, read)

    def select(self, numbers: np.ndarray) -> Rows:
        """Return the rows at these indices (n,), in ascending order."""

        def read(start: int, stop: int) -> np.ndarray:
            chosen = numbers[start:stop]
            found = np.empty((len(chosen), *self.shape[1:]), self.dtype)
            # Rows in the same piece are read together with those between them.
            begins = np.flatnonzero(np.diff(chosen // self.step, prepend=-1)).tolist()
            for begin, end in pairwise([*begins, len(chosen)]):
                first, last = chosen[begin], chosen[end - 1]
                found[begin:end] = self._checked(first, last + 1)[chosen[begin:end] - first]
            return found

        return Rows((len(numbers), *self.shape[1:]), self.dtype, read)


def row_bytes(*arrays: np.ndarray | Rows | Header) -> int:
    """Return the bytes that one row of all these arrays takes, as float64."""
    return sum(8 * math.prod(array.shape[1:]) for array in arrays)


def rows_in(size: int, *arrays: np.ndarray | Rows) -> int:
    """Return how many rows of these arrays fit into `size` bytes, as float64; at least one."""
    return max(1, int(size // max(1, row_bytes(*arrays))))


def pieces(array: np.ndarray | Rows) -> Iterator[np.ndarray]:
    """Yield an array whole, or `Rows` piece by piece, so that the same code handles both."""
    return array.pieces() if isinstance(array, Rows) else iter([array])
