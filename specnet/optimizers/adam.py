"""Adam."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from specnet.optimizers.base import Optimizer, State
from specnet.schedules.base import scheduled


class Adam(Optimizer):
    """Steps scaled by running moments of the gradient.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, and in step t = 1, 2, ...
    w <- w - a (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon). Kingma & Ba, "Adam", 2015.

    As suggested at the end of section 2 of the paper, the bias corrections are applied to step size and epsilon.
    """

    examples = ({"beta_1": 0.0, "beta_2": 0.5, "epsilon": 0.1},)
    learning_rate: Annotated[float, scheduled(gt=0)] = Field(
        default=0.001, description="step size: a number or a schedule"
    )
    beta_1: float = Field(default=0.9, ge=0, lt=1, description="decay of the mean of gradients")
    beta_2: float = Field(default=0.999, ge=0, lt=1, description="decay of the mean of squared gradients")
    epsilon: float = Field(default=1e-8, gt=0, description="keeps the division finite")

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("m", "v")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        m, v, t = state.m, state.v, step + 1
        m *= self.beta_1
        m += (1 - self.beta_1) * g
        v *= self.beta_2
        v += (1 - self.beta_2) * g * g
        root = math.sqrt(1 - self.beta_2**t)
        rate = self.learning_rate * root / (1 - self.beta_1**t)
        w -= rate * m / (np.sqrt(v) + self.epsilon * root)
