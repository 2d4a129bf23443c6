"""Stochastic gradient descent."""

from __future__ import annotations

import numpy as np

from specnet.kernels.numpy.buffered import FirstOrderKernel, descend
from specnet.optimizers.base import State
from specnet.optimizers.sgd import Sgd


class SgdKernel(FirstOrderKernel, Sgd):
    """SGD that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        change, rate = self.like("change", w), self.learning_rate
        if self.momentum_of == "steps":
            g, rate = np.multiply(g, rate, out=self.like("scaled", w)), 1.0
        if "velocity" in vars(state):
            v = state.velocity
            v *= self.momentum
            v += np.multiply(g, 1 - self.dampening, out=change) if step and self.dampening else g
            g = np.add(g, np.multiply(v, self.momentum, out=change), out=change) if self.nesterov else v
        descend(w, rate, g, change)
