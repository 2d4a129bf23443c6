"""Datasets that are tables, in a file or in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from pydantic import Field

from specnet.component import NameOrNumber
from specnet.datasets.base import Data, Dataset, Outline, Samples
from specnet.datasets.column_reader import ColumnReader
from specnet.datasets.columns import ALL, Column, Columns, InputColumns, Missing
from specnet.datasets.date_forms import advise_dates
from specnet.datasets.missing import check_targets, lack_inputs, lack_targets
from specnet.datasets.table import Table, plain_name
from specnet.features import Feature
from specnet.words import quote

NA_VALUES = ["", "?", "NA", "N/A", "#N/A", "n/a", "NaN", "-NaN", "nan", "-nan", "<NA>", "NULL", "null", "None"]
_FIRST_ROWS = 20
"""Rows that are read to check a table whose columns are known."""


class Columnar(Dataset):
    """Rows of a table, wherever it is."""

    inputs: InputColumns = Field(
        min_length=1, max_length=100_000, description='input columns; "*" stands for all columns without another use'
    )
    targets: Columns = Field(min_length=1, max_length=10_000, description="target columns")
    exclude: list[NameOrNumber] = Field(default=[], max_length=100_000, description='columns that "*" leaves out')
    sample_weight: NameOrNumber | None = Field(default=None, description="column with the weight of each sample")
    na_values: list[str] = Field(default=NA_VALUES, max_length=1000, description="cells that mean a missing value")
    missing: Missing = Field(
        default="error",
        description="what to do with rows with a missing value; error: refuse them unless a transform fills the value",
    )

    @property
    @abstractmethod
    def sources(self) -> dict[str, Any]:
        """What `table` takes for each split, train first."""

    @abstractmethod
    def table(self, source: Any, limit: int | None = None) -> Table:
        """Return a table, or its first rows."""

    @abstractmethod
    def is_known(self, early: bool) -> bool:
        """Return whether the tables can be read; if it is `early`, in little time."""

    @abstractmethod
    def stamp(self) -> Any:
        """Return what changes with the table of the training samples."""

    @property
    def _complete(self) -> bool:
        return all(column.name != ALL and column.complete for column in (*self.inputs, *self.targets))

    def resolve(self, *, classes: bool, reserved: Collection[str], early: bool) -> tuple[Self, Sequence[str]]:
        if self._complete or not self.is_known(early):
            return self, ()
        table = self.table(self._source)
        found, warnings = self._resolve(table, classes, reserved)
        if early:
            found._samples(table)  # to find mistakes in cells
        else:  # `load` follows
            found.loaded = table
        return found, warnings

    def _resolve(self, table: Table, classes: bool, reserved: Collection[str]) -> tuple[Self, list[str]]:
        columns = [*self._input_columns(table, reserved)]
        self._require(table, [column.name for _, column in columns])
        table.check_names()
        reader = self._reader(table)
        found = [reader.infer(column, ("inputs", place)) for place, column in columns]
        targets = [
            reader.infer_target(column, number, len(self.targets) == 1, classes)
            for number, column in enumerate(self.targets)
        ]
        for number, column in enumerate(targets):
            if column.type == "category" and len(column.categories or ()) == 1:
                message = f"column {quote(column.name)}: all values are the same: there is nothing to learn"
                table.mistake(message, ("targets", number), "add rows of another class, or choose another target")
        inputs = [column for column in found if column.type != "text"]
        if not inputs:
            table.mistake("all of the input columns are text", ("inputs",), 'give a column the type "category"')
        table.check()
        given = [*(column for _, column in columns), *self.targets]
        warnings = [*self._warnings(reader, zip(given, [*found, *targets], strict=True))]
        resolved = self.model_copy(update={"inputs": inputs, "targets": targets})
        resolved.seen = self.stamp(), None if self._drops else table.rows
        return resolved, warnings

    def _warnings(self, reader: ColumnReader, columns: Iterable[tuple[Column, Column]]) -> Iterator[str]:
        """Yield warnings about columns, as they are given and as they are found."""
        for given, column in columns:
            forms = reader.date_forms(column) if given.type is None and not given.is_category else []
            advice = f"it looks like dates: {advise_dates(column.name, forms)}" if forms else ""
            if column.type == "text":
                count = len(reader.table.distinct(column.name)[0])
                advice = advice or 'add it to "exclude" to avoid this warning, or give it the type "category"'
                yield f"column {quote(column.name)} is text with {count:,} different values: it is left out; {advice}"
            elif forms:
                yield f"column {quote(column.name)} is a {column.type}, but {advice}"

    @property
    def _source(self) -> Any:
        return self.sources["train"]

    def _known_rows(self) -> int | None:
        """Return the number of rows, if the table was read before and has not changed since."""
        stamp, rows = self.__dict__.get("seen", (None, None))
        return rows if stamp == self.stamp() else None

    @property
    def _drops(self) -> bool:
        return any("drop" in (column.missing, self.missing) for column in (*self.inputs, *self.targets))

    def _input_columns(self, table: Table, reserved: Collection[str]) -> Iterator[tuple[int, Column]]:
        """Yield each input column with its place in `inputs`."""
        used = {column.name for column in (*self.inputs, *self.targets)} | {*self.exclude, *reserved}
        used |= {self.sample_weight or ALL}
        plain = {*map(plain_name, used)}
        for place, column in enumerate(self.inputs):
            if column.name == ALL:
                yield from ((place, Column(name=name)) for name in table.names if name not in plain)
            else:
                yield place, column

    def _require(self, table: Table, inputs: Sequence[str], targets: bool = True) -> None:
        """Check that the table has all columns that are named."""
        table.require(inputs, "inputs")
        if targets:
            table.require([column.name for column in self.targets], "targets")
            table.require([self.sample_weight] if self.sample_weight is not None else [], "sample_weight")
        table.check()

    def _reader(self, table: Table) -> ColumnReader:
        return ColumnReader(table, frozenset(self.na_values))

    @property
    def _classes(self) -> tuple[str, ...]:
        """The names of the classes, if the target has them."""
        (first, *others) = self.targets
        return tuple(first.categories or ()) if first.type == "category" and not others else ()

    @property
    def _column_classes(self) -> tuple[tuple[str, ...], ...]:
        """The classes of each of several targets, if there are any."""
        found = tuple(tuple(column.categories or ()) for column in self.targets)
        return found if len(found) > 1 and any(found) else ()

    @property
    def _features(self) -> tuple[Feature, ...]:
        return tuple(feature for column in self.inputs for feature in column.features)

    def outline(self) -> Outline:
        if self.is_known(early=False):
            table = self.table(self._source, _FIRST_ROWS)
            self._require(table, [column.name for _, column in self._input_columns(table, ())])
        if not self._complete:
            return Outline(splits=self._own_splits)
        return Outline(
            (len(self._features),),
            () if self._classes else (len(self.targets),),
            self._known_rows(),
            self._own_splits,
            len(self._classes) or None,
            "classes" if self._classes else "numbers",
            self._features,
            self._classes,
            tuple(column.name for column in self.targets),
            self._column_classes,
        )

    @property
    def _own_splits(self) -> tuple[str, ...]:
        return tuple(name for name in self.sources if name != "train")

    def load(self, rng: np.random.Generator) -> Data:
        table = self.__dict__.pop("loaded", None) or self.table(self._source)
        if not self._complete:
            return self._resolve(table, False, ())[0]._load(table)
        self._require(table, [column.name for column in self.inputs])
        table.check_names()
        return self._load(table)

    def _load(self, table: Table) -> Data:
        train, rows = self._samples(table)
        own: dict[str, Samples] = {}
        places = {"train": partial(self._place, self._source, rows)}
        for split in self._own_splits:
            source = self.sources[split]
            other = self.table(source)
            self._require(other, [column.name for column in self.inputs])
            own[split], other_rows = self._samples(other)
            places[split] = partial(self._place, source, other_rows)
        return Data(
            train,
            own.get("validation"),
            own.get("test"),
            classes=self._classes,
            input_names=tuple(feature.name for feature in self._features),
            target_names=tuple(column.name for column in self.targets),
            features=self._features,
            places=places,
            column_classes=self._column_classes,
            column=partial(self._column, rows),
        )

    def _place(self, source: Any, rows: np.ndarray | None, row: int) -> str:
        where = self.table(source).place(row if rows is None else int(rows[row]))
        return where if source == self._source else f"{where} of {getattr(source, 'name', source)}"

    def _column(self, rows: np.ndarray | None, name: str) -> np.ndarray:
        """Return a column of the training samples that may be no input, as numbers or text."""
        table = self.table(self._source)
        table.require([name], "column")
        table.check()
        reader = self._reader(table)
        column = reader.infer_type(Column(name=name))
        cells = reader.numbers(column, ()) if column.type == "number" else np.array(table.text(name))
        table.check()
        return cells if rows is None else cells[rows]

    def _samples(self, table: Table) -> tuple[Samples, np.ndarray | None]:
        """Return the samples of a table, and their rows in it; None for all rows."""
        reader = self._reader(table)
        inputs, targets, weight = self._inputs(reader), self._targets(reader), self._weights(reader)
        dropped = np.zeros(0, bool)
        if self._drops:
            dropped = lack_inputs(self.inputs, inputs, self.missing) | lack_targets(self.targets, targets, self.missing)
        check_targets(table, self.targets, targets, dropped)
        if not dropped.any():
            table.check()
            return Samples(inputs, targets, weight), None
        rows = np.flatnonzero(~dropped)
        self._check_left(table, len(rows))
        return Samples(inputs, targets, weight).select(rows), rows

    def _check_left(self, table: Table, count: int) -> None:
        """Check that samples are left, and raise the mistakes of the table."""
        if not count:
            table.mistake("a value is missing in each row: none is left", ("missing",), "fill some columns instead")
        table.check()

    def _unlabelled(self, table: Table) -> np.ndarray:
        """Return the inputs of all samples of a table that may lack the targets."""
        inputs = self._inputs(self._reader(table))
        table.check()
        return inputs

    def _weights(self, reader: ColumnReader) -> np.ndarray | None:
        if self.sample_weight is None:
            return None
        weight = reader.numbers(Column(name=self.sample_weight, type="number"), ("sample_weight",))
        if np.isnan(weight).any():
            reader.table.report(self.sample_weight, ("sample_weight",), np.isnan(weight), "no weight")
        return weight

    def _inputs(self, reader: ColumnReader) -> np.ndarray:
        """Return the inputs (rows, features) in float64, or in whole numbers if all of them are; NaN where missing."""
        features, names = self._features, [column.name for column in self.inputs]
        plain = not any(reader.table.parse(text) is not None for text in self.na_values)
        numbers = all(column.type == "number" for column in self.inputs)
        if plain and numbers and (block := reader.table.block(names)) is not None:
            return block
        values, start = np.zeros((len(reader.table.cells(names[0])), len(features))), 0
        for place, column in enumerate(self.inputs):
            width = len(column.features)
            reader.encode(column, ("inputs", place), values[:, start : start + width])
            start += width
        whole = all(column.encode == "ordinal" for column in self.inputs) and not np.isnan(values).any()
        return values.astype(np.int64) if whole else values

    def _targets(self, reader: ColumnReader) -> np.ndarray:
        """Return the targets (rows, columns), NaN where missing, or class numbers (rows,), -1 where missing."""
        if self._classes:
            return reader.codes(self.targets[0], ("targets", 0), "classes")
        return np.stack([reader.values(each, ("targets", place)) for place, each in enumerate(self.targets)], axis=1)

    def read_table(self, table: Table, *, targets: bool) -> Samples:
        self._require(table, [column.name for column in self.inputs], targets)
        if targets:
            return self._samples(table)[0]
        inputs = self._unlabelled(table)
        return Samples(inputs, np.empty((len(inputs), 0)))
