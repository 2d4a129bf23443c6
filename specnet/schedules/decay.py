"""Schedules that are functions of the step alone."""

from __future__ import annotations

import math
from typing import Self

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from specnet.schedules.base import Schedule, in_steps, not_both, one_of


class ConstantSchedule(Schedule):
    """The same value at every step."""

    value: float = Field(description="the value", examples=[0.01])

    def __call__(self, step: int) -> float:
        return self.value


class Step(Schedule):
    """`initial * factor ** floor(step / every)`: a staircase."""

    model_config = ConfigDict(json_schema_extra=not_both(("every", "every_steps")))
    examples = ({"initial": 0.8, "every_steps": 3}, {"initial": 0.8, "every": 2}, {"initial": 0.8})
    initial: float = Field(description="initial value", examples=[0.01])
    every: PositiveInt | None = Field(
        default=None, description="epochs from one stair to the next; null: `every_steps`, else a third of the run"
    )
    every_steps: PositiveInt | None = Field(default=None, description="steps from one stair to the next")
    factor: float = Field(default=0.1, gt=0, le=1, description="factor of the value at each stair")
    _one_width = one_of("every", "every_steps")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.width = in_steps(self.every, self.every_steps, steps_per_epoch) or math.ceil(total_steps / 3)

    def __call__(self, step: int) -> float:
        return self.initial * self.factor ** (step // self.width)

    def length(self) -> int:
        return self.width


class Exponential(Schedule):
    """`initial * factor ** (step / every)`: smooth decay by `factor` in each `every`."""

    model_config = ConfigDict(json_schema_extra=not_both(("every", "every_steps")))
    examples = ({"initial": 3.0, "every_steps": 2}, {"initial": 3.0, "every": 5}, {"initial": 3.0})
    initial: float = Field(description="initial value", examples=[0.01])
    factor: float = Field(default=0.5, gt=0, le=1, description="factor of the value in each `every`")
    every: PositiveInt | None = Field(
        default=None, description="epochs for one factor; null: `every_steps`, else the whole run"
    )
    every_steps: PositiveInt | None = Field(default=None, description="steps for one factor")
    _one_width = one_of("every", "every_steps")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.width = in_steps(self.every, self.every_steps, steps_per_epoch) or total_steps

    def __call__(self, step: int) -> float:
        return float(self.initial * self.factor ** (step / self.width))


class Cosine(Schedule):
    """Half a cosine from `initial` down to `final`, after a linear warm-up.

    Step k of n steps of warm-up has `initial * (k + 1) / n`, so that the first step is not zero. After its length
    the value stays at `final`. Loshchilov & Hutter, "SGDR", 2017 (without restarts).
    """

    model_config = ConfigDict(json_schema_extra=not_both(("steps", "epochs"), ("warmup_steps", "warmup_epochs")))
    examples = (
        {"initial": 0.1, "steps": 12, "warmup_steps": 4, "final": 0.01},
        {"initial": 0.1, "epochs": 7, "warmup_epochs": 2},
        {"initial": 0.1},
    )
    initial: float = Field(description="initial value", examples=[0.01])
    steps: PositiveInt | None = Field(
        default=None, description="length in steps, warm-up included; null: `epochs`, else to the end of the run"
    )
    epochs: PositiveInt | None = Field(default=None, description="length in epochs, warm-up included")
    final: float = Field(default=0.0, ge=0, description="final value")
    warmup_steps: NonNegativeInt | None = Field(
        default=None, description="steps of linear warm-up; null: `warmup_epochs`, else none"
    )
    warmup_epochs: NonNegativeInt | None = Field(default=None, description="epochs of linear warm-up")
    _one_length = one_of("steps", "epochs")
    _one_warmup = one_of("warmup_steps", "warmup_epochs")

    @model_validator(mode="after")
    def _warmup_ends_before_the_schedule(self) -> Self:
        for unit in ("steps", "epochs"):
            warmup, length = getattr(self, f"warmup_{unit}"), getattr(self, unit)
            if warmup and length and warmup >= length:
                raise ValueError(f"warmup_{unit} ({warmup}) should be less than {unit} ({length})")
        return self

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.warmup = in_steps(self.warmup_epochs, self.warmup_steps, steps_per_epoch) or 0
        self.end = in_steps(self.epochs, self.steps, steps_per_epoch) or total_steps

    def length(self) -> int:
        return max(self.end, self.warmup + 1)

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return self.initial * (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(self.end - self.warmup, 1))
        return self.final + (self.initial - self.final) * 0.5 * (1.0 + math.cos(math.pi * done))
