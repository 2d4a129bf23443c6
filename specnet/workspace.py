"""`Workspace`: arrays that are allocated once and reused in every step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LINE = 64
"""Bytes of a cache line."""


KEPT = 8
"""Number of shapes kept for an array: those of a batch, of a shorter last one, of evaluated rows."""


class Workspace(dict[tuple[str, tuple[int, ...], np.dtype], np.ndarray]):
    """The buffers of a component, by name, shape and dtype; a new one is allocated when it is asked for.

    Arrays of one name share their memory, which is kept as long as it is large enough: another shape uses its first
    part. The content is not cleared.

    >>> workspace = Workspace()
    >>> y = workspace["y", (3, 2), np.dtype("float32")]
    >>> workspace["y", (3, 2), np.dtype("float32")] is y
    True
    """

    def __init__(self) -> None:
        super().__init__()
        self.memory: dict[str, np.ndarray] = {}
        """The memory of its arrays, by name."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Workspace:
        """Return an empty workspace: a copy does not need the content."""
        return Workspace()

    def __missing__(self, key: tuple[str, tuple[int, ...], np.dtype]) -> np.ndarray:
        name, shape, dtype = key
        size, memory = math.prod(shape) * dtype.itemsize, self.memory.get(name)
        others = [other for other in self if other[0] == name]
        if memory is None or memory.size < size:
            memory = self.memory[name] = _aligned(size)
        elif len(others) < KEPT:
            others = []
        for other in others:
            del self[other]
        array = self[key] = memory[:size].view(dtype).reshape(shape)
        return array


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros that begin at the start of a cache line."""
    array = _aligned(math.prod(shape) * dtype.itemsize).view(dtype).reshape(shape)
    array.fill(0)
    return array


def _aligned(size: int) -> np.ndarray:
    """Return `size` bytes that begin at the start of a cache line, as wide instructions are faster on whole lines."""
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size]
