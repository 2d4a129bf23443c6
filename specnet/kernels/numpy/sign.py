"""Optimizers that only use signs."""

from __future__ import annotations

import numpy as np

from specnet.kernels.numpy.buffered import FirstOrderKernel, descend, follow
from specnet.optimizers.base import State
from specnet.optimizers.sign import Lion


class LionKernel(FirstOrderKernel, Lion):
    """Lion that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m, mean, change = state.m, self.like("mean", w), self.like("change", w)
        np.multiply(m, self.beta_1, out=mean)
        mean += np.multiply(g, 1 - self.beta_1, out=change)
        descend(w, self.learning_rate, np.sign(mean, out=change), change)
        follow(m, self.beta_2, g, change)
