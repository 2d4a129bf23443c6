"""Optimizers that scale each step by the squared gradients so far."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.optimizers.base import State
from specnet.optimizers.first_order import Beta, Epsilon, FirstOrder, LearningRate


class Adagrad(FirstOrder):
    """Steps scaled by the sum of all squared gradients.

    s <- s + g^2 from its initial value, w <- w - a g / (sqrt(s) + epsilon). Duchi et al., "Adaptive subgradient
    methods", 2011.
    """

    adaptive = True
    state_names = ("s",)
    examples = ({"initial_accumulator_value": 0.5, "weight_decay": 0.1},)
    learning_rate: LearningRate = 0.01
    initial_accumulator_value: float = Field(default=0.0, ge=0, description="initial sum of squared gradients")
    epsilon: Epsilon = 1e-10

    def preconditioner(self, state: State, step: int) -> np.ndarray:
        return np.sqrt(state.s) + self.epsilon

    def stable_curvature(self) -> float:
        return 2 / self.learning_rate

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        if step == 0:
            state.s += self.initial_accumulator_value
        state.s += g * g
        w -= self.learning_rate * g / (np.sqrt(state.s) + self.epsilon)


class Rmsprop(FirstOrder):
    """Steps scaled by a running mean of squared gradients.

    v <- r v + (1 - r) g^2, w <- w - a g / (sqrt(v) + epsilon). If centered, v - mean^2 takes the place of v, with
    mean <- r mean + (1 - r) g: the variance of the gradient. With momentum, b <- momentum b + the scaled gradient and
    w <- w - a b. Tieleman & Hinton, lecture 6.5, 2012; centered: Graves, 2013.
    """

    adaptive = True
    examples = ({"centered": True, "momentum": 0.5, "weight_decay": 0.1},)
    rho: Beta = Field(default=0.9, description="decay of the means: a number or a schedule")
    momentum: Beta = Field(default=0.0, description="share of the last step that is kept: a number or a schedule")
    epsilon: Epsilon = 1e-8
    centered: bool = Field(default=False, description="whether to divide by the standard deviation of the gradient")

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("v", *["mean"] * self.centered, *["velocity"] * bool(self.momentum))

    def preconditioner(self, state: State, step: int) -> np.ndarray:
        v = np.maximum(state.v - state.mean**2, 0) if self.centered else state.v
        return np.sqrt(v) + self.epsilon

    def stable_curvature(self) -> float:
        return 2 * (1 + self.momentum) / self.learning_rate

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        v = state.v
        v *= self.rho
        v += (1 - self.rho) * g * g
        if self.centered:
            state.mean *= self.rho
            state.mean += (1 - self.rho) * g
            v = np.maximum(v - state.mean * state.mean, 0)  # never negative but for rounding
        change = g / (np.sqrt(v) + self.epsilon)
        if "velocity" in vars(state):
            state.velocity *= self.momentum
            state.velocity += change
            change = state.velocity
        w -= self.learning_rate * change


class Adadelta(FirstOrder):
    """Steps scaled by the ratio of past steps to past gradients.

    v <- r v + (1 - r) g^2, d = sqrt(u + epsilon) / sqrt(v + epsilon) g, u <- r u + (1 - r) d^2, w <- w - a d.
    Zeiler, "ADADELTA", 2012, where a is 1.
    """

    state_names = ("v", "u")
    examples = ({"rho": 0.5, "weight_decay": 0.1},)
    learning_rate: LearningRate = 1.0
    rho: Beta = Field(default=0.95, description="decay of both means: a number or a schedule")
    epsilon: Epsilon = Field(
        default=1e-6, description="keeps the division finite, and starts the first steps: a number or a schedule"
    )

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        v, u = state.v, state.u
        v *= self.rho
        v += (1 - self.rho) * g * g
        change = np.sqrt((u + self.epsilon) / (v + self.epsilon)) * g
        u *= self.rho
        u += (1 - self.rho) * change * change
        w -= self.learning_rate * change
