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
    """An optimizer that writes to a buffer, `change`."""

    def decay(self, w: np.ndarray, state: State) -> None:
        if self.weight_decay:
            change = self.like("change", w)
            np.multiply(w, state.decay, out=change)
            change *= self.learning_rate * self.weight_decay
            w -= change


def follow(mean: np.ndarray, kept: float, x: np.ndarray, change: np.ndarray) -> None:
    """Let a running mean follow x, which may be the buffer: mean <- kept mean + (1 - kept) x."""
    mean *= constant(kept, mean.dtype)
    mean += np.multiply(x, constant(1 - kept, mean.dtype), out=change)


def ratio(x: np.ndarray, v: np.ndarray, epsilon: float, change: np.ndarray) -> np.ndarray:
    """Return x / (sqrt(v) + epsilon) in the buffer."""
    np.sqrt(v, out=change)
    change += epsilon
    return np.divide(x, change, out=change)


def descend(w: np.ndarray, rate: float, x: np.ndarray, change: np.ndarray) -> None:
    """Take the step w <- w - rate x; x may be the buffer."""
    w -= np.multiply(x, rate, out=change)
