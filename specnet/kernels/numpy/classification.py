"""Losses on classes."""

from __future__ import annotations

import numpy as np

from specnet.kernels.numpy.buffered import Buffered
from specnet.losses.classification import CrossEntropy


class CrossEntropyKernel(Buffered, CrossEntropy):
    """Cross-entropy of class numbers, computed with classes first: sums over them then add whole rows.

    Weights, and targets that are distributions, are left to the definition.
    """

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        self.fast = weight is None and target.ndim < y.ndim
        if not self.fast:
            return super().forward(y, target, weight)
        self.y, count = y, y.shape[-1]
        self.z = z = self.buffers("z", (count, y.size // count), y.dtype)
        z[...] = y.reshape(-1, count).T
        top = np.maximum.reduce(z, axis=0)
        z -= top
        self.chosen = np.arange(0, y.size, count)
        self.chosen += target.reshape(-1)
        log_p = y.reshape(-1)[self.chosen]
        log_p -= top
        np.exp(z, out=z)
        total = np.add.reduce(z, axis=0)
        z /= total
        return self.reduce(np.log(total, out=total) - log_p)

    def backward(self) -> np.ndarray:
        if not self.fast:
            return super().backward()
        dy = self.like("dy", self.y)
        rows = dy.reshape(-1, dy.shape[-1])
        np.multiply(self.z, self._factor, out=rows.T)
        rows.reshape(-1)[self.chosen] -= self._factor
        return dy
