"""What is compared: runs, and groups of runs that differ in seeds or folds."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from specnet.functions import format_number
from specnet.report.base import Reported
from specnet.statistics import bootstrap_interval

VARYING = re.compile(r"seed|seeds\..*|split\.(seed|fold)")
"""Places of a spec in which the runs of a group differ."""

_CELL = 300
"""Characters of a value of a spec that a table shows at most."""


class RunSet(NamedTuple):
    """A run, or a group of runs, and what it is called."""

    name: str
    directory: Path
    runs: Sequence[Reported]
    is_group: bool = False


def single(run: Reported) -> RunSet:
    """Return a run as an entry."""
    return RunSet(run.name, run.directory, [run])


def named_apart(entries: Sequence[RunSet]) -> list[RunSet]:
    """Return entries with a name of their own: that of the directory where several have the same, or more of it."""
    names = [entry.name for entry in entries]
    directories = [entry.directory.absolute() for entry in entries]
    folder = os.path.commonpath([directory.parent for directory in directories])
    paths = [directory.relative_to(folder) for directory in directories]
    for others in (
        [directory.name for directory in directories],
        [str(path) for path in paths],
        [f"{path} ({number})" for number, path in enumerate(paths, start=1)],
    ):
        same = Counter(names)
        names = [name if same[name] == 1 else other for name, other in zip(names, others, strict=True)]
    return [entry._replace(name=name) for entry, name in zip(entries, names, strict=True)]


class Measured(NamedTuple):
    """A value of an entry: the mean of its runs' `numbers`, which are finite; `of` is how many runs there are.

    `interval` is that of the mean over seeds, or for a single run that of its test split.
    """

    numbers: list[float]
    of: int
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """The mean, or the number of a single run; not a number without any."""
        return float(np.mean(self.numbers)) if self.numbers else math.nan

    @property
    def sd(self) -> float | None:
        """The standard deviation of several numbers, with n - 1."""
        return float(np.std(self.numbers, ddof=1)) if len(self.numbers) > 1 else None

    def __str__(self) -> str:
        if self.sd is None:
            text = format_number(self.mean, 6)
        else:
            text = f"{rounded_like(self.mean, self.sd)} ± {rounded_like(self.sd, self.sd)}"
        if self.interval:
            low, high = self.interval
            unit = self.sd if self.sd else (high - low) / 4
            text += f" ({rounded_like(low, unit)} to {rounded_like(high, unit)})"
        return text + (f", {len(self.numbers)} of {self.of} runs" if len(self.numbers) < self.of > 1 else "")

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        mean = self.mean if self.numbers else None
        interval = [*self.interval] if self.interval else None
        return {"mean": mean, "sd": self.sd, "interval": interval, "runs": self.of, "numbers": self.numbers}


def rounded_like(number: float, unit: float) -> str:
    """Return a number with as many decimals as show two digits of `unit`, six digits at most.

    >>> rounded_like(0.912345, 0.0123), rounded_like(1234.5, 210.0), rounded_like(3.25, 0.0)
    ('0.912', '1234', '3.25')
    """
    if not (unit > 0 and math.isfinite(number)) or abs(number) >= 1e6:
        return format_number(number, 6)
    decimals = max(0, 1 - math.floor(math.log10(unit)))
    return f"{number:.{decimals}f}" if decimals <= 6 else format_number(number, 6)


def unquoted(value: str | None) -> str:
    """Return the JSON text of a value as one reads it: text without quotes, and a dash for what is missing."""
    if value is None:
        return "–"
    found = json.loads(value)
    return found if isinstance(found, str) else value


def in_cell(value: str | None) -> str:
    """Return the same, without what is too long for a table."""
    text = unquoted(value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"


def measured(found: Sequence[float | None], intervals: Sequence[tuple[float, float] | None]) -> Measured | None:
    """Return the value of an entry from those of its runs; None if none has it."""
    there = [value for value in found if value is not None]
    if not there:
        return None
    numbers = [value for value in there if math.isfinite(value)]
    interval = intervals[0] if len(found) == 1 else bootstrap_interval(numbers) if len(numbers) > 1 else None
    return Measured(numbers, len(found), interval)


def pairing_key(values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return what runs of two groups have in common that belong together: seeds and fold of their specs."""
    return tuple((name, value) for name, value in values.items() if VARYING.fullmatch(name))


def flat_values(document: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a spec by their places; a component's own place has its type, as in `optimizer`."""
    if isinstance(document, dict | list):
        if isinstance(document, dict) and "type" in document:
            yield place, document["type"]
        for key, value in document.items() if isinstance(document, dict) else enumerate(document):
            yield from flat_values(value, f"{place}.{key}" if place else str(key))
    else:
        yield place, document
