"""Runs side by side: what came out of each, and what their specs say differently."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from specnet.component import Component
from specnet.functions import format_number
from specnet.report.base import Reported
from specnet.report.paths import relative_paths
from specnet.report.results import scores
from specnet.report.series import FEW, metrics_of
from specnet.report.view import Part, facts, make_part
from specnet.spec.model import Spec
from specnet.spec.plan import SPLITS
from specnet.spec.shortest import shortest
from specnet.words import Pointer, show_pointer

IGNORED_FIELDS = ("name", "description")
"""Fields of a spec that are not compared."""
IGNORED_FACTS = ("started", "seed")
"""Facts that are not results."""
ABSENT = object()
"""Item of a list that is shorter than another."""

DIFFERENT_SAMPLES = (
    "the runs were trained or measured on different samples, so no result is marked as the best; "
    'where data come from a file, the same "split.seed" divides them alike for every seed'
)


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

    @property
    def shared(self) -> str:
        """What came out the same for all of many runs, in words; `varied` are the other results."""
        return ", ".join(f"{row.name} {row.values[0]}" for row in self.results if row not in self.varied)

    @property
    def varied(self) -> list[Row]:
        """The results of a few runs, or those that differ among many."""
        return [row for row in self.results if len(self.names) <= FEW or len(set(row.values)) > 1]


def compare(runs: Sequence[Reported]) -> Comparison:
    """Return the comparison of runs."""
    names = name_runs(runs)
    measured = [measure(run) for run in runs]
    results = [*score_rows(runs, [part.value or {} for part in measured])]
    notes = [f"{name}: {part.reason}" for name, part in zip(names, measured, strict=True) if part.reason]
    if len({run.manifest["data"]["sha256"] for run in runs}) > 1:  # also where the seed has drawn another split
        results = [row._replace(best=frozenset()) for row in results]
        notes.append(DIFFERENT_SAMPLES)
    return Comparison(
        names,
        [*fact_rows(runs), *results],
        [
            Row(row.name, [value and mailed(value, run) for value, run in zip(row.values, runs, strict=True)])
            for row in differing_rows([run.spec for run in runs])
            if row.name not in IGNORED_FIELDS
        ],
        notes,
    )


def name_runs(runs: Sequence[Reported]) -> list[str]:
    """Return what each run is called: its name, its directory's where several have the same, or as much as it takes."""
    names = [run.name for run in runs]
    directories = [run.directory.absolute() for run in runs]
    folder = os.path.commonpath([directory.parent for directory in directories])
    paths = [directory.relative_to(folder) for directory in directories]
    for others in (
        [directory.name for directory in directories],
        [str(path) for path in paths],
        [f"{path} ({number})" for number, path in enumerate(paths, start=1)],
    ):
        same = Counter(names)
        names = [name if same[name] == 1 else other for name, other in zip(names, others, strict=True)]
    return names


def mailed(value: str, run: Reported) -> str:
    """Return JSON whose absolute paths are relative to the run."""
    return json.dumps(relative_paths(json.loads(value), run.directory), ensure_ascii=False)


def measure(run: Reported) -> Part:
    """Return loss and metrics of each split of a run, or why there are none."""
    return make_part(run, lambda: scores(run))


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
            texts = [None if value is None else format_number(value, 6) for value in values]
            yield Row(f"{split}/{name}", texts, best([run.spec for run in runs], name, texts))


def best(specs: Sequence[Spec], name: str, texts: Sequence[str | None]) -> frozenset[int]:
    """Return which runs have the best loss or metric; none where all have the same, or each something else.

    The values count as they are shown: what looks equal is equal.
    """
    known = {
        number: float(text.replace(",", "")) for number, text in enumerate(texts) if text is not None and text != "nan"
    }
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
    return [*metrics_of(spec, name)]


def differing_rows(values: Sequence[Any], place: Pointer = ()) -> Iterator[Row]:
    """Yield each place where validated values differ, with what each says there.

    Components of the same type differ in their fields, others as a whole. Items of lists are aligned by their types, so
    that an inserted layer is one difference; a place `layers.2/3` is item 2 of some values and item 3 of others.
    """
    first = values[0]
    if isinstance(first, BaseModel) and all(type(value) is type(first) for value in values):
        for name, field in type(first).model_fields.items():
            if not field.exclude:
                yield from differing_rows([getattr(value, name) for value in values], (*place, field.alias or name))
    elif all(isinstance(value, list | tuple) for value in values):
        for places in align(values):
            items = [each[places[run]] if run in places else ABSENT for run, each in enumerate(values)]
            yield from differing_rows(items, (*place, "/".join(map(str, sorted({*places.values()})))))
    else:
        texts = [None if value is ABSENT else json.dumps(shortest(value), ensure_ascii=False) for value in values]
        if len(set(texts)) > 1:
            yield Row(show_pointer(place), texts)


def align(lists: Sequence[Sequence[Any]]) -> list[dict[int, int]]:
    """Return which items of lists belong together: for each group its place in every list that has one, by list.

    Components are aligned so that as many as possible are equal or of one type, as in Needleman & Wunsch, 1970; other
    items belong to those of the same place.
    """
    if not all(isinstance(item, BaseModel) for items in lists for item in items):
        return [
            {number: place for number, items in enumerate(lists) if place < len(items)}
            for place in range(max(map(len, lists)))
        ]
    aligned: list[tuple[Any, dict[int, int]]] = []
    for number, items in enumerate(lists):
        score = np.zeros((len(aligned) + 1, len(items) + 1))
        for i, (known, _) in enumerate(aligned):
            for j, item in enumerate(items):
                score[i + 1, j + 1] = max(score[i, j] + likeness(known, item), score[i, j + 1], score[i + 1, j])
        i, j = len(aligned), len(items)
        merged = []
        while i or j:
            if i and j and score[i, j] == score[i - 1, j - 1] + likeness(aligned[i - 1][0], items[j - 1]):
                i, j = i - 1, j - 1
                merged.append((aligned[i][0], aligned[i][1] | {number: j}))
            elif i and score[i, j] == score[i - 1, j]:
                i -= 1
                merged.append(aligned[i])
            else:
                j -= 1
                merged.append((items[j], {number: j}))
        aligned = merged[::-1]
    return [places for _, places in aligned]


def likeness(one: Any, other: Any) -> float:
    """Return how much speaks for taking two components as one: anything more than two separate ones."""
    if one == other:
        return 3.0
    if type(one) is type(other):
        return 2.0
    return 1.0 if type(one).__base__ is type(other).__base__ else 0.5  # as tanh and relu
