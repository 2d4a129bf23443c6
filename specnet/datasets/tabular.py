"""Datasets in text files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from specnet.datasets.base import Data, DataFile, Dataset, Outline, Samples
from specnet.datasets.table import MISSING, Table

_FIRST_ROWS = 20
"""Number of rows from which an outline infers the kind of the targets."""
Column = Annotated[str, BeforeValidator(lambda name: str(name) if type(name) is int else name, str | int)]
"""Name of a column, or its number."""
Encoding = Literal[
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "latin-1", "iso-8859-2", "iso-8859-5", "iso-8859-7",
    "iso-8859-9", "iso-8859-15", "cp437", "cp850", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1257",
    "mac-roman", "koi8-r", "shift_jis", "euc-jp", "euc-kr", "big5", "gb18030",
]  # fmt: skip
"""Encodings of text that Python can read."""


class Csv(Dataset):
    """Rows of a CSV file, which may be compressed by gzip, bzip2, xz or zip.

    Inputs are columns of numbers. Targets are columns of numbers, or one column of text, whose values in
    alphabetical order become class numbers. Spaces around cells and names do not count. Missing values are mistakes.
    Without a header, columns have the numbers 0, 1, … as names, unless `names` gives them others.
    """

    extensions: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".txt", ".gz", ".bz2", ".xz", ".zip")
    path: DataFile = Field(description="file, relative to the spec's folder")
    inputs: list[Column] = Field(
        min_length=1, max_length=100_000, description="names of the input columns; without a header, their numbers"
    )
    targets: list[Column] = Field(min_length=1, max_length=10_000, description="the target columns, likewise")
    delimiter: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        pattern=r'[^"\r\n\x00]',
        description="what separates cells; null: the comma, semicolon, tab or | that fits",
    )
    header: bool = Field(default=True, description="whether the first line names the columns")
    names: list[str] | None = Field(
        default=None, min_length=1, max_length=100_000, description="names of all columns, instead of those in the file"
    )
    skip_rows: int = Field(default=0, ge=0, description="lines above the table")
    comment: str | None = Field(default=None, min_length=1, max_length=8, description="beginning of lines to skip")
    quote: str = Field(default='"', min_length=1, max_length=1, description="what encloses cells with separators")
    decimal: str = Field(default=".", pattern=r"^[^0-9eE+\-\s]$", description="decimal mark of numbers")
    thousands: str | None = Field(default=None, pattern=r"^[^0-9eE+\-]$", description="mark between thousands")
    encoding: Encoding = Field(default="utf-8", description="encoding of the text; a byte order mark comes first")

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same mark")
        if self.quote in (self.delimiter, self.decimal, self.thousands):
            raise ValueError("quote has another meaning as well")
        return self

    def outline(self) -> Outline:
        table = Table(Path(self.path), self, limit=_FIRST_ROWS)
        self._require_columns(table)
        known = Outline((len(self.inputs),), (len(self.targets),), splits=(), kind="numbers")
        cell = table.column(self.targets[0])[0]
        if len(self.targets) > 1 or table.is_number(cell):
            return known
        if cell in MISSING:
            return replace(known, targets=None, kind=None)
        return replace(known, targets=(), kind="classes")

    def load(self, rng: np.random.Generator) -> Data:
        table = Table(Path(self.path), self)
        self._require_columns(table)
        table.check_header()
        classes: tuple[str, ...] = ()
        if len(self.targets) == 1 and table.is_text(self.targets[0]):
            classes = tuple(sorted({*table.column(self.targets[0])} - MISSING))
        samples = self._samples(table, targets=True, classes=classes)
        lines = np.array(table.lines)
        return Data(
            samples, classes=classes, input_names=tuple(self.inputs), target_names=tuple(self.targets), lines=lines
        )

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        table = Table(path, self)
        self._require_columns(table, targets=targets)
        return self._samples(table, targets=targets, classes=classes)

    def place(self, path: Path, row: int) -> str:
        return f"line {Table(path, self).lines[row]}"

    def _require_columns(self, table: Table, *, targets: bool = True) -> None:
        table.require(self.inputs, "inputs")
        if targets:
            table.require(self.targets, "targets")
        table.check()

    def _samples(self, table: Table, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        inputs = table.numbers(self.inputs, "inputs")
        if not targets:
            values = np.empty((len(inputs), 0))
        elif classes:
            values = table.class_numbers(self.targets[0], classes)
        else:
            values = table.numbers(self.targets, "targets")
        table.check()
        return Samples(inputs, values)
