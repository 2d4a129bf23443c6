"""`Rows`: an array that is not in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from specnet.errors import DataError, SpecnetError
from specnet.numpy_files import Header

PIECE = 2**20
"""Bytes, as float64, of the rows that are read at a time where nothing asks for more."""
PARTS = 8
"""What is in memory of samples that do not fit there is at most this part of what they may take."""


class Rows:
    """An array that is not in memory: its rows are read when they are asked for.

    `shape`, `dtype` and length are those of the array, and a slice without a step, `rows[10:20]`, gives some of it.
    `read(start, stop)` returns these rows as an array that nobody else holds, from wherever a dataset likes, and the
    same ones each time. What it raises, or returns in another shape or dtype, becomes a `DataError`.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, read: Callable[[int, int], np.ndarray]) -> None:
        self.shape = shape
        self.dtype = dtype
        self._read = read
        self.step = rows_in(PIECE, self)
        """Rows that are read at a time where nothing asks for more."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        return self._checked(start, max(start, stop))

    def _checked(self, start: int, stop: int) -> np.ndarray:
        """What `read` returns, if it is what was asked for."""
        try:
            rows = self._read(start, stop)
        except (SpecnetError, MemoryError):
            raise
        except Exception as cause:
            raise DataError(f"rows {start} to {stop} cannot be read: {type(cause).__name__}: {cause}") from cause
        shape = (stop - start, *self.shape[1:])
        if not isinstance(rows, np.ndarray) or rows.shape != shape or rows.dtype != self.dtype:
            found = f"{rows.dtype} of shape {rows.shape}" if isinstance(rows, np.ndarray) else repr(type(rows))
            raise DataError(f"rows {start} to {stop} should be {self.dtype} of shape {shape}, but {found} came")
        return rows

    def pieces(self) -> Iterator[np.ndarray]:
        """Give all rows in order, `step` of them at a time."""
        for start in range(0, len(self), self.step):
            yield self[start : start + self.step]

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> Rows:
        """Return the rows that `change` makes of these, one of each, whenever they are read."""

        def read(start: int, stop: int) -> np.ndarray:
            rows = self._checked(start, stop)
            try:
                return change(rows)
            except DataError as error:
                if start:  # it counts rows from the first that it has got
                    error.message += f", counted from row {start}"
                raise

        first = read(0, 1)
        return Rows((len(self), *first.shape[1:]), first.dtype, read)

    def select(self, numbers: np.ndarray) -> Rows:
        """Return the rows of these numbers (n,), which ascend."""

        def read(start: int, stop: int) -> np.ndarray:
            chosen = numbers[start:stop]
            found = np.empty((len(chosen), *self.shape[1:]), self.dtype)
            # Those that lie in the same piece are read with all that is between them.
            begins = np.flatnonzero(np.diff(chosen // self.step, prepend=-1)).tolist()
            for begin, end in pairwise([*begins, len(chosen)]):
                first, last = chosen[begin], chosen[end - 1]
                found[begin:end] = self._checked(first, last + 1)[chosen[begin:end] - first]
            return found

        return Rows((len(numbers), *self.shape[1:]), self.dtype, read)


def row_bytes(*arrays: np.ndarray | Rows | Header) -> int:
    """Return the bytes that a row of each of these arrays takes together, as float64."""
    return sum(8 * math.prod(array.shape[1:]) for array in arrays)


def rows_in(size: int, *arrays: np.ndarray | Rows) -> int:
    """Return how many rows of these arrays take so many bytes, as float64; at least one."""
    return max(1, int(size // max(1, row_bytes(*arrays))))


def pieces(array: np.ndarray | Rows) -> Iterator[np.ndarray]:
    """Give an array as it is, or what is not in memory a piece at a time, so that one code does for both."""
    return array.pieces() if isinstance(array, Rows) else iter([array])
