"""Adam."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from specnet.optimizers.base import Optimizer
from specnet.schedules.base import Schedule, scheduled, value_at


class Adam(Optimizer):
    """Steps scaled by running moments of the gradient.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, and in step t = 1, 2, ...
    w <- w - a (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon). Kingma & Ba, "Adam", 2015.
    """

    learning_rate: Annotated[float | Schedule, scheduled(gt=0)] = Field(
        default=0.001, description="step size: a number or a schedule"
    )
    beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of the mean of gradients")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="decay of the mean of squared gradients")
    epsilon: float = Field(default=1e-8, gt=0, description="keeps the division finite")

    @property
    def slot_names(self) -> tuple[str, ...]:
        return ("mean", "square")

    def update(self, w: np.ndarray, g: np.ndarray, *slots: np.ndarray, step: int) -> None:
        mean, square = slots
        mean *= self.beta1
        mean += (1.0 - self.beta1) * g
        square *= self.beta2
        square += (1.0 - self.beta2) * (g * g)
        # Both bias corrections are scalars: the first joins the rate, the second scales the denominator.
        rate = value_at(self.learning_rate, step) / (1.0 - self.beta1 ** (step + 1))
        denominator = np.sqrt(square)
        denominator *= 1.0 / math.sqrt(1.0 - self.beta2 ** (step + 1))
        denominator += self.epsilon
        np.divide(mean, denominator, out=denominator)
        denominator *= rate
        w -= denominator
