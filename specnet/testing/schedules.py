"""Checks of schedules: the contract of `specnet.schedules.base.Schedule`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.schedules.base import Schedule, WatchingSchedule
from specnet.testing.core import Problems, Situation, checker, examine_situations
from specnet.testing.outcome import Outcome

_STEPS = (*range(200), 1000, 12_345, 10**6, 10**9)
"""Steps at which schedules are evaluated."""
EPOCHS, STEPS_PER_EPOCH = 40, 10


@dataclass(frozen=True)
class ScheduleChecks(Situation[Schedule]):
    """A schedule, in a run whose values fall, stay and rise."""

    first = 2

    def begun(self) -> Schedule:
        """Return an unused schedule, bound to the run."""
        schedule = self.fresh()
        schedule.bind(STEPS_PER_EPOCH, STEPS_PER_EPOCH * EPOCHS)
        if isinstance(schedule, WatchingSchedule):
            schedule.begin(schedule.mode or "min")
        return schedule

    def history(self) -> Iterator[dict[str, Any]]:
        """Yield the values that a schedule may watch, one line for each epoch."""
        rng = np.random.default_rng(0)
        names = {"train/loss", "validation/loss"}
        if isinstance(self.component, WatchingSchedule):
            names.add(self.component.monitor)
        for epoch in range(EPOCHS):
            value = abs(math.cos(epoch / 9)) + 0.05 * rng.random()
            yield {"epoch": epoch + 1, "step": STEPS_PER_EPOCH * (epoch + 1), **dict.fromkeys(names, value)}

    def values_are_finite_and_not_negative(self) -> Problems:
        """Values are floats, at the first step and after any number of them."""
        schedule, steps = self.begun(), _STEPS
        for line in [None, *self.history()]:
            if line:
                schedule.look(line)
                steps = _STEPS[::50]
            for step in steps:
                value = schedule(step)
                if not isinstance(value, float) or not math.isfinite(value) or value < 0:
                    yield f"after {step} steps the value is {value!r}"

    def a_value_depends_on_the_step_alone(self) -> Problems:
        """Steps may be evaluated repeatedly, and in any order."""
        schedule = self.begun()
        first = values(schedule)
        yield from _others(first, values(schedule), "when it is evaluated again")
        backwards = {step: schedule(step) for step in _STEPS[::-1]}
        yield from _others(first, backwards, "when it is evaluated in another order")
        yield from _others(first, values(self.begun()), "for another instance")

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
        yield from _others(values(self.begun()), values(schedule), "after an earlier binding")

    def it_resumes_from_its_saved_state(self) -> Problems:
        """Saved as JSON after any epoch and restored, a schedule has the same values as without the interruption."""
        history, steps = [*self.history()], _STEPS[::20]
        schedule, expected, saved = self.begun(), [], []
        for line in history:
            saved.append(json.dumps(schedule.save(), allow_nan=False))
            schedule.look(line)
            expected.append(values(schedule, steps))
        for epoch, text in enumerate(saved):
            resumed = self.begun()
            resumed.restore(json.loads(text))
            if (again := json.dumps(resumed.save())) != text:
                yield f"restored after epoch {epoch}, it saves {again} instead of {text}"
            for number in range(epoch, EPOCHS):
                resumed.look(history[number])
                when = f"in epoch {number + 1} if it is resumed after epoch {epoch}"
                yield from _others(expected[number], values(resumed, steps), when)

    def a_saved_state_does_not_change(self) -> Problems:
        """Later epochs do not change what `save` has returned."""
        schedule, saved = self.begun(), []
        for line in self.history():
            saved.append((state := schedule.save(), json.dumps(state)))
            schedule.look(line)
        for epoch, (state, text) in enumerate(saved):
            if (now := json.dumps(state)) != text:
                yield f"the state saved after epoch {epoch} was {text} and is {now}"
        yield from self.changed_fields(schedule)


def values(schedule: Schedule, steps: tuple[int, ...] = _STEPS) -> dict[int, float]:
    """Return a schedule's values, by the number of steps."""
    return {step: schedule(step) for step in steps}


def _others(expected: dict[int, float], found: dict[int, float], when: str) -> Iterator[str]:
    for step, value in expected.items():
        if found[step] != value:
            yield f"after {step} steps the value is {value:.6g}, and {found[step]:.6g} {when}"


@checker("schedules")
def check_schedule(schedule: Schedule) -> Iterator[Outcome]:
    """Check a schedule."""
    yield from examine_situations([ScheduleChecks(schedule, "")])
