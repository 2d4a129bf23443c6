"""Optimizers that change each parameter and its state in one pass."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specnet.optimizers.adam import Adam, Adamax, AdamW, Nadam, Radam, RunningMoments
from specnet.optimizers.adaptive import Adadelta, Adagrad, Rmsprop
from specnet.optimizers.base import State
from specnet.optimizers.first_order import FirstOrder
from specnet.optimizers.sgd import Sgd
from specnet.optimizers.sign import Lion
from specnet_numba import rules


class OnePass(FirstOrder):
    """An optimizer whose rule is compiled."""

    def decaying(self, w: np.ndarray, state: State) -> tuple[np.ndarray, float]:
        """Return `decay` and `shrink` of a rule; without weight decay any array will do, as it is not read."""
        return (state.decay, self.learning_rate * self.weight_decay) if self.weight_decay else (w, 0.0)


class SgdKernel(OnePass, Sgd):
    """SGD in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        if "velocity" in vars(state):
            rates = (self.learning_rate, 1.0) if self.momentum_of == "steps" else (1.0, self.learning_rate)
            taken, ahead = 1 - self.dampening if step else 1.0, self.momentum if self.nesterov else 0.0
            numbers = *rates, self.momentum, taken, ahead
            rules.momentum(w, g, state.velocity, *self.decaying(w, state), *numbers)
        else:
            rules.sgd(w, g, *self.decaying(w, state), self.learning_rate)


class OnePassMoments(OnePass, RunningMoments):
    """A rule with the means m and v."""

    def arguments(self, w: np.ndarray, g: np.ndarray, state: State, *more: np.ndarray) -> tuple[Any, ...]:
        """Return the arrays of a rule, and what its means keep and take."""
        betas = self.beta_1, 1 - self.beta_1, self.beta_2, 1 - self.beta_2
        return w, g, state.m, state.v, *more, *self.decaying(w, state), *betas


class AdamKernel(OnePassMoments, Adam):
    """Adam in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        root = math.sqrt(1 - self.beta_2 ** (step + 1))
        numbers = self.learning_rate * root / (1 - self.beta_1 ** (step + 1)), self.epsilon * root
        if self.amsgrad:
            rules.amsgrad(*self.arguments(w, g, state, state.v_max), *numbers)
        else:
            rules.adam(*self.arguments(w, g, state), *numbers)


class AdamWKernel(AdamKernel, AdamW):
    """The same, with weight decay by default."""


class NadamKernel(OnePassMoments, Nadam):
    """Nadam in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        t, rate = step + 1, self.learning_rate
        p, now, following = self.product(t), self.beta(t), self.beta(t + 1)
        shares = rate * following / (1 - p * following), rate * (1 - now) / (1 - p)
        rules.nadam(*self.arguments(w, g, state), *shares, self.epsilon, 1 / (1 - self.beta_2**t))


class RadamKernel(OnePassMoments, Radam):
    """RAdam in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        rate, rectified = self.rate(step + 1)
        if rectified:
            rules.adam(*self.arguments(w, g, state), rate, self.epsilon)
        else:
            rules.unscaled(*self.arguments(w, g, state), rate)


class AdamaxKernel(OnePass, Adamax):
    """Adamax in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        betas = self.beta_1, 1 - self.beta_1, self.beta_2
        rate = self.learning_rate / (1 - self.beta_1 ** (step + 1))
        rules.adamax(w, g, state.m, state.u, *self.decaying(w, state), *betas, rate, self.epsilon)


class AdagradKernel(OnePass, Adagrad):
    """Adagrad in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        if step == 0:
            state.s += self.initial_accumulator_value
        rules.adagrad(w, g, state.s, *self.decaying(w, state), self.learning_rate, self.epsilon)


class RmspropKernel(OnePass, Rmsprop):
    """RMSprop in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        mean = state.mean if self.centered else w
        velocity = vars(state).get("velocity", w)
        numbers = self.rho, 1 - self.rho, self.momentum, self.learning_rate, self.epsilon
        rules.rmsprop(w, g, state.v, mean, velocity, *self.decaying(w, state), *numbers, self.centered)


class AdadeltaKernel(OnePass, Adadelta):
    """Adadelta in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        numbers = self.rho, 1 - self.rho, self.learning_rate, self.epsilon
        rules.adadelta(w, g, state.v, state.u, *self.decaying(w, state), *numbers)


class LionKernel(OnePass, Lion):
    """Lion in one pass."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        betas = self.beta_1, 1 - self.beta_1, self.beta_2, 1 - self.beta_2
        rules.lion(w, g, state.m, *self.decaying(w, state), *betas, self.learning_rate)
