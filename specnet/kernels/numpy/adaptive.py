"""Optimizers that scale each step by the squared gradients so far."""

from __future__ import annotations

import numpy as np

from specnet.kernels.numpy.buffered import FirstOrderKernel
from specnet.optimizers.adaptive import Adadelta, Adagrad, Rmsprop
from specnet.optimizers.base import State


class AdagradKernel(FirstOrderKernel, Adagrad):
    """Adagrad that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        if step == 0:
            state.s += self.initial_accumulator_value
        state.s += self.square(g)
        self.descend(w, self.learning_rate, self.ratio(g, state.s, self.epsilon))


class RmspropKernel(FirstOrderKernel, Rmsprop):
    """RMSprop that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        v = state.v
        self.follow(v, self.rho, self.square(g))
        if self.centered:
            self.follow(state.mean, self.rho, g)
            change = self.square(state.mean)
            v = np.maximum(np.subtract(v, change, out=change), 0, out=change)
        change = self.ratio(g, v, self.epsilon)
        if "velocity" in vars(state):
            state.velocity *= self.momentum
            state.velocity += change
            change = state.velocity
        self.descend(w, self.learning_rate, change)


class AdadeltaKernel(FirstOrderKernel, Adadelta):
    """Adadelta that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        v, u, change, root = state.v, state.u, self.like("step", w), self.like("change", w)
        self.follow(v, self.rho, self.square(g))
        np.add(u, self.epsilon, out=change)
        change /= np.add(v, self.epsilon, out=root)
        np.sqrt(change, out=change)
        change *= g
        self.follow(u, self.rho, self.square(change))
        self.descend(w, self.learning_rate, change)
