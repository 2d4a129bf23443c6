"""Adam."""

from __future__ import annotations

import math

import numpy as np

from specnet.functions import constant
from specnet.kernels.numpy.buffered import Decaying
from specnet.optimizers.adam import Adam, AdamW
from specnet.optimizers.base import State


class AdamKernel(Decaying, Adam):
    """Adam that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m, v, t, change = state.m, state.v, step + 1, self.like("change", w)
        m *= constant(self.beta_1, w.dtype)
        m += np.multiply(g, constant(1 - self.beta_1, w.dtype), out=change)
        v *= constant(self.beta_2, w.dtype)
        np.multiply(g, g, out=change)
        change *= constant(1 - self.beta_2, w.dtype)
        v += change
        if self.amsgrad:
            v = np.maximum(state.v_max, v, out=state.v_max)
        root = math.sqrt(1 - self.beta_2**t)
        np.sqrt(v, out=change)
        change += self.epsilon * root
        np.divide(m, change, out=change)
        change *= self.learning_rate * root / (1 - self.beta_1**t)
        w -= change


class AdamWKernel(AdamKernel, AdamW):
    """The same, with weight decay by default."""
