"""Losses on numbers."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.losses.base import Loss


class Mse(Loss):
    """Mean squared error: L = mean (y - t)^2, dy = 2 (y - t) / n."""

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        self.error = y - target
        return self._reduce(self.error * self.error)

    def backward(self) -> np.ndarray:
        return self.error * (2.0 * self._scale(self.error.size))


class Mae(Loss):
    """Mean absolute error: L = mean |y - t|, dy = sign(y - t) / n, and 0 where y = t."""

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        self.error = y - target
        return self._reduce(np.abs(self.error))

    def backward(self) -> np.ndarray:
        return np.sign(self.error) * self._scale(self.error.size)


class Huber(Loss):
    """Quadratic for small errors, linear for large ones. Huber, 1964.

    With e = y - t: e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2); the derivative is e limited to
    [-delta, delta].
    """

    delta: float = Field(default=1.0, gt=0, description="error at which the loss becomes linear")

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        error = y - target
        self.limited = np.clip(error, -self.delta, self.delta)
        # One expression for both branches: c (e - c / 2), where c is the limited error.
        return self._reduce(self.limited * (error - 0.5 * self.limited))

    def backward(self) -> np.ndarray:
        return self.limited * self._scale(self.limited.size)
