"""Losses on numbers."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.losses.base import Loss


class Mse(Loss):
    """Mean squared error: L = mean (y - t)^2, dy = 2 (y - t) / n."""

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        self.error = np.subtract(y, target, out=self.workspace("error", y.shape, y.dtype))
        error = self.error.reshape(-1)
        return float(error.dot(error)) * self._scale(error.size)

    def backward(self) -> np.ndarray:
        scale = 2.0 * self._scale(self.error.size)
        return np.multiply(self.error, scale, out=self.workspace("dy", self.error.shape, self.error.dtype))


class Mae(Loss):
    """Mean absolute error: L = mean |y - t|, dy = sign(y - t) / n, and 0 where y = t."""

    arrays = 3

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        self.error = np.subtract(y, target, out=self.workspace("error", y.shape, y.dtype))
        return self._reduce(np.abs(self.error, out=self.workspace("element", y.shape, y.dtype)))

    def backward(self) -> np.ndarray:
        dy = np.sign(self.error, out=self.workspace("dy", self.error.shape, self.error.dtype))
        dy *= self._scale(dy.size)
        return dy


class Huber(Loss):
    """Quadratic for small errors, linear for large ones. Huber, 1964.

    With e = y - t: e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2); the derivative is e limited to
    [-delta, delta].
    """

    arrays = 4
    examples = ({"delta": 0.3},)
    delta: float = Field(default=1.0, gt=0, description="error at which the loss becomes linear")

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        error = np.subtract(y, target, out=self.workspace("error", y.shape, y.dtype))
        limited = self.workspace("limited", y.shape, y.dtype)
        self.limited = np.clip(error, -self.delta, self.delta, out=limited)
        # One expression for both branches: c (e - c / 2), where c is the limited error.
        element = np.multiply(limited, -0.5, out=self.workspace("element", y.shape, y.dtype))
        element += error
        element *= limited
        return self._reduce(element)

    def backward(self) -> np.ndarray:
        scale = self._scale(self.limited.size)
        return np.multiply(self.limited, scale, out=self.workspace("dy", self.limited.shape, self.limited.dtype))
