"""The swish activation: a whole specnet plugin."""

import numpy as np
from pydantic import Field

from specnet import Activation


class Swish(Activation):
    """y = x s with s = sigmoid(beta x); dy/dx = s + beta y (1 - s). Ramachandran et al., 2017."""

    examples = ({"beta": 2.0},)
    beta: float = Field(default=1.0, gt=0, description="from x / 2 (towards 0) to relu (towards infinity)")

    def f(self, x: np.ndarray) -> np.ndarray:
        return x * self._s(x)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        s = self._s(x)
        return s + self.beta * y * (1 - s)

    def _s(self, x: np.ndarray) -> np.ndarray:
        return 0.5 + 0.5 * np.tanh(0.5 * self.beta * x)
