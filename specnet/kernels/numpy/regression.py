"""Losses on numbers."""

from __future__ import annotations

import numpy as np

from specnet.kernels.numpy.buffered import Buffered
from specnet.losses.regression import Huber, Mse


class MseKernel(Buffered, Mse):
    """The squared error, with the errors kept for the gradient. Weights are left to the definition."""

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        self.fast = weight is None
        if not self.fast:
            return super().forward(y, target, weight)
        self.error = np.subtract(y, target, out=self.like("error", y))
        error = self.error.reshape(-1)
        return float(error.dot(error)) * self._set_factor(error.size)

    def backward(self) -> np.ndarray:
        if not self.fast:
            return super().backward()
        return np.multiply(self.error, 2 * self._factor, out=self.like("element", self.error))


class HuberKernel(Buffered, Huber):
    """The Huber loss without temporary arrays: in float64 these take several times as long as the arithmetic."""

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        e = np.subtract(y, target, out=self.like("error", y))
        self.c = np.clip(e, -self.delta, self.delta, out=self.like("limited", y))
        e -= np.multiply(self.c, 0.5, out=self.like("element", y))
        e *= self.c
        return self.reduce(e, weight)

    def backward(self) -> np.ndarray:
        return self.scale(self.c)
