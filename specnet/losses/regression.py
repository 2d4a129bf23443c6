"""Losses on numbers."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.losses.base import ElementwiseLoss


class Mse(ElementwiseLoss):
    """Mean squared error: L = mean (y - t)^2, dy = 2 (y - t) / n."""

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.square(y - t)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return 2 * (y - t)


class Mae(ElementwiseLoss):
    """Mean absolute error: L = mean |y - t|, dy = sign(y - t) / n, and 0 where y = t."""

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.abs(y - t)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.sign(y - t)


class Huber(ElementwiseLoss):
    """Quadratic for small errors, linear for large ones. Huber, 1964.

    With e = y - t and c, which is e limited to [-delta, delta]: c (e - c / 2). This is e^2 / 2 where |e| <= delta, else
    delta (|e| - delta / 2); the derivative is c.
    """

    examples = ({"delta": 0.3},)
    delta: float = Field(default=1.0, gt=0, description="error at which the loss becomes linear")

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        e, c = y - t, self.slope(y, t)
        return c * (e - c / 2)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.clip(y - t, -self.delta, self.delta)
