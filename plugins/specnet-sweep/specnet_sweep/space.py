"""`Space`: the points that a sweep can try, with conditions; how many there are, and which is the n-th."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

from specnet_sweep.settings import Searched, exact

Point = dict[str, Any]
"""Values by path, in the order of the sweep file; those whose condition does not hold are missing."""
MISSING = object()


def place_of(path: str) -> tuple[str, ...]:
    """Return the parts of a path."""
    return tuple(re.findall(r"[^.\[\]]+", path))


def find_value(value: Any, place: Sequence[str]) -> Any:
    """Return the value at a place inside another, `MISSING` if it does not exist; a component may be just its name."""
    for part in place:
        if isinstance(value, str):
            value = {"type": value}
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


def matches(found: Any, expected: Any) -> bool:
    """Return whether a value is the expected one; the name of a type stands for any component of it."""
    if isinstance(expected, str) and isinstance(found, dict):
        found = found.get("type")
    return bool(found == expected)


class Parameter:
    """A value of the spec that is searched; `whole` if only whole numbers are."""

    def __init__(self, path: str, about: Searched, whole: bool = False) -> None:
        self.path, self.about, self.whole = path, about, whole
        self.place = place_of(path)
        self.conditions = {
            path: values if isinstance(values, list) else [values] for path, values in about.when.items()
        }

    @cached_property
    def size(self) -> int | None:
        """The number of values; None if it is not finite."""
        if self.about.choices is not None:
            return len(self.about.choices)
        assert self.about.low is not None and self.about.high is not None
        if self.about.low == self.about.high:
            return 1
        if self._step is None:
            return None
        return int((exact(self.about.high) - exact(self.about.low)) / self._step) + 1

    @cached_property
    def _step(self) -> Fraction | None:
        step = self.about.step or (1 if self.whole else None)
        return None if step is None else exact(step)

    def value(self, number: int) -> Any:
        """Return the value with a number from 0."""
        if self.about.choices is not None:
            return self.about.choices[number]
        assert self.about.low is not None
        found = exact(self.about.low) + number * (self._step or 0)
        return int(found) if self.whole else float(found)

    def position(self, value: Any) -> int | None:
        """Return the number of a value of a finite range; None if the range does not have it."""
        if type(value) not in (int, float) or self.about.low is None or self.size is None:
            return None
        steps = (exact(value) - exact(self.about.low)) / (self._step or 1)
        return int(steps) if steps.denominator == 1 and 0 <= steps < self.size else None

    def nearest(self, drawn: float) -> Any:
        """Return the value of the range that is closest to a number: sums of steps are not exact."""
        if self.size == 1:
            return self.value(0)
        if self._step is None:
            return float(drawn)
        return self.value(round((Fraction(drawn) - exact(self.about.low or 0)) / self._step))


class Space:
    """Parameters in the order of the sweep file; `base` is the resolved spec, for conditions."""

    def __init__(self, parameters: Sequence[Parameter], base: Mapping[str, Any]) -> None:
        self.parameters, self.base = parameters, base
        self._counts: dict[tuple[tuple[int, ...], str], int | None] = {}

    def decider(self, place: Sequence[str], before: Parameter) -> Parameter | None:
        """Return the parameter that sets the value at a place: the last one before another."""
        earlier = self.parameters[: self.parameters.index(before)]
        return next((each for each in reversed(earlier) if tuple(place[: len(each.place)]) == each.place), None)

    def is_active(self, parameter: Parameter, point: Point) -> bool:
        """Return whether the conditions of a parameter hold, as the values before it are in a point."""
        return all(
            any(matches(self._found(path, parameter, point), value) for value in values)
            for path, values in parameter.conditions.items()
        )

    def _found(self, path: str, parameter: Parameter, point: Point) -> Any:
        place = place_of(path)
        decider = self.decider(place, parameter)
        if decider is None or decider.path not in point:
            return find_value(self.base, place)
        return find_value(point[decider.path], place[len(decider.place) :])

    @cached_property
    def _deciding(self) -> dict[str, list[tuple[int, list[Any]]]]:
        """By paths of parameters: the numbers of those whose conditions depend on them, and the values these name."""
        found: dict[str, list[tuple[int, list[Any]]]] = {}
        for number, each in enumerate(self.parameters):
            for path, values in each.conditions.items():
                if decider := self.decider(place_of(path), each):
                    found.setdefault(decider.path, []).append((number, values))
        return found

    def _runs(self, parameter: Parameter) -> list[tuple[int, int]]:
        """Return a parameter's values as runs (first number, length) of those that no condition tells apart."""
        size, named = parameter.size or 0, set[int]()
        for _, values in self._deciding.get(parameter.path, []):
            if parameter.about.choices is not None:
                named.update(range(size))
            named.update(number for value in values if (number := parameter.position(value)) is not None)
        ends = sorted({0, size, *named, *(number + 1 for number in named)})
        return [(first, end - first) for first, end in pairwise(ends)]

    @cached_property
    def _parts(self) -> list[set[int]]:
        """Numbers of parameters, divided so that conditions connect only those of one part."""
        parts: list[set[int]] = []
        for number, each in enumerate(self.parameters):
            deciders = {self.decider(place_of(path), each) for path in each.conditions} - {None}
            joined = [part for part in parts if any(self.parameters[other] in deciders for other in part)]
            parts = [*(part for part in parts if part not in joined), {number}.union(*joined)]
        return parts

    def count(self, point: Point | None = None, first: int = 0) -> int | None:
        """Return the number of points, None if it is not finite: those that begin with the values before `first`."""
        total = 1
        for part in self._parts:
            found = self._count(point or {}, tuple(sorted(number for number in part if number >= first)))
            if found is None:
                return None
            total *= found
        return total

    def _count(self, point: Point, numbers: tuple[int, ...]) -> int | None:
        """Return the number of ways to go on with these parameters, the last ones of a part."""
        if not numbers:
            return 1
        later = {path for path, decided in self._deciding.items() if any(number in numbers for number, _ in decided)}
        key = numbers, json.dumps({path: value for path, value in point.items() if path in later})
        if key not in self._counts:
            self._counts[key] = self._total(point, numbers)
        return self._counts[key]

    def _total(self, point: Point, numbers: tuple[int, ...]) -> int | None:
        parameter, total = self.parameters[numbers[0]], 0
        if not self.is_active(parameter, point):
            return self._count(point, numbers[1:])
        if parameter.size is None:
            return None
        for number, length in self._runs(parameter):
            below = self._count({**point, parameter.path: parameter.value(number)}, numbers[1:])
            if below is None:
                return None
            total += length * below
        return total

    def point(self, number: int) -> Point:
        """Return the point with a number from 0; the last parameter changes fastest."""
        point: Point = {}
        for first, parameter in enumerate(self.parameters):
            if not self.is_active(parameter, point):
                continue
            for start, length in self._runs(parameter):
                below = self.count({**point, parameter.path: parameter.value(start)}, first + 1) or 0
                if number < length * below:
                    chosen, number = divmod(number, below)
                    point[parameter.path] = parameter.value(start + chosen)
                    break
                number -= length * below
        return point


def show_count(count: int) -> str:
    """Return a number of points as text."""
    return f"{count:,}" if count < 10**18 else f"about 10^{math.log10(count):.0f}"


def overrides_of(point: Point) -> list[str]:
    """Return a point as overrides of the spec."""
    return [f"{path}={json.dumps(value)}" for path, value in point.items()]
