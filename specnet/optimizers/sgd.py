"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from specnet.optimizers.base import State
from specnet.optimizers.first_order import Beta, FirstOrder, LearningRate


class Sgd(FirstOrder):
    """Gradient descent, w <- w - a g, optionally with momentum.

    With momentum m the velocity is v <- m v + (1 - d) g and w <- w - a v; Nesterov's form looks ahead,
    w <- w - a (g + m v) with the new v. a is the learning rate, d the dampening, which does not apply to the first
    step. With `"momentum_of": "steps"` a g takes the place of g, and w <- w - v: past gradients keep the learning rate
    of their time. Polyak, 1964; Nesterov, 1983; Sutskever et al., 2013.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"nesterov": {"const": True}}, "required": ["nesterov"]},
            "then": {
                "properties": {"momentum": {"exclusiveMinimum": 0}, "dampening": {"const": 0}},
                "required": ["momentum"],
            },
        }
    )
    examples = (
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
        {"momentum": 0.7, "nesterov": True, "learning_rate": {"type": "cosine", "initial": 0.1, "steps": 20}},
        {
            "momentum": {"type": "linear", "initial": 0.5, "final": 0.9, "steps": 10},
            "momentum_of": "steps",
            "learning_rate": {"type": "exponential", "initial": 0.1, "factor": 0.5, "every_steps": 1},
        },
    )
    learning_rate: LearningRate = 0.01
    momentum: Beta = Field(default=0.0, description="share of the last velocity that is kept: a number or a schedule")
    momentum_of: Literal["gradients", "steps"] = Field(
        default="gradients",
        description='terms of the velocity; "steps": gradients times the learning rate of their step, as Keras and '
        "scikit-learn do, which differs where the learning rate changes",
    )
    nesterov: bool = Field(default=False, description="whether momentum looks ahead")
    dampening: float = Field(default=0.0, ge=0, lt=1, description="share of each gradient that momentum leaves out")

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum greater than 0")
        if self.nesterov and self.dampening:
            raise ValueError("nesterov needs a dampening of 0")
        return self

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def stable_curvature(self) -> float:
        a, m = self.learning_rate, self.momentum
        return 2 * (1 + m) / (a * (1 + 2 * m)) if self.nesterov else 2 * (1 + m) / (a * (1 - self.dampening))

    def update(self, w: np.ndarray, g: np.ndarray, state: State, step: int) -> None:
        self.decay(w, state)
        rate = self.learning_rate
        if self.momentum_of == "steps":
            g, rate = rate * g, 1.0
        change = g
        if "velocity" in vars(state):
            v = state.velocity
            v *= self.momentum
            v += (1 - self.dampening) * g if step and self.dampening else g
            change = g + self.momentum * v if self.nesterov else v
        w -= rate * change
