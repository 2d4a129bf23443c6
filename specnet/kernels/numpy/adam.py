"""Adam and its relatives."""

from __future__ import annotations

import math

import numpy as np

from specnet.functions import constant
from specnet.kernels.numpy.buffered import FirstOrderKernel
from specnet.optimizers.adam import Adam, Adamax, AdamW, Nadam, Radam, RunningMoments
from specnet.optimizers.base import State


class RunningMomentsKernel(FirstOrderKernel, RunningMoments):
    """Running means that are updated with a buffer."""

    def average(self, g: np.ndarray, state: State) -> tuple[np.ndarray, np.ndarray]:
        self.follow(state.m, self.beta_1, g)
        self.follow(state.v, self.beta_2, self.square(g))
        return state.m, state.v


class AdamKernel(RunningMomentsKernel, Adam):
    """Adam that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        (m, v), t = self.average(g, state), step + 1
        if self.amsgrad:
            v = np.maximum(state.v_max, v, out=state.v_max)
        root = math.sqrt(1 - self.beta_2**t)
        rate = self.learning_rate * root / (1 - self.beta_1**t)
        self.descend(w, rate, self.ratio(m, v, self.epsilon * root))


class AdamWKernel(AdamKernel, AdamW):
    """The same, with weight decay by default."""


class NadamKernel(RunningMomentsKernel, Nadam):
    """Nadam that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        (m, v), t = self.average(g, state), step + 1
        p, now, following = self.product(t), self.beta(t), self.beta(t + 1)
        mean, part = self.like("mean", w), self.like("change", w)
        np.multiply(m, following / (1 - p * following), out=mean)
        mean += np.multiply(g, (1 - now) / (1 - p), out=part)
        root = math.sqrt(1 - self.beta_2**t)
        self.descend(w, self.learning_rate * root, self.ratio(mean, v, self.epsilon * root))


class RadamKernel(RunningMomentsKernel, Radam):
    """Radam that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m, v = self.average(g, state)
        rate, rectified = self.rate(step + 1)
        self.descend(w, rate, self.ratio(m, v, self.epsilon) if rectified else m)


class AdamaxKernel(FirstOrderKernel, Adamax):
    """Adamax that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m, u, change = state.m, state.u, self.like("change", w)
        self.follow(m, self.beta_1, g)
        u *= constant(self.beta_2, w.dtype)
        np.abs(g, out=change)
        change += self.epsilon
        np.maximum(u, change, out=u)
        self.descend(w, self.learning_rate / (1 - self.beta_1 ** (step + 1)), np.divide(m, u, out=change))
