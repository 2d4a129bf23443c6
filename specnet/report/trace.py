"""`Trace`: training steps as numbers, to read and to check by hand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from specnet.functions import finite_json
from specnet.training.folding import FoldedArray
from specnet.training.trace import TraceRow

READABLE = 48
"""Numbers of an array that are shown at most to readers; of larger arrays the corners."""
LISTED = 50_000
"""Numbers of a whole trace up to which programs get all."""
LINE_WIDTH = 100
"""Characters of a line at most, unless numbers need more."""


class TraceGroup(NamedTuple):
    """What one component computes in a phase: its formula, if it was not told just before, and its numbers."""

    place: str
    type: str
    formula: str
    numbers: list[tuple[str, FoldedArray]]

    @property
    def title(self) -> str:
        """Place and type."""
        return " ".join(dict.fromkeys([self.place, self.type])).strip()

    def lines(self) -> list[str]:
        """Return the numbers as text, with their names and shapes in front."""
        heads = [f"{name} {numbers.shape}" if numbers.shape else name for name, numbers in self.numbers]
        width = max(map(len, heads))
        return [
            f"{head if not number else '':<{width}}  {line}"
            for head, (_, numbers) in zip(heads, self.numbers, strict=True)
            for number, line in enumerate(str(numbers.folded(READABLE)).split("\n"))
        ]


class Trace:
    """Training steps of a spec as numbers.

    `rows` are in the order of the computation. `trace["layers.0", "dx"]` is an array of the first step,
    `trace["layers.0.weight", "after", 3]` one of the third; with gradient accumulation, that of the last part. Of an
    array with more than 10,000 numbers these are the corners.
    """

    def __init__(self, name: str, about: str, rows: Sequence[TraceRow]) -> None:
        self.name, self.about, self.rows = name, about, rows
        self._found = {(row.place, row.name, row.step): row.numbers.values for row in rows}

    def __getitem__(self, key: tuple[Any, ...]) -> np.ndarray:
        """Return the values of (place, name) or (place, name, step)."""
        return self._found[key if len(key) == 3 else (*key, 1)]

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """Return the trace as notebooks show it."""
        from specnet.report.page import environment

        return environment().get_template("trace.html").render(trace=self)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    @property
    def steps(self) -> Iterator[tuple[int, list[tuple[str, list[TraceGroup]]]]]:
        """Each step with its phases, each with its groups."""
        for step, rows in groupby(self.rows, lambda row: row.step):
            yield step, [(phase, [*_groups(phase, each)]) for phase, each in groupby(rows, lambda row: row.phase)]

    def text(self) -> str:
        """Return the trace as plain text."""
        lines = [self.about]
        for step, phases in self.steps:
            for phase, groups in phases:
                lines += ["", f"step {step}, {phase}"]
                for group in groups:
                    told = f"{group.title}: {group.formula}" if group.formula else group.title
                    lines += textwrap.wrap(told, LINE_WIDTH, initial_indent="  ", subsequent_indent="    ")
                    lines += [f"    {line}" for line in group.lines()]
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the trace as Markdown."""
        lines = [self.about]
        for step, phases in self.steps:
            for phase, groups in phases:
                lines += ["", f"### Step {step}, {phase}"]
                for group in groups:
                    told = f"**{group.title}**" + (f": `{group.formula.replace('`', '')}`" if group.formula else "")
                    lines += ["", told, "", "```text", *group.lines(), "```"]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the trace as a JSON value. `kept` are the positions of folded values along each axis, or null."""
        return {"name": self.name, "rows": [_row_json(row, numbers) for row, numbers in self._listed()]}

    def cells(self) -> Iterator[list[str]]:
        """Yield a row of a table for each number: where it is, its indices, and its value."""
        for row, numbers in self._listed():
            for place, value in np.ndenumerate(numbers.values):
                index = ",".join(str(kept[each]) for kept, each in zip(numbers.kept, place, strict=True))
                yield [str(row.step), row.phase, row.place, row.type, row.name, index, repr(value.item())]

    def _listed(self) -> Iterator[tuple[TraceRow, FoldedArray]]:
        most = max(READABLE, LISTED // max(1, len(self.rows)))
        return ((row, row.numbers.folded(most)) for row in self.rows)


TRACE_COLUMNS = ("step", "phase", "place", "type", "name", "index", "value")
"""Titles of `Trace.cells`."""


def _groups(phase: str, rows: Iterator[TraceRow]) -> Iterator[TraceGroup]:
    told = ""
    for (place, kind, formula), each in groupby(rows, lambda row: (row.place, row.type, row.formula)):
        shown = "" if formula == told or phase in ("settings", "backward") else formula
        yield TraceGroup(place, kind, shown, [(row.name, row.numbers) for row in each])
        told = formula


def _row_json(row: TraceRow, numbers: FoldedArray) -> dict[str, Any]:
    fields = {name: value for name, value in row._asdict().items() if name != "numbers"}
    kept = None if numbers.whole else numbers.kept
    return fields | {"shape": list(numbers.shape), "kept": kept, "values": finite_json(numbers.values.tolist())}
