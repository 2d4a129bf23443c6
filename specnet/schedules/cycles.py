"""Schedules that rise and fall, once or again and again."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import ConfigDict, Field, NonNegativeFloat, model_validator

from specnet.schedules.base import Epochs, Length, Schedule, in_steps, not_both, one_of
from specnet.schedules.decay import Timed, cosine


class CosineRestarts(Schedule):
    """Half a cosine from `initial` down to `final`, again and again, each `multiplier` times as long as the last.

    Loshchilov & Hutter, "SGDR", 2017.
    """

    model_config = ConfigDict(json_schema_extra=not_both(("first_epochs", "first_steps")))
    examples = ({"initial": 0.1, "first_steps": 9, "final": 0.01}, {"initial": 0.1, "first_epochs": 2, "multiplier": 1})
    initial: float = Field(description="value at the beginning of each cosine", examples=[0.01])
    first_epochs: Epochs | None = Field(
        default=None, description="epochs of the first cosine; null: `first_steps`, else three cosines fill the run"
    )
    first_steps: Length | None = Field(default=None, description="steps of the first cosine")
    multiplier: float = Field(default=2.0, ge=1, le=1e6, description="length of a cosine, divided by that of the last")
    final: float = Field(default=0.0, ge=0, description="value at the end of each cosine")
    _one_length = one_of("first_epochs", "first_steps")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        third = math.ceil(total_steps / (1 + self.multiplier + self.multiplier**2))
        self.first = in_steps(self.first_epochs, self.first_steps, steps_per_epoch, total_steps) or third

    def __call__(self, step: int) -> float:
        # Before cosine i lie (m^i - 1) / (m - 1) lengths of the first one.
        m, passed = self.multiplier, step / self.first
        if m == 1:
            return cosine(self.initial, self.final, passed % 1.0)
        i = math.floor(math.log(1 + passed * (m - 1), m) + 1e-9)
        return cosine(self.initial, self.final, max(0.0, passed - (m**i - 1) / (m - 1)) / m**i)

    def length(self) -> int:
        return self.first


class OneCycle(Timed):
    """Half a cosine up to `maximum`, then a longer one down, far below the initial value.

    It begins at `maximum / div_factor` and ends at that, divided by `final_div_factor`. Smith & Topin,
    "Super-convergence", 2018.
    """

    examples = ({"maximum": 0.3, "steps": 40, "div_factor": 5.0}, {"maximum": 0.3, "epochs": 9, "pct_start": 0.5})
    maximum: float = Field(description="largest value", examples=[0.1])
    pct_start: float = Field(default=0.3, ge=0, le=1, description="share of the length in which the value rises")
    div_factor: float = Field(default=25.0, ge=1, description="maximum, divided by the initial value")
    final_div_factor: float = Field(default=1e4, ge=1, description="initial value, divided by the final one")

    def __call__(self, step: int) -> float:
        initial, rise = self.maximum / self.div_factor, self.pct_start * self.end
        if step < rise:
            return cosine(initial, self.maximum, step / rise)
        fallen = min(1.0, (step - rise) / (self.end - rise)) if step < self.end else 1.0
        return cosine(self.maximum, initial / self.final_div_factor, fallen)


class Cyclic(Schedule):
    """Straight lines from `minimum` up to `maximum` and down again, in cycles.

    With the mode "triangular2" the height of each cycle is half of the last one's. Smith, "Cyclical learning rates for
    training neural networks", 2017.
    """

    model_config = ConfigDict(json_schema_extra=not_both(("half_cycle", "half_cycle_steps")))
    examples = (
        {"minimum": 0.1, "maximum": 0.3, "half_cycle_steps": 7, "mode": "triangular2"},
        {"minimum": 0.1, "maximum": 0.3, "half_cycle": 2},
    )
    minimum: NonNegativeFloat = Field(description="value at the beginning of a cycle", examples=[0.001])
    maximum: NonNegativeFloat = Field(description="value in the middle of a cycle", examples=[0.01])
    half_cycle: Epochs | None = Field(
        default=None, description="epochs from minimum to maximum; null: `half_cycle_steps`, else half of the run"
    )
    half_cycle_steps: Length | None = Field(default=None, description="the same in steps")
    mode: Literal["triangular", "triangular2"] = Field(
        default="triangular", description="cycles of the same height, or each of half the last one's"
    )
    _one_length = one_of("half_cycle", "half_cycle_steps")

    @model_validator(mode="after")
    def _minimum_is_not_above(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum ({self.minimum}) should not be more than maximum ({self.maximum})")
        return self

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.half = in_steps(self.half_cycle, self.half_cycle_steps, steps_per_epoch, total_steps) or math.ceil(
            total_steps / 2
        )

    def __call__(self, step: int) -> float:
        cycle, passed = divmod(step, 2 * self.half)
        height = (self.maximum - self.minimum) * (0.5**cycle if self.mode == "triangular2" else 1.0)
        return self.minimum + height * (1 - abs(passed / self.half - 1))

    def length(self) -> int:
        return 2 * self.half
