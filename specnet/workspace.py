"""`Workspace`: arrays that are made once and used again in every step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

LINE = 64
"""Bytes in a line of cache."""


class Workspace:
    """The arrays that a component writes to, by name.

    The memory of an array is kept as long as it is large enough: who asks for another shape gets the first part of
    it. What was in it is not cleared.

    >>> workspace = Workspace()
    >>> y = workspace("y", (3, 2), np.dtype("float32"))
    >>> workspace("y", (3, 2), np.dtype("float32")) is y
    True
    """

    def __init__(self) -> None:
        self._memory: dict[str, np.ndarray] = {}
        self._arrays: dict[str, np.ndarray] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Workspace:
        """Return an empty one: what is in these arrays is of no use to a copy."""
        return Workspace()

    def __call__(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Return the array of that name in this shape and dtype."""
        array = self._arrays.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            size = math.prod(shape) * dtype.itemsize
            memory = self._memory.get(name)
            if memory is None or memory.size < size:
                memory = self._memory[name] = _aligned(size)
            array = self._arrays[name] = memory[:size].view(dtype).reshape(shape)
        return array

    @property
    def memory(self) -> Mapping[str, np.ndarray]:
        """The bytes that its arrays lie in, by name."""
        return self._memory


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros that begin where a line of cache does."""
    array = _aligned(math.prod(shape) * dtype.itemsize).view(dtype).reshape(shape)
    array.fill(0)
    return array


def _aligned(size: int) -> np.ndarray:
    """Return so many bytes that begin where a line of cache does, as wide instructions are faster on whole lines."""
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size]
