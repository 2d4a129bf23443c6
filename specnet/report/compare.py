"""Runs side by side: what came out of each, and what their specs say differently."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from pydantic import BaseModel

from specnet import registry
from specnet.component import Component
from specnet.errors import Pointer, show_pointer
from specnet.recording.curves import SPLITS
from specnet.report.base import Reported
from specnet.report.results import scores
from specnet.report.view import Part, attempt, facts
from specnet.spec.model import Spec
from specnet.spec.shortest import shortest

IGNORED_FIELDS = ("name", "description")
"""Fields of a spec that are not compared."""
IGNORED_FACTS = ("started", "seed")
"""Facts that are not results."""
ABSENT = object()
"""Item of a list that is shorter than another."""


class Row(NamedTuple):
    """A row of a table: its name and a value of each run, None where there is none; `best` are numbers of runs."""

    name: str
    values: list[str | None]
    best: frozenset[int] = frozenset()


class Comparison(NamedTuple):
    """Runs side by side: what each is called, its results, where specs differ, and why results are missing."""

    names: list[str]
    results: list[Row]
    specs: list[Row]
    notes: list[str]


def compare(runs: Sequence[Reported]) -> Comparison:
    """Return the comparison of runs."""
    names = name_runs(runs)
    measured = [measure(run) for run in runs]
    return Comparison(
        names,
        [*fact_rows(runs), *score_rows(runs, [part.value or {} for part in measured])],
        [row for row in differences([run.spec for run in runs]) if row.name not in IGNORED_FIELDS],
        [f"{name}: {part.reason}" for name, part in zip(names, measured, strict=True) if part.reason],
    )


def name_runs(runs: Sequence[Reported]) -> list[str]:
    """Return what each run is called: its name, its directory's where several have the same, or as much as it takes."""
    names = [run.name for run in runs]
    directories = [run.directory.absolute() for run in runs]
    for others in (
        [directory.name for directory in directories],
        [str(directory) for directory in directories],
        [f"{directory} ({number})" for number, directory in enumerate(directories, start=1)],
    ):
        same = Counter(names)
        names = [name if same[name] == 1 else other for name, other in zip(names, others, strict=True)]
    return names


def measure(run: Reported) -> Part:
    """Return loss and metrics of each split of a run, or why there are none."""
    return attempt(lambda: scores(run))


def fact_rows(runs: Sequence[Reported]) -> Iterator[Row]:
    """Yield how each run went; none is the best of them."""
    found = [dict(facts(run)) for run in runs]
    for name in dict.fromkeys(name for each in found for name in each if name not in IGNORED_FACTS):
        yield Row(name, [each.get(name) for each in found])


def score_rows(runs: Sequence[Reported], measured: Sequence[dict[str, dict[str, float]]]) -> Iterator[Row]:
    """Yield loss and metrics of each split, with the parameters of the best checkpoints."""
    for split in SPLITS:
        found = [each.get(split, {}) for each in measured]
        for name in dict.fromkeys(name for each in found for name in each):
            values = [each.get(name) for each in found]
            texts = [None if value is None else f"{value:.6g}" for value in values]
            yield Row(f"{split}/{name}", texts, best([run.spec for run in runs], name, texts))


def best(specs: Sequence[Spec], name: str, texts: Sequence[str | None]) -> frozenset[int]:
    """Return which runs have the best loss or metric; none where all have the same, or each something else.

    The values count as they are shown: what looks equal is equal.
    """
    known = {number: float(text) for number, text in enumerate(texts) if text is not None and text != "nan"}
    rules = [dependencies(specs[number], name) for number in known]
    if len(set(known.values())) < 2 or any(rule != rules[0] for rule in rules):
        return frozenset()
    higher = name != "loss" and all(rule.higher_is_better for rule in rules[0])
    top = max(known.values()) if higher else min(known.values())
    return frozenset(number for number, value in known.items() if value == top)


def dependencies(spec: Spec, name: str) -> list[Component]:
    """Return the components that a loss or metric depends on: only where these are equal can it be compared."""
    if name == "loss":
        return [spec.loss, *spec.transforms.targets]
    return [metric for metric in spec.metrics if registry.name_of("metrics", type(metric)) == name]


def differences(values: Sequence[Any], place: Pointer = ()) -> Iterator[Row]:
    """Yield each place where validated values differ, with what each says there.

    Components of the same type differ in their fields, others as a whole; so do lists item by item.
    """
    first = values[0]
    if isinstance(first, BaseModel) and all(type(value) is type(first) for value in values):
        for name, field in type(first).model_fields.items():
            if not field.exclude:
                yield from differences([getattr(value, name) for value in values], (*place, field.alias or name))
    elif all(isinstance(value, list | tuple) for value in values):
        for number, items in enumerate(zip_longest(*values, fillvalue=ABSENT)):
            yield from differences(items, (*place, number))
    else:
        texts = [None if value is ABSENT else json.dumps(shortest(value), ensure_ascii=False) for value in values]
        if len(set(texts)) > 1:
            yield Row(show_pointer(place), texts)
