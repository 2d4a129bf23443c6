"""`Workspace`: arrays that are made once and used again in every step."""

from __future__ import annotations

import math

import numpy as np


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
        self._arrays: dict[str, np.ndarray] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Return the array of that name in this shape and dtype."""
        array = self._arrays.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            size = math.prod(shape)
            memory = None if array is None else array.base
            if memory is None or memory.dtype != dtype or memory.size < size:
                memory = np.empty(size, dtype)
            array = self._arrays[name] = memory[:size].reshape(shape)
        return array
