"""Relatives of Adam."""

from __future__ import annotations

import numpy as np

from specnet.optimizers.adam import RunningMoments
from specnet.optimizers.base import State
from specnet.optimizers.first_order import Epsilon


class Adabelief(RunningMoments):
    """Adam with longer steps where gradients are close to their mean.

    m <- b1 m + (1 - b1) g, s <- b2 s + (1 - b2) (g - m)^2 + epsilon, and in step t = 1, 2, ...
    w <- w - a (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + epsilon). Zhuang et al., "AdaBelief optimizer", 2020.
    """

    state_names = ("m", "s")
    examples = ({"beta_2": 0.9, "weight_decay": 0.1},)

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m, s, t = state.m, state.s, step + 1
        m *= self.beta_1
        m += (1 - self.beta_1) * g
        s *= self.beta_2
        s += (1 - self.beta_2) * np.square(g - m) + self.epsilon
        rate = self.learning_rate / (1 - self.beta_1**t)
        w -= rate * m / (np.sqrt(s / (1 - self.beta_2**t)) + self.epsilon)


class Lamb(RunningMoments):
    """Adam whose steps are in proportion to the norm of each parameter.

    With m and v of Adam, r = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon) + d w, where d is the weight decay,
    and w <- w - a (|w| / |r|) r for each parameter separately. The factor is 1 if a norm is 0. You et al., "Large batch
    optimization for deep learning", 2020.
    """

    whole_tensors = True
    examples = ({"beta_2": 0.9, "weight_decay": 0.1},)
    epsilon: Epsilon = 1e-6

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        (m, v), t = self.average(g, state), step + 1
        r = m / (1 - self.beta_1**t) / (np.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)
        if self.weight_decay:
            r += self.weight_decay * state.decay * w
        norms = float(np.linalg.norm(w)), float(np.linalg.norm(r))
        w -= self.learning_rate * (norms[0] / norms[1] if all(norms) else 1.0) * r
