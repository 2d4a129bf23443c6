"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from specnet.optimizers.base import Optimizer
from specnet.schedules.base import value_at


class Sgd(Optimizer):
    """Gradient descent, w <- w - a g, optionally with momentum.

    With momentum m the velocity is v <- m v + g and w <- w - a v; Nesterov's form looks ahead, w <- w - a (g + m v)
    with the new v. a is the learning rate. Polyak, 1964; Nesterov, 1983; Sutskever et al., 2013.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"nesterov": {"const": True}}, "required": ["nesterov"]},
            "then": {"properties": {"momentum": {"exclusiveMinimum": 0}}, "required": ["momentum"]},
        }
    )
    examples = (
        {"momentum": 0.9},
        {"momentum": 0.7, "nesterov": True, "learning_rate": {"type": "cosine", "initial": 0.1, "steps": 20}},
    )
    momentum: float = Field(default=0.0, ge=0, lt=1, description="share of the last velocity that is kept")
    nesterov: bool = Field(default=False, description="whether momentum looks ahead")

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum greater than 0")
        return self

    @property
    def slot_names(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def update(self, w: np.ndarray, g: np.ndarray, *slots: np.ndarray, step: int) -> None:
        rate = value_at(self.learning_rate, step)
        change = self.workspace("change", w.shape, w.dtype)
        if slots:
            (velocity,) = slots
            velocity *= self.momentum
            velocity += g
            if self.nesterov:
                np.multiply(velocity, self.momentum, out=change)
                change += g
                g = change
            else:
                g = velocity
        w -= np.multiply(g, rate, out=change)
