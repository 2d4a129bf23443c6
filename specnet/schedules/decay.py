"""Schedules that are functions of the step alone."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from specnet.schedules.base import Epochs, EpochsOrZero, Length, LengthOrZero, Schedule, in_steps, not_both, one_of


def cosine(first: float, last: float, share: float) -> float:
    """Return a value on half a cosine from one value to another, at a share from 0 to 1 of the way."""
    return last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * share))


class ConstantSchedule(Schedule):
    """The same value at every step."""

    value: float = Field(description="the value", examples=[0.01])

    def __call__(self, step: int) -> float:
        return self.value


class Exponential(Schedule):
    """`initial * factor ** (step / every)`: smooth decay by `factor` in each `every`."""

    model_config = ConfigDict(json_schema_extra=not_both(("every", "every_steps")))
    examples = ({"initial": 3.0, "every_steps": 2}, {"initial": 3.0, "every": 5}, {"initial": 3.0})
    initial: float = Field(description="initial value", examples=[0.01])
    factor: float = Field(default=0.5, gt=0, le=1, description="factor of the value in each `every`")
    every: Epochs | None = Field(
        default=None, description="epochs for one factor; null: `every_steps`, else the whole run"
    )
    every_steps: Length | None = Field(default=None, description="steps for one factor")
    _one_width = one_of("every", "every_steps")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.width = in_steps(self.every, self.every_steps, steps_per_epoch, total_steps) or total_steps

    def __call__(self, step: int) -> float:
        return float(self.initial * self.factor ** (step / self.width))


class Timed(Schedule):
    """A schedule with a length: `end` steps, by default to the end of the run."""

    model_config = ConfigDict(json_schema_extra=not_both(("steps", "epochs")))
    steps: Length | None = Field(
        default=None, description="length in steps; null: `epochs`, else to the end of the run"
    )
    epochs: Epochs | None = Field(default=None, description="length in epochs")
    _one_length = one_of("steps", "epochs")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.end = in_steps(self.epochs, self.steps, steps_per_epoch, total_steps) or total_steps

    def length(self) -> int:
        return self.end


class Decay(Timed):
    """From `initial` to `final` over a length: a subclass says how much of the difference remains.

    After its length the value stays at `final`.
    """

    initial: float = Field(description="initial value", examples=[0.01])
    final: float = Field(default=0.0, ge=0, description="final value")

    @abstractmethod
    def remaining(self, done: float) -> float:
        """Return the share of the difference that remains once a share of the length, 0 to 1, is done."""

    def __call__(self, step: int) -> float:
        return self.final + (self.initial - self.final) * self.remaining(min(1.0, step / self.end))


class LinearSchedule(Decay):
    """A straight line from `initial` to `final`: `final + (initial - final) (1 - t)`, t the share of the length."""

    examples = ({"initial": 0.1, "steps": 12, "final": 0.01}, {"initial": 0.1, "epochs": 7}, {"initial": 0.1})

    def remaining(self, done: float) -> float:
        return 1.0 - done


class Polynomial(Decay):
    """`final + (initial - final) (1 - t) ** power`, t the share of the length. Chen et al., "DeepLab", 2017."""

    examples = ({"initial": 0.1, "steps": 12, "final": 0.01, "power": 0.9}, {"initial": 0.1, "power": 2.0})
    power: float = Field(default=1.0, gt=0, description="exponent; 1 is `linear`")

    def remaining(self, done: float) -> float:
        return float((1.0 - done) ** self.power)


class Cosine(Decay):
    """Half a cosine from `initial` down to `final`, after a linear warm-up.

    Step k of n steps of warm-up has `initial * (k + 1) / n`, so that the first step is not zero. The length includes
    the warm-up. Loshchilov & Hutter, "SGDR", 2017 (without restarts).
    """

    model_config = ConfigDict(json_schema_extra=not_both(("steps", "epochs"), ("warmup_steps", "warmup_epochs")))
    examples = (
        {"initial": 0.1, "steps": 12, "warmup_steps": 4, "final": 0.01},
        {"initial": 0.1, "epochs": 7, "warmup_epochs": 2},
        {"initial": 0.1},
    )
    warmup_steps: LengthOrZero | None = Field(
        default=None, description="steps of linear warm-up; null: `warmup_epochs`, else none"
    )
    warmup_epochs: EpochsOrZero | None = Field(default=None, description="epochs of linear warm-up")
    _one_warmup = one_of("warmup_steps", "warmup_epochs")

    @model_validator(mode="after")
    def _warmup_ends_before_the_schedule(self) -> Self:
        for unit in ("steps", "epochs"):
            warmup, length = getattr(self, f"warmup_{unit}"), getattr(self, unit)
            shares = isinstance(warmup, str) or isinstance(length, str)
            if warmup and length and not shares and warmup >= length:
                raise ValueError(f"warmup_{unit} ({warmup}) should be less than {unit} ({length})")
        return self

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        super().bind(steps_per_epoch, total_steps)
        self.warmup = in_steps(self.warmup_epochs, self.warmup_steps, steps_per_epoch, total_steps) or 0

    def length(self) -> int:
        return max(self.end, self.warmup + 1)

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return self.initial * (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(self.end - self.warmup, 1))
        return self.final + (self.initial - self.final) * self.remaining(done)

    def remaining(self, done: float) -> float:
        return cosine(1.0, 0.0, done)


class InverseSqrt(Schedule):
    """A linear warm-up to `initial`, then `initial * sqrt(n / (k + 1))` for step k after n steps of warm-up.

    Both are `initial * min((k + 1) / n, sqrt(n / (k + 1)))`. Vaswani et al., "Attention is all you need", 2017.
    """

    model_config = ConfigDict(json_schema_extra=not_both(("warmup_steps", "warmup_epochs")))
    examples = ({"initial": 0.1, "warmup_steps": 7}, {"initial": 0.1, "warmup_epochs": 2})
    initial: float = Field(description="value at the end of the warm-up", examples=[0.01])
    warmup_steps: Length | None = Field(
        default=None, description="steps of linear warm-up; null: `warmup_epochs`, else none"
    )
    warmup_epochs: Epochs | None = Field(default=None, description="epochs of linear warm-up")
    _one_warmup = one_of("warmup_steps", "warmup_epochs")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.warmup = in_steps(self.warmup_epochs, self.warmup_steps, steps_per_epoch, total_steps) or 1

    def __call__(self, step: int) -> float:
        return self.initial * min((step + 1) / self.warmup, math.sqrt(self.warmup / (step + 1)))

    def length(self) -> int:
        return self.warmup


class WarmupStableDecay(Timed):
    """A linear warm-up to `maximum`, a plateau, and a linear decay to 0; also called a trapezoid.

    Step k of n steps of warm-up has `maximum * (k + 1) / n`. Zhai et al., "Scaling vision transformers", 2022; Hu et
    al., "MiniCPM", 2024.
    """

    examples = ({"maximum": 0.1, "steps": 20, "warmup": 0.25, "decay": 0.5}, {"maximum": 0.1, "epochs": 7})
    maximum: float = Field(description="value of the plateau", examples=[0.01])
    warmup: float = Field(default=0.05, ge=0, le=1, description="share of the length to warm up")
    decay: float = Field(default=0.2, ge=0, le=1, description="share of the length to decay")

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.warmup + self.decay > 1:
            raise ValueError(f"warmup ({self.warmup}) and decay ({self.decay}) should not add up to more than 1")
        return self

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        super().bind(steps_per_epoch, total_steps)
        self.rise, self.fall = self.warmup * self.end, self.decay * self.end

    def __call__(self, step: int) -> float:
        risen = (step + 1) / self.rise if self.rise else 1.0
        left = max(self.end - step, 0) / self.fall if self.fall else 1.0
        return self.maximum * min(risen, left, 1.0)
