"""Where the specs of runs differ: lists of layers are aligned, so that an inserted one is a single difference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from specnet.spec.shortest import shortest
from specnet.words import Pointer, show_pointer

ALIGNED = 300
"""Items of a list up to which they are aligned."""
ABSENT = object()
"""Item of a list that is shorter than another."""


class Row(NamedTuple):
    """A row of a table: its name and a value of each run, None where there is none."""

    name: str
    values: list[str | None]


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
    items, and those of long lists, belong to those of the same place.
    """
    components = all(isinstance(item, BaseModel) for items in lists for item in items)
    if not components or max(map(len, lists)) > ALIGNED:
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
