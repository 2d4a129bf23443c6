"""Optimizers that scale each step by the squared gradients so far."""

from __future__ import annotations

import numpy as np

from specnet.kernels.numpy.buffered import FirstOrderKernel, descend, follow, ratio
from specnet.optimizers.adaptive import Adadelta, Adagrad, Rmsprop
from specnet.optimizers.base import State


class AdagradKernel(FirstOrderKernel, Adagrad):
    """Adagrad that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        s, change = state.s, self.like("change", w)
        if step == 0:
            s += self.initial_accumulator_value
        s += np.multiply(g, g, out=change)
        descend(w, self.learning_rate, ratio(g, s, self.epsilon, change), change)


class RmspropKernel(FirstOrderKernel, Rmsprop):
    """RMSprop that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        v, change = state.v, self.like("change", w)
        follow(v, self.rho, np.multiply(g, g, out=change), change)
        if self.centered:
            follow(state.mean, self.rho, g, change)
            np.multiply(state.mean, state.mean, out=change)
            v = np.maximum(np.subtract(v, change, out=change), 0, out=change)
        direction = ratio(g, v, self.epsilon, change)
        if "velocity" in vars(state):
            state.velocity *= self.momentum
            state.velocity += direction
            direction = state.velocity
        descend(w, self.learning_rate, direction, change)


class AdadeltaKernel(FirstOrderKernel, Adadelta):
    """Adadelta that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        v, u, direction, change = state.v, state.u, self.like("direction", w), self.like("change", w)
        follow(v, self.rho, np.multiply(g, g, out=change), change)
        np.add(u, self.epsilon, out=direction)
        direction /= np.add(v, self.epsilon, out=change)
        np.sqrt(direction, out=direction)
        direction *= g
        follow(u, self.rho, np.multiply(direction, direction, out=change), change)
        descend(w, self.learning_rate, direction, change)
