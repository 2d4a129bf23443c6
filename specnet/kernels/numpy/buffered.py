"""Components other than layers that write to buffers."""

from __future__ import annotations

import numpy as np

from specnet.component import Component
from specnet.workspace import Workspace


class Buffered(Component):
    """A component with its own buffers."""

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.buffers = Workspace()

    def like(self, name: str, array: np.ndarray) -> np.ndarray:
        """Return the buffer of this name in the shape and dtype of an array."""
        return self.buffers(name, array.shape, array.dtype)
