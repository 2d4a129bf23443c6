"""Adam and its relatives."""

from __future__ import annotations

import math

import numpy as np

from specnet.functions import constant
from specnet.kernels.numpy.buffered import FirstOrderKernel, descend, follow, ratio
from specnet.optimizers.adam import Adam, Adamax, AdamW, Nadam, Radam, RunningMoments
from specnet.optimizers.base import State


class RunningMomentsKernel(FirstOrderKernel, RunningMoments):
    """Running means that are updated with a buffer."""

    def follow(self, state: State, g: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Let both means follow a gradient, and return them."""
        m, v = state.m, state.v
        follow(m, self.beta_1, g, change)
        follow(v, self.beta_2, np.multiply(g, g, out=change), change)
        return m, v


class AdamKernel(RunningMomentsKernel, Adam):
    """Adam that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        t, change = step + 1, self.like("change", w)
        m, v = self.follow(state, g, change)
        if self.amsgrad:
            v = np.maximum(state.v_max, v, out=state.v_max)
        root = math.sqrt(1 - self.beta_2**t)
        rate = self.learning_rate * root / (1 - self.beta_1**t)
        descend(w, rate, ratio(m, v, self.epsilon * root, change), change)


class AdamWKernel(AdamKernel, AdamW):
    """The same, with weight decay by default."""


class NadamKernel(RunningMomentsKernel, Nadam):
    """Nadam that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        t, mean, change = step + 1, self.like("mean", w), self.like("change", w)
        m, v = self.follow(state, g, change)
        p, now, following = self.product(t), self.beta(t), self.beta(t + 1)
        np.multiply(m, following / (1 - p * following), out=mean)
        mean += np.multiply(g, (1 - now) / (1 - p), out=change)
        root = math.sqrt(1 - self.beta_2**t)
        descend(w, self.learning_rate * root, ratio(mean, v, self.epsilon * root, change), change)


class RadamKernel(RunningMomentsKernel, Radam):
    """Radam that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        change = self.like("change", w)
        m, v = self.follow(state, g, change)
        rate, rectified = self.rate(step + 1)
        descend(w, rate, ratio(m, v, self.epsilon, change) if rectified else m, change)


class AdamaxKernel(FirstOrderKernel, Adamax):
    """Adamax that writes to buffers."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m, u, change = state.m, state.u, self.like("change", w)
        follow(m, self.beta_1, g, change)
        u *= constant(self.beta_2, w.dtype)
        np.abs(g, out=change)
        change += self.epsilon
        np.maximum(u, change, out=u)
        descend(w, self.learning_rate / (1 - self.beta_1 ** (step + 1)), np.divide(m, u, out=change), change)
