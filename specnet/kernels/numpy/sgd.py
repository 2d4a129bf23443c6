"""Stochastic gradient descent."""

from __future__ import annotations

import numpy as np

from specnet.kernels.numpy.buffered import Buffered
from specnet.optimizers.base import State
from specnet.optimizers.sgd import Sgd


class SgdKernel(Buffered, Sgd):
    """SGD that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        change = self.like("change", w)
        if self.momentum:
            v = state.velocity
            v *= self.momentum
            v += g
            g = np.add(g, np.multiply(v, self.momentum, out=change), out=change) if self.nesterov else v
        w -= np.multiply(g, self.learning_rate, out=change)
