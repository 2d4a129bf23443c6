"""Checks of schedules: what `specnet.schedules.base.Schedule` promises of every one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.schedules.base import Schedule, WatchingSchedule
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full

STEPS = (*range(200), 1000, 12_345, 10**6, 10**9)
"""Numbers of steps that values are asked for."""
EPOCHS = 40
"""Epochs of a history that is looked at."""
STEPS_PER_EPOCH = 10


def check_schedule(schedule: Schedule | str | dict[str, object]) -> None:
    """Check that a schedule keeps its contract.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("schedules", schedule, examine_schedule)


@dataclass(frozen=True)
class ScheduleSubject:
    """A schedule, and the history that it looks at."""

    component: Schedule
    situation: str = ""

    def fresh(self) -> Schedule:
        """Return a schedule for a run of 40 epochs that has looked at nothing yet."""
        schedule = self.component.model_copy(deep=True)
        schedule.bind(STEPS_PER_EPOCH, STEPS_PER_EPOCH * EPOCHS)
        if isinstance(schedule, WatchingSchedule):
            schedule.begin(schedule.mode or "min")
        return schedule

    def history(self) -> list[dict[str, Any]]:
        """Return lines of a history: values that fall, stay and rise."""
        rng = np.random.default_rng(0)
        values = np.abs(np.cos(np.arange(EPOCHS) / 9)) + 0.05 * rng.random(EPOCHS)
        names = {"train/loss", "validation/loss"}
        if isinstance(self.component, WatchingSchedule):
            names.add(self.component.monitor)
        return [
            {"epoch": epoch, "step": STEPS_PER_EPOCH * epoch, **dict.fromkeys(names, float(value))}
            for epoch, value in enumerate(values, 1)
        ]


def values(schedule: Schedule, steps: Sequence[int] = STEPS) -> list[float]:
    """Return a schedule's values."""
    return [schedule(step) for step in steps]


def examine_schedule(schedule: Schedule) -> Iterator[Outcome]:
    """Give the outcome of each check of a schedule."""
    yield from outcomes(FIRST, CHECKS, [ScheduleSubject(schedule)])


def values_are_finite_and_not_negative(subject: ScheduleSubject) -> Problems:
    """A value is a float, from the first step to any number of them."""
    schedule = subject.fresh()
    for line in [{}, *subject.history()]:
        if line:
            schedule.look(line)
        for step in STEPS if not line else STEPS[::50]:
            value = schedule(step)
            if not isinstance(value, float) or not math.isfinite(value) or value < 0:
                yield f"after {step} steps the value is {value!r}"
                return


def a_value_depends_on_the_step_alone(subject: ScheduleSubject) -> Problems:
    """Asking changes nothing: steps may be asked for in any order, and again."""
    schedule = subject.fresh()
    first = values(schedule)
    for what, found in {
        "when it is asked again": values(schedule),
        "when it is asked in another order": values(schedule, STEPS[::-1])[::-1],
        "when another one is asked": values(subject.fresh()),
    }.items():
        for step, before, after in zip(STEPS, first, found, strict=True):
            if before != after:
                yield f"after {step} steps the value is {before:.6g}, and {after:.6g} {what}"
                return


def its_length_is_a_number_of_steps(subject: ScheduleSubject) -> Problems:
    """It is a whole number, or None."""
    length = subject.fresh().length()
    if length is not None and (not isinstance(length, int) or length < 1):
        yield f"length returns {length!r}"


def the_last_binding_counts(subject: ScheduleSubject) -> Problems:
    """A run that is resumed with more epochs binds anew: nothing is left of the end that it had."""
    schedule = subject.fresh()
    schedule.bind(3, 6)
    schedule.bind(STEPS_PER_EPOCH, STEPS_PER_EPOCH * EPOCHS)
    for step, found, expected in zip(STEPS, values(schedule), values(subject.fresh()), strict=True):
        if found != expected:
            yield f"after {step} steps the value is {found:.6g} after an earlier binding, else {expected:.6g}"
            return


def it_goes_on_from_its_saved_state(subject: ScheduleSubject) -> Problems:
    """Stopped after any epoch, saved as JSON and restored, it has the values that it has without a stop."""
    history, steps = subject.history(), STEPS[::20]
    schedule, expected, saved = subject.fresh(), [], []
    for line in history:
        saved.append(json.dumps(schedule.save(), allow_nan=False))
        schedule.look(line)
        expected.append(values(schedule, steps))
    for epoch in range(len(history)):
        resumed = subject.fresh()
        resumed.restore(json.loads(saved[epoch]))
        if (again := json.dumps(resumed.save())) != saved[epoch]:
            yield f"restored after epoch {epoch}, it saves {again}, and had saved {saved[epoch]}"
            return
        for number in range(epoch, len(history)):
            resumed.look(history[number])
            if (found := values(resumed, steps)) != expected[number]:
                place = next(
                    i for i, pair in enumerate(zip(found, expected[number], strict=True)) if pair[0] != pair[1]
                )
                told = f"{found[place]:.6g} if it is resumed after epoch {epoch}, else {expected[number][place]:.6g}"
                yield f"in epoch {number + 1}, after {steps[place]} steps, the value is {told}"
                return


def a_saved_state_does_not_change(subject: ScheduleSubject) -> Problems:
    """What `save` has returned is not touched by what comes after."""
    schedule = subject.fresh()
    states, texts = [], []
    for line in subject.history():
        states.append(schedule.save())
        texts.append(json.dumps(states[-1]))
        schedule.look(line)
    for epoch, (state, text) in enumerate(zip(states, texts, strict=True)):
        if (now := json.dumps(state)) != text:
            yield f"the state saved after epoch {epoch} was {text} and is {now}"
            return
    yield from changed_fields(subject.component, schedule)


FIRST: tuple[Check[ScheduleSubject], ...] = (
    values_are_finite_and_not_negative,
    a_value_depends_on_the_step_alone,
)
CHECKS: tuple[Check[ScheduleSubject], ...] = (
    its_length_is_a_number_of_steps,
    the_last_binding_counts,
    it_goes_on_from_its_saved_state,
    a_saved_state_does_not_change,
    its_JSON_describes_it_in_full,
)
