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

    The slots are m / (1 - b1) and v / (1 - b2), to which a new gradient is just added; that of v leaves the range of
    float32 where gradients stay above 1e19 sqrt(1 - b2).
    """

    examples = ({"beta1": 0.0, "beta2": 0.5, "epsilon": 0.1},)
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
        change = self.workspace("change", w.shape, w.dtype)
        mean *= self.beta1
        mean += g
        square *= self.beta2
        square += np.multiply(g, g, out=change)
        # All that is the same for each element goes into two numbers: one scales the step, the other joins the root.
        root = math.sqrt((1.0 - self.beta2 ** (step + 1)) / (1.0 - self.beta2))
        rate = value_at(self.learning_rate, step) * root * (1.0 - self.beta1) / (1.0 - self.beta1 ** (step + 1))
        np.sqrt(square, out=change)
        change += self.epsilon * root
        np.divide(mean, change, out=change)
        change *= rate
        w -= change
