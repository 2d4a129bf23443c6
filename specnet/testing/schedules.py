"""Checks of schedules: the contract of `specnet.schedules.base.Schedule`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from specnet.schedules.base import Schedule, WatchingSchedule
from specnet.testing.base import Checks, Problems, Setup, nothing
from specnet.testing.comparison import DType, Results, unequal
from specnet.testing.examination import checker, examine_all
from specnet.testing.outcomes import Outcome

_STEPS = (*range(50), *range(50, 450, 10), 1000, 12_345, 10**6, 10**9)
"""Steps at which schedules are evaluated."""
EPOCHS, STEPS_PER_EPOCH = 40, 10


class ScheduleSetup(Setup[Schedule]):
    """A schedule, in a run whose values it watches."""

    checks: ScheduleChecks

    def __init__(self, checks: ScheduleChecks) -> None:
        super().__init__(checks, checks.begun())
        self.epochs = 0

    def step(self, rows: np.ndarray | None = None, between: Callable[[], object] = nothing) -> Results:
        return {"values": values(self.component)}

    def other(self) -> None:
        """Evaluate steps in another order."""
        for step in reversed(_STEPS):
            self.component(step)

    def proceed(self) -> Results:
        """Return values after the next epoch."""
        self.component.look(self.checks.history[self.epochs])
        self.epochs += 1
        return {"values": values(self.component, _STEPS[::8])}

    def save(self) -> dict[str, Any]:
        return {"schedule": self.component.save(), "epochs": self.epochs}

    def restore(self, saved: dict[str, Any]) -> None:
        self.component.restore(saved["schedule"])
        self.epochs = saved["epochs"]


@dataclass(frozen=True)
class ScheduleChecks(Checks[Schedule]):
    """A schedule, in a run whose values fall, stay and rise."""

    without = ("arguments_are_left_alone",)
    saved_after = (0, 1, 2, 3, 5, 8, 13, 21, 34)
    until = EPOCHS

    def setup(self, dtype: DType = "float64", rows: int = 0, **fields: Any) -> ScheduleSetup:
        return ScheduleSetup(self)

    def begun(self) -> Schedule:
        """Return an unused schedule, bound to the run."""
        schedule = self.fresh()
        schedule.bind(STEPS_PER_EPOCH, STEPS_PER_EPOCH * EPOCHS)
        if isinstance(schedule, WatchingSchedule):
            schedule.begin(schedule.mode or "min")
        return schedule

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """The values that a schedule may watch, one line for each epoch."""
        rng, names = np.random.default_rng(0), {"train/loss", "validation/loss"}
        if isinstance(self.component, WatchingSchedule):
            names.add(self.component.monitor)
        watched = [abs(math.cos(epoch / 9)) + 0.05 * rng.random() for epoch in range(EPOCHS)]
        return [
            {"epoch": epoch, "step": STEPS_PER_EPOCH * epoch, **dict.fromkeys(names, value)}
            for epoch, value in enumerate(watched, start=1)
        ]

    def values_are_finite_and_not_negative(self) -> Problems:
        """Values are floats, at the first step and after any number of them."""
        schedule, steps = self.begun(), _STEPS
        for line in [None, *self.history]:
            if line:
                schedule.look(line)
                steps = _STEPS[::20]
            for step in steps:
                value = schedule(step)
                if not isinstance(value, float) or not math.isfinite(value) or value < 0:
                    yield f"after {step} steps the value is {value!r}"

    def its_length_is_a_number_of_steps(self) -> Problems:
        """`length` returns a positive whole number or None."""
        length = self.begun().length()
        if length is not None and (not isinstance(length, int) or length < 1):
            yield f"length returns {length!r}"

    def the_last_binding_counts(self) -> Problems:
        """A run that is resumed with more epochs binds again, and the earlier end does not matter."""
        schedule = self.begun()
        schedule.bind(3, 6)
        schedule.bind(STEPS_PER_EPOCH, STEPS_PER_EPOCH * EPOCHS)
        if text := unequal(values(schedule), values(self.begun()), 0.0):
            yield f"after an earlier binding values are {text}"


def values(schedule: Schedule, steps: tuple[int, ...] = _STEPS) -> np.ndarray:
    """Return a schedule's values after numbers of steps."""
    return np.array([schedule(step) for step in steps])


@checker("schedules")
def check_schedule(schedule: Schedule) -> Iterator[Outcome]:
    """Check a schedule."""
    yield from examine_all([ScheduleChecks(schedule, "")])
