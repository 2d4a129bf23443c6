"""Schedules that are functions of the step alone."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from specnet.schedules.base import Schedule


class Constant(Schedule):
    """The same value at every step."""

    value: float = Field(description="the value", examples=[0.01])

    def __call__(self, step: int) -> float:
        return self.value


class Step(Schedule):
    """`initial * factor ** floor(step / every)`: a staircase."""

    examples = ({"initial": 0.8, "every": 3},)
    initial: float = Field(description="value to begin with", examples=[0.01])
    every: PositiveInt = Field(description="steps from one stair to the next", examples=[1000])
    factor: float = Field(default=0.1, gt=0, le=1, description="what each stair multiplies the value by")

    def __call__(self, step: int) -> float:
        return self.initial * self.factor ** (step // self.every)

    def length(self) -> int:
        return self.every


class Exponential(Schedule):
    """`initial * factor ** (step / every)`: smooth decay by `factor` every so many steps."""

    examples = ({"initial": 3.0, "every": 2},)
    initial: float = Field(description="value to begin with", examples=[0.01])
    factor: float = Field(default=0.5, gt=0, le=1, description="what `every` steps multiply the value by")
    every: PositiveInt = Field(default=1000, description="steps that one factor takes")

    def __call__(self, step: int) -> float:
        return float(self.initial * self.factor ** (step / self.every))


class Cosine(Schedule):
    """Half a cosine from `initial` down to `final` over `steps`, after a linear warm-up.

    Warm-up step k of `warmup` has `initial * (k + 1) / warmup`, so the first step already moves. After `steps`
    the value stays at `final`. Loshchilov & Hutter, "SGDR", 2017 (without restarts).
    """

    examples = ({"initial": 0.1, "steps": 12, "warmup": 4, "final": 0.01},)
    initial: float = Field(description="value to begin with", examples=[0.01])
    steps: PositiveInt = Field(description="steps in all, warm-up included", examples=[1000])
    final: float = Field(default=0.0, ge=0, description="value to end with")
    warmup: NonNegativeInt = Field(default=0, description="steps of linear warm-up")

    @model_validator(mode="after")
    def _warmup_ends_before_the_schedule(self) -> Self:
        if self.warmup >= self.steps:
            raise ValueError(f"warmup ({self.warmup}) should be less than steps ({self.steps})")
        return self

    def length(self) -> int:
        return self.steps

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return self.initial * (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / (self.steps - self.warmup))
        return self.final + (self.initial - self.final) * 0.5 * (1.0 + math.cos(math.pi * done))
