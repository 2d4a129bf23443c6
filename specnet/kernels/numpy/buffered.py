"""Components other than layers that write to buffers."""

from __future__ import annotations

import numpy as np

from specnet.component import Component
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
        return self.buffers(name, array.shape, array.dtype)


class Decaying(Buffered, FirstOrder):
    """An optimizer whose weight decay writes to a buffer."""

    def decay(self, w: np.ndarray, state: State) -> None:
        if self.weight_decay:
            change = self.like("change", w)
            np.multiply(w, state.decay, out=change)
            change *= self.learning_rate * self.weight_decay
            w -= change
