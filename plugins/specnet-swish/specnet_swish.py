"""The swish activation: a whole specnet plugin."""

import numpy as np
from pydantic import Field

from specnet import Layer


class Swish(Layer):
    """y = x s with s = sigmoid(beta x); dy/dx = s + beta y (1 - s). Ramachandran et al., 2017."""

    elementwise = True
    examples = ({"beta": 2.0},)
    beta: float = Field(default=1.0, gt=0, description="from x / 2 (towards 0) to relu (towards infinity)")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.s = 0.5 + 0.5 * np.tanh(0.5 * self.beta * x)
        self.y = x * self.s
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy * (self.s + self.beta * self.y * (1 - self.s))
