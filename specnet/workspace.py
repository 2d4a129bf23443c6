"""`Workspace`: arrays that are allocated once and reused in every step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

LINE = 64
"""Bytes of a cache line."""


KEPT = 8
"""Number of shapes kept for an array: those of a batch, of a shorter last one, of evaluated rows."""


class Workspace:
    """The buffers of a component, by name.

    Arrays of one name share their memory, which is kept as long as it is large enough: another shape uses its first
    part. The content is not cleared.

    >>> workspace = Workspace()
    >>> y = workspace("y", (3, 2), np.dtype("float32"))
    >>> workspace("y", (3, 2), np.dtype("float32")) is y
    True
    """

    def __init__(self) -> None:
        self._memory: dict[str, np.ndarray] = {}
        self._arrays: dict[str, dict[tuple[Any, ...], np.ndarray]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Workspace:
        """Return an empty workspace: a copy does not need the content."""
        return Workspace()

    def __call__(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Return the array of that name in this shape and dtype."""
        arrays, key = self._arrays.get(name), (shape, dtype.char)
        if arrays is not None and key in arrays:
            return arrays[key]
        size, memory = math.prod(shape) * dtype.itemsize, self._memory.get(name)
        if memory is None or memory.size < size:
            memory, arrays = _aligned(size), {}
        elif arrays is None or len(arrays) >= KEPT:
            arrays = {}
        self._memory[name], self._arrays[name] = memory, arrays
        array = arrays[key] = memory[:size].view(dtype).reshape(shape)
        return array

    @property
    def memory(self) -> Mapping[str, np.ndarray]:
        """The memory of its arrays, by name."""
        return self._memory


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
