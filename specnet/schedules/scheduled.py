"""Fields that vary with time: found in components, set before each step, named in the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from specnet.component import Component, Section, fresh_copy
from specnet.errors import SpecnetError
from specnet.faults import guarded
from specnet.functions import evenly_spaced
from specnet.parts import parts
from specnet.schedules.base import Schedule, WatchingSchedule, scheduled
from specnet.words import Pointer

CHECKED = 200
"""Steps of a run at most whose values are checked."""
_PEAKS = ("initial", "maximum", "value")
"""Fields of schedules that may be the largest value."""


@dataclass(frozen=True)
class ScheduledField:
    """A field of a component with a schedule or a list with schedules, by their place in the spec."""

    component: Section
    name: str
    value: Any
    schedules: dict[Pointer, Schedule]

    def check(self, total_steps: int, unit: str = "step") -> None:
        """Check some values of a run of this length, if the field is a number; `unit` is what steps are called.

        Raises:
            SpecnetError: if one is out of the field's range.
        """
        field = type(self.component).model_fields[self.name]
        known = [*field.metadata, *(one for each in get_args(field.annotation) for one in get_args(each)[1:])]
        ranges = [each for each in known if isinstance(each, scheduled)]
        if not ranges or not isinstance(self.value, Schedule):
            return
        for step in evenly_spaced(total_steps, CHECKED).tolist():
            value = self.value(step)
            if bound := ranges[0].broken(value):
                message = f"{self.name} should be {bound}, but the schedule returns {value:.4g} in {unit} {step + 1}"
                error = SpecnetError(message, pointer=next(iter(self.schedules)), code="out-of-range")
                error.complete = True
                raise error


def find_scheduled(component: Section, place: Pointer) -> Iterator[ScheduledField]:
    """Yield every scheduled field of a component, or a section of one, and of those inside it.

    Layers inside a layer are left out: the network trains copies of them, under their own names.
    """
    for name, field in type(component).model_fields.items():
        value = getattr(component, name)
        inside = dict(_components(value, (*place, field.alias or name)))
        if schedules := {where: inner for where, inner in inside.items() if isinstance(inner, Schedule)}:
            yield ScheduledField(component, name, value, schedules)
        for where, inner in inside.items():
            layers = [getattr(each, "group", "") == "layers" for each in (component, inner)]
            if not isinstance(inner, Schedule) and not all(layers):
                yield from find_scheduled(inner, where)


class ScheduledFields:
    """All scheduled fields of the components of a run.

    Components are given by place: "optimizer", "loss", "layers.0". After `set` their fields are numbers; the spec
    still has the schedules. `schedules` are those of the fields, `watching` those that watch a value, also where they
    are inside another. `others` are further fields, such as those of a network's layers.
    """

    def __init__(self, components: Mapping[str, Section], others: Sequence[ScheduledField] = ()) -> None:
        self.fields = [
            field for place, component in components.items() for field in find_scheduled(component, pointer_of(place))
        ] + [*others]
        self.schedules = {
            ".".join(map(str, place)): schedule for field in self.fields for place, schedule in field.schedules.items()
        }
        self.watching = {
            ".".join(map(str, where)): part
            for place, schedule in self.schedules.items()
            for where, part in parts(schedule, pointer_of(place))
            if isinstance(part, WatchingSchedule)
        }
        self.constants: dict[str, float] = {}
        rate = getattr(components.get("optimizer"), "learning_rate", None)
        if isinstance(rate, (int, float)):
            self.constants["optimizer.learning_rate"] = rate

    def bind(self, steps_per_epoch: int, total_steps: int, unit: str = "step") -> None:
        """Prepare all schedules for a run of this length; `unit` is what steps are called.

        Raises:
            SpecnetError: naming a schedule that leaves the range of its field.
        """
        for place, schedule in self.schedules.items():
            with guarded(schedule, pointer_of(place), "bind"):
                schedule.bind(steps_per_epoch, total_steps)
        for field in self.fields:
            field.check(total_steps, unit)

    def set(self, step: int) -> None:
        """Set each field to its number for the step after `step` steps."""
        for field in self.fields:
            setattr(field.component, field.name, _numbers(field.value, step))

    def values(self, step: int) -> dict[str, float]:
        """Return the values of scheduled fields for the step after `step` steps, and the optimizer's learning rate."""
        return self.constants | {place: schedule(step) for place, schedule in self.schedules.items()}


def rates_by_step(component: Component, steps: int, total: int) -> dict[str, np.ndarray]:
    """Return the values (total,) of a component's fields with schedules, none of which watches a value."""
    copied = fresh_copy(component)
    fields = ScheduledFields({"optimizer": copied})
    fields.bind(steps, total)
    found: dict[str, list[Any]] = {each.name: [] for each in fields.fields}
    for step in range(total if found else 0):
        fields.set(step)
        for name, values in found.items():
            values.append(getattr(copied, name))
    return {name: np.array(values) for name, values in found.items()}


def find_peak(schedule: Schedule, place: Pointer) -> tuple[Pointer, float] | None:
    """Return the field that is the largest value of a schedule, by its place in the spec; None if no field is.

    That of a `warmup` is in the schedule that follows.
    """
    if isinstance(inner := getattr(schedule, "schedule", None), Schedule):
        return find_peak(inner, (*place, "schedule"))
    name = next((name for name in _PEAKS if hasattr(schedule, name)), None)
    if name is None or (peak := getattr(schedule, name)) < getattr(schedule, "final", peak):
        return None
    return (*place, name), peak


def _components(value: Any, place: Pointer) -> Iterator[tuple[Pointer, Section]]:
    """Yield the components and sections that a field's value is or lists."""
    if isinstance(value, Section):
        yield place, value
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _components(item, (*place, number))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _components(item, (*place, key))


def _numbers(value: Any, step: int) -> Any:
    """Return a field's value with schedules replaced by numbers."""
    if isinstance(value, Schedule):
        return value(step)
    if isinstance(value, (list, tuple)):
        return type(value)(_numbers(item, step) for item in value)
    if isinstance(value, Mapping):
        return {key: _numbers(item, step) for key, item in value.items()}
    return value


def pointer_of(place: str) -> Pointer:
    """Return a place as a pointer: `layers.0.rate` is ("layers", 0, "rate")."""
    return tuple(int(part) if part.isdecimal() else part for part in place.split("."))
