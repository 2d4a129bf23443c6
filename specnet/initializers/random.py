"""Initializers with a spread set by the spec."""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from specnet.initializers.base import Initializer, truncated_normal


class Normal(Initializer):
    """Normal distribution N(mean, std^2)."""

    mean: float = Field(default=0.0, description="mean")
    std: float = Field(default=1.0, ge=0, description="standard deviation")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(self.mean, self.std, shape)


class TruncatedNormal(Initializer):
    """Normal distribution N(mean, std^2), without numbers more than two standard deviations from the mean.

    `std` is the standard deviation before the ends are cut off. Afterwards it is 0.88 `std`.
    """

    mean: float = Field(default=0.0, description="mean")
    std: float = Field(default=1.0, ge=0, description="standard deviation")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return self.mean + self.std * truncated_normal(rng, shape)


class Uniform(Initializer):
    """Uniform distribution on [low, high)."""

    low: float = Field(default=-0.05, description="least value")
    high: float = Field(default=0.05, description="upper limit, exclusive")

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if not 0 < self.high - self.low < math.inf:
            raise ValueError(f"low ({self.low}) should be less than high ({self.high}), by a finite number")
        return self

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.uniform(self.low, self.high, shape)
