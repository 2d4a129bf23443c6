"""Series: rows of a table in their order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from specnet.component import NameOrNumber
from specnet.datasets.base import Outline, Samples
from specnet.datasets.column_reader import ColumnReader
from specnet.datasets.columns import Column, ColumnOrName, InputColumns
from specnet.datasets.csv_files import Csv
from specnet.datasets.missing import check_targets, lack_inputs, lack_targets
from specnet.datasets.table import Table
from specnet.words import quote


class Windows(NamedTuple):
    """Rows of a table that are the inputs of each sample (n, lags), and the row of its targets (n,)."""

    inputs: np.ndarray
    targets: np.ndarray


class Series(Csv):
    """Sequences of the rows of a CSV file: the inputs of `lags` rows, and the targets `horizon` rows after the last.

    Inputs have shape (lags, features), from the earliest row to the latest; `flatten` turns them into a row for layers
    such as `linear`. Without `inputs`, the targets are predicted from their own past. `horizon` is a single row, not
    all rows up to it. Transforms see the columns of each row. With `group_by`, no sequence contains rows of two
    series. With `order`, rows are sorted by a column of dates or numbers, else they are in the order of the file.

    Samples are in the order of their targets. `"split": {"by": "order"}` trains on the earlier ones, and no target of
    validation or test is a target in training: only inputs may be rows of the training split, and these are earlier
    than the target. A random split does not ensure that, because sequences overlap. `predict` returns a prediction for
    each row that has `lags` rows up to it, the last ones included, whose targets are not in the file; `--keep` shows
    columns of that row. `missing` drops sequences with a missing value, not rows. All other fields are those of `csv`.
    """

    inputs: InputColumns = Field(
        default=[], max_length=100_000, description='input columns; [] for the targets, "*" for all without another use'
    )
    lags: PositiveInt = Field(le=100_000, description="rows of a sample")
    horizon: PositiveInt = Field(default=1, le=100_000, description="rows from the last one to that of the targets")
    stride: PositiveInt = Field(default=1, le=100_000, description="rows from the beginning of a sample to the next")
    group_by: NameOrNumber | None = Field(default=None, description="column that distinguishes series")
    order: ColumnOrName | None = Field(default=None, description="column of dates or numbers that sorts the rows")

    @model_validator(mode="after")
    def _predict_from_the_past(self) -> Self:
        if not self.inputs:
            self.inputs = [*self.targets]
        return self

    @property
    def _complete(self) -> bool:
        return super()._complete and (self.order is None or self.order.complete)

    def _resolve(self, table: Table, classes: bool, reserved: Collection[str]) -> tuple[Self, list[str]]:
        self._require(table, ())
        if self.order is None:
            return super()._resolve(table, classes, reserved)
        order = self._reader(table).infer_type(self.order)
        if order.type not in ("number", "date"):
            message = f"column {quote(order.name)} has neither dates nor numbers to sort the rows by"
            table.mistake(message, ("order",), 'give it the form of its dates: {"name": …, "format": "%d.%m.%Y"}')
            table.check()
        sorted_by = self.model_copy(update={"order": order})
        return super(Series, sorted_by)._resolve(table, classes, reserved)

    def _input_columns(self, table: Table, reserved: Collection[str]) -> Iterator[tuple[int, Column]]:
        yield from super()._input_columns(table, {*reserved, *(name for _, name in self._sorting)})

    @property
    def _sorting(self) -> list[tuple[str, str]]:
        """The fields that say which rows follow each other, and the columns that they name."""
        named = {"group_by": self.group_by, "order": self.order.name if self.order else None}
        return [(field, name) for field, name in named.items() if name is not None]

    def _require(self, table: Table, inputs: Sequence[str], targets: bool = True) -> None:
        for field, name in self._sorting:
            table.require([name], field)
        super()._require(table, inputs, targets)

    def outline(self) -> Outline:
        found = super().outline()
        return found if found.inputs is None else replace(found, inputs=(self.lags, *found.inputs))

    def _known_rows(self) -> int | None:
        rows = super()._known_rows()
        return None if rows is None or self.group_by is not None else len(self._starts(rows, self.horizon, self.stride))

    def _starts(self, rows: int, ahead: int, stride: int) -> range:
        """Return the first row of each sequence in a series whose targets are some rows ahead."""
        return range(0, rows - self.lags - ahead + 1, stride)

    def _windows(self, reader: ColumnReader, ahead: int, stride: int) -> Windows:
        """Return the samples whose targets are some rows ahead; 0 stands for the last row of the inputs."""
        table = reader.table
        place, series = self._place_in_time(reader), np.zeros(table.rows, np.int64)
        if self.group_by is not None:
            names = np.array(table.text(self.group_by))
            if (names == "").any():
                table.report(self.group_by, ("group_by",), names == "", "no group")
            series = np.unique(names, return_inverse=True)[1]
        table.check()
        rows = np.lexsort((place, series))
        same = np.flatnonzero((np.diff(place[rows]) == 0) & (np.diff(series[rows]) == 0))
        if same.size:
            assert self.order is not None
            first, second = sorted(map(table.place, rows[same[0] : same[0] + 2].tolist()))
            table.mistake(
                f"{first} and {second} have the same {quote(self.order.name)}",
                ("order",),
                'name the column that distinguishes series, as "group_by"' if self.group_by is None else None,
            )
        sizes = np.bincount(series)
        begins = np.cumsum(sizes) - sizes
        parts = [
            begin + np.array(self._starts(size, ahead, stride), np.int64)
            for begin, size in zip(begins, sizes, strict=True)
        ]
        starts = np.concatenate(parts)
        if not starts.size:
            needed = f"{self.lags + ahead} rows, which a sample takes"
            table.mistake(f"there are {max(sizes)} rows in a series, not {needed}", ("lags",), "choose fewer")
        table.check()
        targets = rows[starts + self.lags - 1 + ahead]
        inputs = rows[starts[:, np.newaxis] + np.arange(self.lags)]
        chronological = np.argsort(place[targets], kind="stable")
        return Windows(inputs[chronological], targets[chronological])

    def _place_in_time(self, reader: ColumnReader) -> np.ndarray:
        """Return numbers that sort the rows (rows,)."""
        if self.order is None:
            return np.arange(reader.table.rows)
        place = reader.values(self.order, ("order",))
        if np.isnan(place).any():
            reader.table.report(self.order.name, ("order",), np.isnan(place), "no place in the order")
        return place

    def _samples(self, table: Table) -> tuple[Samples, np.ndarray]:
        """Return the samples of a table, and the rows of their targets."""
        reader = self._reader(table)
        found = self._windows(reader, self.horizon, self.stride)
        inputs, targets, weight = self._inputs(reader), self._targets(reader), self._weights(reader)
        if self._drops:
            lacking = lack_inputs(self.inputs, inputs, self.missing)[found.inputs].any(axis=1)
            lacking |= lack_targets(self.targets, targets, self.missing)[found.targets]
            found = Windows(found.inputs[~lacking], found.targets[~lacking])
            self._check_left(table, len(found.targets))
        unused = np.ones(table.rows, bool)
        unused[found.targets] = False
        check_targets(table, self.targets, targets, unused)
        table.check()
        at = found.targets
        return Samples(inputs[found.inputs], targets[at], None if weight is None else weight[at]), at

    def _unlabelled(self, table: Table) -> np.ndarray:
        reader = self._reader(table)
        return super()._unlabelled(table)[self._windows(reader, 0, 1).inputs]

    def _place(self, path: Path, rows: np.ndarray | None, row: int) -> str:
        return f"the sequence for {super()._place(path, rows, row)}"

    def place(self, path: Path, row: int) -> str:
        return f"sequence {row}"

    def _predicted_rows(self, table: Table) -> Iterable[int]:
        self._require(table, (), targets=False)
        return self._windows(self._reader(table), 0, 1).targets.tolist()
