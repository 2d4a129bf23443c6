"""Schedules in pieces: constant values, or other schedules one after the other."""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect_right
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, NonNegativeFloat, model_validator

from specnet.schedules.base import Epochs, Length, Schedule, in_steps, not_both, one_of, percent


def _increasing(times: list[Any]) -> list[Any]:
    numbers = [percent(time) if isinstance(time, str) else time for time in times]
    if len({*map(type, times)}) > 1:
        raise ValueError("these should be all epochs, or all shares of the run")
    if any(after <= before for before, after in pairwise(numbers)):
        raise ValueError("each number should be greater than the one before it")
    return times


Times = Annotated[list[Length], AfterValidator(_increasing)]
"""Steps in increasing order."""
EpochTimes = Annotated[list[Epochs], AfterValidator(_increasing)]
"""Epochs or shares of the run in increasing order."""


class Step(Schedule):
    """`initial * factor ** floor(step / every)`: a staircase."""

    model_config = ConfigDict(json_schema_extra=not_both(("every", "every_steps")))
    examples = ({"initial": 0.8, "every_steps": 3}, {"initial": 0.8, "every": 2}, {"initial": 0.8})
    initial: float = Field(description="initial value", examples=[0.01])
    every: Epochs | None = Field(
        default=None, description="epochs from one stair to the next; null: `every_steps`, else a third of the run"
    )
    every_steps: Length | None = Field(default=None, description="steps from one stair to the next")
    factor: float = Field(default=0.1, gt=0, le=1, description="factor of the value at each stair")
    _one_width = one_of("every", "every_steps")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.width = in_steps(self.every, self.every_steps, steps_per_epoch, total_steps) or math.ceil(total_steps / 3)

    def __call__(self, step: int) -> float:
        return self.initial * self.factor ** (step // self.width)

    def length(self) -> int:
        return self.width


class MultiStep(Schedule):
    """`initial`, multiplied by `factor` at each milestone. He et al., "Deep residual learning", 2016."""

    model_config = ConfigDict(json_schema_extra=not_both(("milestones", "milestone_steps")))
    examples = ({"initial": 0.8, "milestone_steps": [3, 11]}, {"initial": 0.8, "milestones": [2, 5]}, {"initial": 0.8})
    initial: float = Field(description="initial value", examples=[0.01])
    milestones: EpochTimes | None = Field(
        default=None, description="epochs; null: `milestone_steps`, else a half and three quarters of the run"
    )
    milestone_steps: Times | None = Field(default=None, description="the same in steps")
    factor: float = Field(default=0.1, gt=0, le=1, description="factor of the value at each milestone")
    _one_unit = one_of("milestones", "milestone_steps")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        middle = [math.ceil(total_steps / 2), math.ceil(total_steps * 3 / 4)]
        self.times = _in_steps(self.milestones, self.milestone_steps, steps_per_epoch, total_steps) or middle

    def __call__(self, step: int) -> float:
        return float(self.initial * self.factor ** bisect_right(self.times, step))

    def length(self) -> int:
        return self.times[-1]


class PiecewiseSchedule(Schedule):
    """Several pieces, each from one boundary to the next."""

    model_config = ConfigDict(json_schema_extra=not_both(("boundaries", "boundary_steps")))
    boundaries: EpochTimes | None = Field(
        default=None, description="epochs at which the next piece begins; null: `boundary_steps`, else equal pieces"
    )
    boundary_steps: Times | None = Field(default=None, description="the same in steps")
    _one_unit = one_of("boundaries", "boundary_steps")

    @abstractmethod
    def count(self) -> int:
        """Return the number of pieces."""

    @model_validator(mode="after")
    def _boundaries_are_one_fewer(self) -> Self:
        given = self.boundaries if self.boundaries is not None else self.boundary_steps
        if given is not None and len(given) != self.count() - 1:
            raise ValueError(f"{self.count()} pieces need {self.count() - 1} boundaries, not {len(given)}")
        return self

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        equal = [math.ceil(total_steps * k / self.count()) for k in range(1, self.count())]
        self.times = _in_steps(self.boundaries, self.boundary_steps, steps_per_epoch, total_steps) or equal

    def length(self) -> int | None:
        return self.times[-1] + 1 if self.times else None


class Piecewise(PiecewiseSchedule):
    """A constant value in each piece: `values[i]` from boundary i - 1 up to boundary i."""

    examples = ({"values": [0.3, 0.1], "boundary_steps": [7]}, {"values": [0.3, 0.1, 0.2], "boundaries": [2, 3]})
    values: list[NonNegativeFloat] = Field(min_length=1, description="value of each piece", examples=[[0.1, 0.01]])

    def count(self) -> int:
        return len(self.values)

    def __call__(self, step: int) -> float:
        return self.values[bisect_right(self.times, step)]


class Join(PiecewiseSchedule):
    """One schedule after the other, each for one piece.

    A schedule counts steps from the beginning of its piece, and its "end of the run" is the end of the piece.
    """

    examples = (
        {
            "schedules": [{"type": "linear", "initial": 0.1, "final": 0.3}, {"type": "cosine", "initial": 0.3}],
            "boundary_steps": [17],
        },
    )
    schedules: list[Schedule] = Field(
        min_length=1, description="schedule of each piece", examples=[[{"type": "constant", "value": 0.01}]]
    )

    def count(self) -> int:
        return len(self.schedules)

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        super().bind(steps_per_epoch, total_steps)
        self.starts = [0, *self.times]
        for schedule, start, end in zip(self.schedules, self.starts, [*self.times, total_steps], strict=True):
            schedule.bind(steps_per_epoch, max(end - start, 1))

    def __call__(self, step: int) -> float:
        piece = bisect_right(self.times, step)
        return self.schedules[piece](step - self.starts[piece])

    def length(self) -> int:
        return self.starts[-1] + (self.schedules[-1].length() or 1)


class Warmup(Schedule):
    """A straight line up to the initial value of another schedule, which follows.

    Step k of n steps of warm-up has `from + (v - from) (k + 1) / n`, v the initial value. The other schedule counts
    steps from the end of the warm-up, and epochs without improvement from the beginning. Goyal et al., "Accurate, large
    minibatch SGD", 2017.
    """

    model_config = ConfigDict(json_schema_extra=not_both(("steps", "epochs")))
    examples = (
        {"steps": 12, "schedule": {"type": "step", "initial": 0.3, "every": 2}},
        {"epochs": 2, "from": 0.1, "schedule": {"type": "reduce_on_plateau", "initial": 0.3}},
    )
    steps: Length | None = Field(default=None, description="steps of warm-up; null: `epochs`, else a tenth of the run")
    epochs: Epochs | None = Field(default=None, description="epochs of warm-up")
    from_: NonNegativeFloat = Field(default=0.0, alias="from", description="value before the first step")
    schedule: Schedule = Field(
        description="schedule that follows the warm-up", examples=[{"type": "constant", "value": 0.01}]
    )
    _one_length = one_of("steps", "epochs")

    def bind(self, steps_per_epoch: int, total_steps: int) -> None:
        self.warmup = in_steps(self.epochs, self.steps, steps_per_epoch, total_steps) or math.ceil(total_steps / 10)
        self.schedule.bind(steps_per_epoch, max(total_steps - self.warmup, 1))

    def __call__(self, step: int) -> float:
        if step >= self.warmup:
            return self.schedule(step - self.warmup)
        return self.from_ + (self.schedule(0) - self.from_) * (step + 1) / self.warmup

    def length(self) -> int:
        return self.warmup + (self.schedule.length() or 1)


def _in_steps(
    epochs: list[int] | None, steps: list[int] | None, steps_per_epoch: int, total_steps: int
) -> list[int] | None:
    if epochs is None:
        return steps
    return [in_steps(each, None, steps_per_epoch, total_steps) or 1 for each in epochs]
