"""Suggestions for unknown names: another tool's name for something here, or a misspelled known one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from specnet.field_synonyms import FIELDS
from specnet.synonyms import COMMANDS, DISTINCT_NAMES, SPLIT_NAMES, TYPES, Alias
from specnet.words import shorten

TABLES: dict[str, list[Alias]] = {**TYPES, **FIELDS, "splits": SPLIT_NAMES, "commands": COMMANDS}

MAX_LISTED = 100
"""Known names that are listed where none is near."""


def suggest(name: str, known: Iterable[str], *tables: str) -> str:
    """Return what to type instead of `name`: the known name that was meant, or all of them.

    `tables` names the tables of `specnet.synonyms` that apply at the place of the name, the most specific first.
    """
    names = sorted(known)
    row = find_synonym(name, names, *tables)
    note = row.note if row else ""
    if near := nearest(name, names, *tables):
        return f'did you mean "{near}"?' + (f" {note[0].upper()}{note[1:]}" if note else "")
    more = f" and {len(names) - MAX_LISTED:,} more" if len(names) > MAX_LISTED else ""
    return note or (f"one of: {', '.join(names[:MAX_LISTED])}{more}" if names else "none are available")


def nearest(name: str, known: Iterable[str], *tables: str) -> str | None:
    """Return the known name that `name` was probably meant to be.

    If tables apply, a name that means something else is not suggested; columns of a file may have any name.
    """
    names = sorted(known)
    if name in names:
        return None
    if row := find_synonym(name, names, *tables):
        return row.name or None
    plain = _normalized(shorten(name))
    if alike := [each for each in names if _normalized(each) == plain]:
        return alike[0]
    if tables and plain in _distinct_names():
        return None
    lower = shorten(name).lower()
    distances = {each: _distance(lower, each.lower()) for each in names}
    likely = [each for each in names if distances[each] <= _max_typos(max(len(lower), len(each)))]
    return min(likely, key=distances.__getitem__, default=None)


def to_monitor(name: str) -> str:
    """Return the name of a value in the history that another tool calls `name`: `validation/loss` for `val_loss`."""
    split, _, value = name.replace("/", "_").partition("_")
    splits = {_normalized(row.name): row for row in SPLIT_NAMES} | _synonyms("splits")
    split, value = (splits[split].name, value) if split in splits else ("train", name)
    row = _synonyms("metrics").get(_normalized(value))
    return f"{split}/{row.name if row else value}"


def find_synonym(name: str, known: Iterable[str], *tables: str) -> Alias | None:
    """Return the row for another tool's name, if what to write instead is known."""
    plain = _normalized(shorten(name))
    rows = (_synonyms(table).get(plain) for table in tables)
    return next((row for row in rows if row and (not row.name or row.name in known)), None)


@cache
def _synonyms(table: str) -> dict[str, Alias]:
    return {_normalized(name): row for row in TABLES.get(table, []) for name in row.others.split()}


@cache
def _distinct_names() -> set[str]:
    return {
        *map(_normalized, DISTINCT_NAMES.split()),
        *(name for group in TYPES for name, row in _synonyms(group).items() if row.name),
    }


def _normalized(name: str) -> str:
    """Return a name in lowercase and without separators."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _max_typos(length: int) -> int:
    """Return how many letters of a name of that length are likely to be mistyped."""
    return 0 if length < 3 else 1 if length < 6 else 2 if length < 12 else 3


def _distance(a: str, b: str) -> int:
    """Return how many letters are missing, added, replaced, or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        before, last, row = row, before, [i + 1]
        for j, y in enumerate(b):
            row.append(min(before[j] + (x != y), before[j + 1] + 1, row[j] + 1))
            if i and j and x == b[j - 1] and y == a[i - 1]:
                row[-1] = min(row[-1], last[j - 1] + 1)
    return row[-1]
