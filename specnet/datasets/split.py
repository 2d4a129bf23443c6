"""The split of training samples."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, NonNegativeInt

from specnet.component import NameOrNumber, Section
from specnet.datasets.base import Data
from specnet.datasets.division import apportion, class_strata, nearest_groups, range_strata, spread
from specnet.diagnostics import show_value
from specnet.errors import DataError
from specnet.words import quote

SPLITS = ("train", "validation", "test")
SPELLINGS = {
    **{"train": "train", "training": "train"},
    **{"validation": "validation", "val": "validation", "valid": "validation", "dev": "validation"},
    **{"test": "test", "testing": "test"},
}
"""Values of a column that names the split of each row, in lower case."""


class Fold(NamedTuple):
    """Indices of the samples to train on and of those held out, both in ascending order."""

    train: np.ndarray
    held_out: np.ndarray


class Split(Section):
    """Which of the dataset's training samples are set aside for validation and test."""

    validation: float = Field(default=0.0, ge=0, lt=1, description="share of validation samples")
    test: float = Field(default=0.0, ge=0, lt=1, description="share of test samples")
    by: Literal["random", "order", "group", "column"] = Field(
        default="random",
        description="random draws samples, order takes the last ones for the test and those before for validation, "
        "group draws whole groups, column goes by names of splits in the data",
    )
    column: NameOrNumber | None = Field(
        default=None,
        description="column of the table: for group, rows with the same value stay together; for column, it says "
        "train, validation or test",
    )
    stratify: bool | None = Field(
        default=None,
        description="whether each class, or each tenth of a number's range, is divided in the same shares; "
        "null: where targets are classes",
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="determines which samples are set aside; null: the seed of the spec"
    )

    folds: int | None = Field(
        default=None,
        ge=2,
        le=1000,
        description="number of equal parts, one of which is the test split; the share "
        "for validation is then one of the other parts together",
    )
    fold: int | None = Field(default=None, ge=1, le=1000, description="number of the test fold, from 1")
    leave_out: list[NonNegativeInt] = Field(
        default=[],
        max_length=100_000,
        description="rows of the training split, counted from 0, to leave out after the division",
    )

    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """Return the data with samples taken from the training samples, each split in the dataset's order.

        Raises:
            DataError: if a share is empty, takes too much, or the dataset has that split already, or if the column
                or a row to leave out cannot be used.
        """
        divided = self._divide(data, rng)
        return self._leave_out(divided) if self.leave_out else divided

    def _leave_out(self, data: Data) -> Data:
        """Return the data without some training samples."""
        count = len(data.train.inputs)
        if wrong := [row for row in self.leave_out if row >= count]:
            message = f"there is no training sample {wrong[0]:,} to leave out: they are 0 to {count - 1:,}"
            raise DataError(message, pointer=("leave_out", self.leave_out.index(wrong[0])))
        kept = np.setdiff1d(np.arange(count), self.leave_out)
        if not kept.size:
            raise DataError("no training sample is left", pointer=("leave_out",), help="leave fewer rows out")
        origins = {**data.origins, "train": data.origins.get("train", np.arange(count))[kept]}
        return dataclasses.replace(data, train=data.train.select(kept), origins=origins)

    def _divide(self, data: Data, rng: np.random.Generator) -> Data:
        if self.folds:
            return self._apply_fold(data, rng)
        names = [name for name in SPLITS[1:] if getattr(self, name)]
        if self.by == "column":
            part = self._read_parts(data)
            names = [name for number, name in enumerate(SPLITS) if number and (part == number).any()]
        for name in names:
            if name in data.splits:
                place, help = (("column",), 'set "by" to another value') if self.by == "column" else ((name,), "")
                message = f"the dataset has its own {name} samples"
                raise DataError(message, pointer=place, help=help or "leave this share out")
        if not names:
            return data
        count = len(data.train.inputs)
        if self.by != "column":
            part = self._draw_parts(data, rng)
        chosen: dict[str, Any] = {}
        origins = {}
        for name in ("train", *names):
            rows = np.flatnonzero(part == SPLITS.index(name))
            if not rows.size:
                raise DataError(f"none of the {count} samples is left for the {name} split", help="choose other shares")
            chosen[name], origins[name] = data.train.select(rows), rows
        return dataclasses.replace(data, **chosen, origins=origins)

    def _apply_fold(self, data: Data, rng: np.random.Generator) -> Data:
        """Return the data with one fold as the test split, and the validation share of what it is not."""
        assert self.folds is not None
        if data.test is not None:
            message, help = "the dataset has its own test samples", "leave them out of the dataset, or use no folds"
            raise DataError(message, pointer=("folds",), help=help)
        rows, held_out = self.divide(data, self.folds, rng)[(self.fold or 1) - 1]
        column = data.column
        rest = dataclasses.replace(
            data,
            train=data.train.select(rows),
            column=column and (lambda name: column(name)[rows]),
            origins={"train": rows},
        )
        rest = self.model_copy(update={"folds": None})._divide(rest, rng)
        origins = {name: rows[rest.origins[name]] for name in ("train", "validation") if self.validation}
        origins = (origins or {"train": rows}) | {"test": held_out}
        return dataclasses.replace(rest, test=data.train.select(held_out), column=column, origins=origins)

    def counts(self, rows: int) -> dict[str, int]:
        """Return the number of samples in each share of some rows, by largest remainders."""
        exact = {name: getattr(self, name) * rows for name in SPLITS[1:] if getattr(self, name)}
        exact["train"] = rows - sum(exact.values())
        found = {name: math.floor(number) for name, number in exact.items()}
        lacking = max(rows - sum(found.values()), 0)
        # Rounded, as 0.1 and 0.3 of 15 have the same remainder; of equal ones the first share comes first.
        for name in sorted(exact, key=lambda name: round(found[name] - exact[name], 9))[:lacking]:
            found[name] += 1
        return {name: number for name, number in found.items() if name != "train"}

    def divide(self, data: Data, k: int, rng: np.random.Generator) -> list[Fold]:
        """Return k folds of the training samples, divided as this split says; each sample is held out in one.

        In the order of the file, training begins with the first part of k + 1, and grows: each fold holds out the part
        that follows.

        Raises:
            DataError: if there are too few samples or groups, or a column says which samples are held out.
        """
        count = len(data.train.inputs)
        if self.by == "column":
            help = 'set "by" to "random", "order" or "group"'
            raise DataError("a column that names the splits cannot be combined with folds", pointer=("by",), help=help)
        if self.by == "order":
            _require(count, k + 1, "samples", f"{k} folds in their order")
            starts = [round(number * count / (k + 1)) for number in range(1, k + 2)]
            rows = np.arange(count)
            return [Fold(rows[:start], rows[start:end]) for start, end in pairwise(starts)]
        if self.by == "group":
            group = self._read_groups(data)
            sizes = np.bincount(group)
            _require(len(sizes), k, "groups", f"{k} folds")
            part = spread(sizes, k, rng)[group]
        else:
            _require(count, k, "samples", f"{k} folds")
            part = np.empty(count, np.int64)
            drawn = [rng.permutation(members) for members in self._strata(data, 0)]
            part[np.concatenate(drawn)] = np.arange(count) % k  # deals out each class in turn
        return [Fold(np.flatnonzero(part != number), np.flatnonzero(part == number)) for number in range(k)]

    def _draw_parts(self, data: Data, rng: np.random.Generator) -> np.ndarray:
        """Return for each training sample (n,) the index of its split in `SPLITS`."""
        count = len(data.train.inputs)
        counts = self.counts(count)
        if (wanted := sum(counts.values())) >= count:
            raise DataError(f"none of the {count} samples is left for training", help="choose smaller shares")
        if self.by == "group":
            return self._draw_groups(data, counts, rng)
        part = np.zeros(count, np.uint8)
        if self.by == "order":
            return np.repeat(np.array([0, *map(SPLITS.index, counts)], np.uint8), [count - wanted, *counts.values()])
        groups = [rng.permutation(members) for members in self._strata(data, wanted)]
        sizes = np.array([len(members) for members in groups])
        taken = np.zeros_like(sizes)
        for name, size in counts.items():
            given = apportion(size, sizes, sizes - taken - (len(groups) > 1), rng)
            for members, start, more in zip(groups, taken, given, strict=True):
                part[members[start : start + more]] = SPLITS.index(name)
            taken += given
        return part

    def _draw_groups(self, data: Data, counts: dict[str, int], rng: np.random.Generator) -> np.ndarray:
        group = self._read_groups(data)
        sizes = np.bincount(group)
        part, left = np.zeros(len(sizes), np.uint8), np.arange(len(sizes))
        _require(len(sizes), len(counts) + 1, "groups", f"{len(counts) + 1} splits")
        for keep, (name, size) in zip(range(len(counts), 0, -1), counts.items(), strict=True):
            chosen = left[nearest_groups(sizes[left], size, keep, rng)]
            part[chosen] = SPLITS.index(name)
            left = np.setdiff1d(left, chosen)
        return part[group]

    def _strata(self, data: Data, wanted: int) -> list[np.ndarray]:
        """Return the indices of the samples that are divided together, each keeping one when `wanted` are set aside.

        Raises:
            DataError: if they cannot be stratified as the spec wants.
        """
        count = len(data.train.inputs)
        together = [np.arange(count)]
        if self.stratify is False:
            return together
        classes = class_strata(data, likely=bool(self.stratify))
        found = range_strata(data) if self.stratify and classes is None else classes
        if found and wanted <= count - len(found):
            return found
        if classes and self.stratify:
            most = f"{(count - len(classes)) / count:.3g} at most together"
            raise DataError(
                f"each of the {len(classes)} classes keeps a sample to train on: {wanted} of {count} samples cannot be "
                "set aside",
                help=f"choose smaller shares, {most}, or set stratify to false",
            )
        if found is None and self.stratify:
            raise DataError(
                "samples are stratified by classes or by one number, but the targets are neither",
                pointer=("stratify",),
                help="set stratify to false",
            )
        return together

    def _read_groups(self, data: Data) -> np.ndarray:
        """Return the number of each training sample's group (n,)."""
        return np.unique(self._read_column(data), return_inverse=True)[1]

    def _read_parts(self, data: Data) -> np.ndarray:
        """Return for each training sample (n,) the index in `SPLITS` of the split that the column names."""
        values, which = np.unique(self._read_column(data), return_inverse=True)
        parts = [SPELLINGS.get(str(value).strip().lower()) for value in values]
        if wrong := [number for number, part in enumerate(parts) if part is None]:
            rows = np.flatnonzero(np.isin(which, wrong))
            more = f", and neither are the values in {_more_rows(len(rows))}" if len(rows) > 1 else ""
            value = show_value(values[which[rows[0]]].item())
            place = data.place("train", int(rows[0]))
            raise DataError(
                f"{value} in column {quote(str(self.column))}, {place}, is not a split{more}",
                pointer=("column",),
                help=f"allowed are {', '.join(SPELLINGS)}",
            )
        part = np.array([SPLITS.index(name or "") for name in parts], np.uint8)[which]
        if part.all():
            raise DataError(f"no row of column {quote(str(self.column))} says train", pointer=("column",))
        return part

    def _read_column(self, data: Data) -> np.ndarray:
        """Return the column's value of each training sample (n,), as numbers or text."""
        if data.column is None or self.column is None:
            missing = "the dataset has no columns" if data.column is None else "no column is named"
            raise DataError(f'{missing} to split by "{self.by}"', pointer=("by",), help='set it to "random" or "order"')
        try:
            values = np.asarray(data.column(self.column))
        except DataError as error:
            raise error.at("column") from None
        values = values if values.dtype.kind in "biuf" else values.astype(str)
        if values.shape != (count := len(data.train.inputs),):
            raise DataError(f"the column has shape {values.shape} for {count} samples", pointer=("column",))
        empty = np.flatnonzero(np.isnan(values) if values.dtype.kind == "f" else values == "")
        if empty.size:
            place = data.place("train", int(empty[0]))
            more = f" and {_more_rows(len(empty))}" if len(empty) > 1 else ""
            message = f"column {quote(self.column)} has no value in {place}{more}"
            raise DataError(message, pointer=("column",), help="each row needs a value, because the split uses it")
        return values


def _require(found: int, least: int, what: str, purpose: str) -> None:
    """Check that there are enough samples or groups.

    Raises:
        DataError: if there are not.
    """
    if found < least:
        raise DataError(f"{purpose} need at least {least} {what}, but there {'is' if found == 1 else 'are'} {found}")


def _more_rows(count: int) -> str:
    """Return how many rows there are besides the first of some."""
    return f"{count - 1:,} more row{'s' * (count > 2)}"
