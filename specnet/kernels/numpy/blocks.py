"""Layers that work on a part of a batch at a time, so that it stays in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from specnet.layers.base import Layer
from specnet.layers.windows import WindowLayer
from specnet.workspace import Workspace

BLOCK = 2**20
"""Bytes that are worked on at a time."""


class BlockwiseLayer(Layer):
    """A layer that goes through a batch in blocks.

    `scratch` is memory that only the current call needs, the same for neighbours, and as large as for a full block: so
    it does not grow with the batch.
    """

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.scratch = Workspace()

    def block_size(self, samples: int, numbers: int) -> int:
        """Return the most samples of a block; a sample needs this many numbers."""
        return min(samples, max(1, BLOCK // (numbers * self.dtype.itemsize)))

    def blocks(self, samples: int, numbers: int) -> Iterator[slice]:
        """Yield the samples of each block; a sample needs this many numbers."""
        size = self.block_size(samples, numbers)
        return (slice(start, min(start + size, samples)) for start in range(0, samples, size))

    def room(self, name: str, shape: tuple[int, ...], dtype: np.dtype | None = None) -> np.ndarray:
        """Return an array of the scratch memory."""
        dtype, size = dtype or self.dtype, math.prod(shape)
        return self.scratch[name, (max(size, BLOCK // self.dtype.itemsize),), dtype][:size].reshape(shape)


class BlockwiseWindows(BlockwiseLayer, WindowLayer):
    """A layer with `windows` that goes through a batch in blocks."""

    def padded(self, x: np.ndarray, value: float = 0) -> np.ndarray:
        """Return a block with its padding, in scratch memory."""
        if self.windows.padded == self.windows.sizes:
            return x
        y = self.room("padded", (len(x), *self.windows.padded, x.shape[-1]))
        y.fill(value)
        y[self.windows.inside] = x
        return y
