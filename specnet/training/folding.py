"""Arrays of numbers as text: large ones folded, with what is left out shown as a gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from specnet.task import Shape

_EDGES = {1: 3, 2: 3, 3: 2}
"""Positions that are kept at both ends of a long axis, by the number of axes; 1 for more."""
_GAP = "…"


class FoldedArray:
    """A copy of an array of any shape, or of its corners if it has more than `most` numbers.

    `kept` are the positions along each axis whose `values` are there.

    >>> FoldedArray(np.arange(100.0).reshape(2, 50), most=20)
    [[ 0  1  2 … 47 48 49]
     [50 51 52 … 97 98 99]]
    """

    def __init__(self, array: Any, most: int) -> None:
        array = np.asarray(array)
        self.shape: Shape = array.shape
        edge = _EDGES.get(array.ndim, 1) if array.size > most else max(array.shape, default=0)
        self.kept = [_ends(size, edge) for size in array.shape]
        self.values = np.array(array[np.ix_(*self.kept)])

    @property
    def whole(self) -> bool:
        """Whether all numbers are there."""
        return self.values.shape == self.shape

    def folded(self, most: int) -> FoldedArray:
        """Return the numbers, or their corners if there are more than `most`."""
        if self.values.size <= most:
            return self
        inner, found = FoldedArray(self.values, most), FoldedArray(0.0, most)
        found.shape, found.values = self.shape, inner.values
        found.kept = [[kept[each] for each in places] for kept, places in zip(self.kept, inner.kept, strict=True)]
        return found

    def __repr__(self) -> str:
        numbers = self.values.ravel().tolist()
        cells = [f"{number:.6g}" if isinstance(number, float) else str(number) for number in numbers]
        width = max(map(len, cells), default=0)
        padded = np.array([cell.rjust(width) for cell in cells], dtype=object)
        return _brackets(padded.reshape(self.values.shape), self.kept, self.shape)


def _ends(size: int, edge: int) -> list[int]:
    """Return the positions of an axis, or only those at its ends where that leaves out more than one."""
    return [*range(size)] if size <= 2 * edge + 1 else [*range(edge), *range(size - edge, size)]


def _brackets(cells: np.ndarray, kept: Sequence[Sequence[int]], shape: Shape, depth: int = 1) -> str:
    """Return nested brackets around cells, one line for each last axis, with a gap where positions are left out."""
    if not cells.ndim:
        return str(cells[()])
    parts = [*cells] if cells.ndim == 1 else [_brackets(each, kept[1:], shape[1:], depth + 1) for each in cells]
    gap = next((place for place, number in enumerate(kept[0]) if place != number), len(parts))
    if len(parts) < shape[0]:
        parts.insert(gap, _GAP)
    return "[" + (" " if cells.ndim == 1 else "\n" + " " * depth).join(parts) + "]"
