"""Suggestions for unknown names: another tool's name for something here, or a misspelled known one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from specnet.errors import shorten
from specnet.synonyms import COMMANDS, FIELDS, OTHERS, SPLITS, TYPES, Row

TABLES: dict[str, list[Row]] = {**TYPES, **FIELDS, "splits": SPLITS, "commands": COMMANDS}

LISTED = 100
"""Known names that are listed where none is near."""


def suggest(name: str, known: Iterable[str], *tables: str) -> str:
    """Return what to type instead of `name`: the known name that was meant, or all of them.

    `tables` names the tables of `specnet.synonyms` that apply at the place of the name, the most specific first.
    """
    names = sorted(known)
    row = synonym(name, names, *tables)
    note = row.note if row else ""
    if near := nearest(name, names, *tables):
        return f'did you mean "{near}"?' + (f" {note[0].upper()}{note[1:]}" if note else "")
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return note or (f"one of: {', '.join(names[:LISTED])}{more}" if names else "there is none")


def nearest(name: str, known: Iterable[str], *tables: str) -> str | None:
    """Return the known name that `name` was probably meant to be.

    If tables apply, a name that means something else is not suggested; columns of a file may have any name.
    """
    names = sorted(known)
    if name in names:
        return None
    if row := synonym(name, names, *tables):
        return row.here or None
    plain = _plain(shorten(name))
    if alike := [each for each in names if _plain(each) == plain]:
        return alike[0]
    if tables and plain in _meanings():
        return None
    lower = shorten(name).lower()
    distances = {each: _distance(lower, each.lower()) for each in names}
    likely = [each for each in names if distances[each] <= _mistakes(max(len(lower), len(each)))]
    return min(likely, key=distances.__getitem__, default=None)


def monitored(name: str) -> str:
    """Return the name of a value in the history that another tool calls `name`: `validation/loss` for `val_loss`."""
    split, _, value = name.replace("/", "_").partition("_")
    splits = {_plain(row.here): row for row in SPLITS} | _rows("splits")
    split, value = (splits[split].here, value) if split in splits else ("train", name)
    row = _rows("metrics").get(_plain(value))
    return f"{split}/{row.here if row else value}"


def synonym(name: str, known: Iterable[str], *tables: str) -> Row | None:
    """Return the row for another tool's name, if what to write instead is known."""
    plain = _plain(shorten(name))
    rows = (_rows(table).get(plain) for table in tables)
    return next((row for row in rows if row and (not row.here or row.here in known)), None)


@cache
def _rows(table: str) -> dict[str, Row]:
    return {_plain(name): row for row in TABLES.get(table, []) for name in row.elsewhere.split()}


@cache
def _meanings() -> set[str]:
    return {*map(_plain, OTHERS.split()), *(name for group in TYPES for name in _rows(group))}


def _plain(name: str) -> str:
    """Return a name in lowercase and without separators."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _mistakes(length: int) -> int:
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
