"""Optimizers that only use signs: of gradients, or of their means."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.optimizers.base import State
from specnet.optimizers.first_order import Beta, FirstOrder


class Lion(FirstOrder):
    """Steps of one size, against the sign of a mean of gradients.

    w <- w - a sign(b1 m + (1 - b1) g), then m <- b2 m + (1 - b2) g. Chen et al., "Symbolic discovery of optimization
    algorithms", 2023. Its learning rate should be 3 to 10 times smaller than that of Adam.
    """

    state_names = ("m",)
    examples = ({"beta_1": 0.5, "weight_decay": 0.1},)
    beta_1: Beta = Field(default=0.9, description="weight of the mean in the step: a number or a schedule")
    beta_2: Beta = Field(default=0.99, description="decay of the mean of gradients: a number or a schedule")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        m = state.m
        w -= self.learning_rate * np.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        m *= self.beta_2
        m += (1 - self.beta_2) * g


class Rprop(FirstOrder):
    """Each parameter has its own step size, which grows while the sign of its gradient stays the same.

    size <- size eta_plus where g has the sign of the last one, size <- size eta_minus where it has the other; there g
    counts as 0 in this step and the next. w <- w - size sign(g). The first size is the learning rate. It needs
    gradients of all samples, `"batch_size": "full"`. Riedmiller & Braun, 1993; without backtracking, as Rprop- with
    reset in Igel & Huesken, "Improving the Rprop learning algorithm", 2000.
    """

    full_batch = True
    state_names = ("last", "size")
    examples = ({"eta_minus": 0.4, "eta_plus": 1.5, "weight_decay": 0.1},)
    learning_rate: float = Field(default=0.01, gt=0, description="first step size")
    eta_minus: float = Field(default=0.5, gt=0, lt=1, description="factor where the sign changes")
    eta_plus: float = Field(default=1.2, gt=1, description="factor where the sign stays")
    min_step: float = Field(default=1e-6, gt=0, description="smallest step size")
    max_step: float = Field(default=50.0, gt=0, description="largest step size")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        last, size = state.last, state.size
        if step == 0:
            size[...] = self.learning_rate
        sign = np.sign(g)
        same = last * sign  # -1, 0 or 1, where the factor is eta_minus, 1 or eta_plus
        size *= 1 + same * ((self.eta_plus - self.eta_minus) / 2 + same * ((self.eta_plus + self.eta_minus) / 2 - 1))
        np.clip(size, self.min_step, self.max_step, out=size)
        np.multiply(sign, same >= 0, out=last)
        w -= size * last
