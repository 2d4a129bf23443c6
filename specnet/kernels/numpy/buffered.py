"""Components other than layers that write to buffers."""

from __future__ import annotations

import numpy as np

from specnet.component import Component
from specnet.functions import constant
from specnet.optimizers.base import State
from specnet.optimizers.first_order import FirstOrder
from specnet.workspace import Workspace


class Buffered(Component):
    """A component with its own buffers."""

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.buffers = Workspace()

    def like(self, name: str, array: np.ndarray) -> np.ndarray:
        """Return the buffer of this name in the shape and dtype of an array."""
        return self.buffers[name, array.shape, array.dtype]


class FirstOrderKernel(Buffered, FirstOrder):
    """An optimizer that writes to a buffer, `change`: weight decay, running means and the step itself."""

    def decay(self, w: np.ndarray, state: State) -> None:
        if self.weight_decay:
            change = self.like("change", w)
            np.multiply(w, state.decay, out=change)
            change *= self.learning_rate * self.weight_decay
            w -= change

    def follow(self, mean: np.ndarray, kept: float, x: np.ndarray) -> None:
        """Let a running mean follow x, which may be the buffer: mean <- kept mean + (1 - kept) x."""
        mean *= constant(kept, mean.dtype)
        mean += np.multiply(x, constant(1 - kept, mean.dtype), out=self.like("change", mean))

    def square(self, x: np.ndarray) -> np.ndarray:
        """Return x^2 in the buffer."""
        return np.multiply(x, x, out=self.like("change", x))

    def ratio(self, x: np.ndarray, v: np.ndarray, epsilon: float) -> np.ndarray:
        """Return x / (sqrt(v) + epsilon) in the buffer."""
        change = np.sqrt(v, out=self.like("change", v))
        change += epsilon
        return np.divide(x, change, out=change)

    def descend(self, w: np.ndarray, rate: float, x: np.ndarray) -> None:
        """Take the step w <- w - rate x; x may be the buffer."""
        w -= np.multiply(x, rate, out=self.like("change", w))
