"""Datasets in text files."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, DataFile, Dataset, Outline, Samples
from specnet.diagnostics import show_value
from specnet.errors import DataError, Diagnostic, SpecError
from specnet.names import suggest
from specnet.numpy_files import explain_os_error

SHOWN = 20
"""Number of bad cells that are reported one by one; the rest is counted."""
SEPARATORS = ",;\t|"
"""Separators of cells in most files."""


class Csv(Dataset):
    """Rows of a CSV file with a header, UTF-8.

    Inputs are columns of numbers. Targets are columns of numbers, or one column of text, whose values in
    alphabetical order become class numbers. Empty cells and nan are mistakes.
    """

    suffix: ClassVar[str] = ".csv"
    path: DataFile = Field(description="file, relative to the spec's folder")
    inputs: list[str] = Field(min_length=1, max_length=10_000, description="names of the input columns")
    targets: list[str] = Field(min_length=1, max_length=10_000, description="names of the target columns")
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, pattern=r'[^"\r\n\x00]', description="what separates cells"
    )

    def outline(self) -> Outline:
        table = Table(Path(self.path), self.delimiter, limit=1)
        self._require_columns(table)
        known = Outline((len(self.inputs),), (len(self.targets),), splits=(), kind="numbers")
        cell = table.columns[self.targets[0]][0]
        if len(self.targets) > 1 or _is_number(cell):
            return known
        return (
            replace(known, targets=None, kind=None) if _is_missing(cell) else replace(known, targets=(), kind="classes")
        )

    def load(self, rng: np.random.Generator) -> Data:
        table = Table(Path(self.path), self.delimiter)
        self._require_columns(table)
        classes: tuple[str, ...] = ()
        if len(self.targets) == 1 and table.is_text(self.targets[0]):
            classes = tuple(sorted({cell for cell in table.columns[self.targets[0]] if not _is_missing(cell)}))
        samples = self._samples(table, targets=True, classes=classes)
        return Data(samples, classes=classes, input_names=tuple(self.inputs), target_names=tuple(self.targets))

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        table = Table(path, self.delimiter)
        self._require_columns(table, targets=targets)
        return self._samples(table, targets=targets, classes=classes)

    def _require_columns(self, table: Table, *, targets: bool = True) -> None:
        table.require(self.inputs, "inputs")
        if targets:
            table.require(self.targets, "targets")
        table.check()

    def _samples(self, table: Table, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        inputs = table.numbers(self.inputs)
        if not targets:
            values = np.empty((len(inputs), 0))
        elif classes:
            values = table.class_numbers(self.targets[0], classes)
        else:
            values = table.numbers(self.targets)
        table.check()
        return Samples(inputs, values)


class Table:
    """The columns of a CSV file, with the line each cell came from. Collects mistakes until `check`.

    With a `limit`, at most that many rows are read.
    """

    def __init__(self, path: Path, delimiter: str, limit: int | None = None) -> None:
        self.path = path
        self.mistakes: list[Diagnostic] = []
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file, delimiter=delimiter, strict=True)
                # The csv module returns an empty line as an empty list, which is not a row.
                filled = ((reader.line_num, row) for row in reader if row)
                start, header = next(filled, (1, []))
                rows = list(islice(filled, limit))
        except OSError as error:
            raise explain_os_error(path, error) from error
        except UnicodeDecodeError as error:
            # The error is in the part of the file after the lines that were read.
            line = reader.line_num + error.object.count(b"\n", 0, error.start) + 1
            message = f"{path}:{line}: the byte 0x{error.object[error.start]:02x} is not UTF-8"
            raise DataError(message, help="save the file as UTF-8") from error
        except csv.Error as error:
            raise DataError(f"{path}:{reader.line_num}: {error}") from error
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            help = "the first line should name the columns" if any(map(_is_number, twice)) else None
            raise DataError(f"{path}:{start}: the header names the column {twice[0]!r} more than once", help=help)
        if not rows:
            raise DataError(f"{path} has no rows below its header")
        self._other_delimiter = _other_delimiter(header, delimiter)
        for line, row in rows:
            if len(row) != len(header):
                message = f"{path}:{line}: {len(row)} cells, the header has {len(header)}"
                self.mistakes.append(Diagnostic("data", message, help=self._other_delimiter))
        self.check()
        self.lines = [line for line, _ in rows]
        self.columns = dict(zip(header, map(list, zip(*(row for _, row in rows), strict=True)), strict=True))

    def require(self, names: list[str], field: str) -> None:
        """Record a mistake for each name that is not a column."""
        for number, name in enumerate(names):
            if name not in self.columns:
                message = f'{self.path} has no column "{name}"'
                help = self._other_delimiter or suggest(name, self.columns)
                self.mistakes.append(Diagnostic("data", message, (field, number), help))

    def is_text(self, name: str) -> bool:
        """Return whether no cell of a column is a number."""
        return not any(_is_number(cell) for cell in self.columns[name])

    def numbers(self, names: list[str]) -> np.ndarray:
        """Return columns of numbers as float64 (rows, names), recording a mistake for each cell that is not one."""
        return np.array(
            [
                [self._number(line, name, cell) for line, cell in zip(self.lines, self.columns[name], strict=True)]
                for name in names
            ]
        ).T

    def _number(self, line: int, column: str, cell: str) -> float:
        if _is_number(cell):
            return float(cell)
        self._mistake_in(line, column, cell, "not a finite number")
        return math.nan

    def class_numbers(self, name: str, classes: tuple[str, ...]) -> np.ndarray:
        """Return a column of text as positions in `classes`, recording a mistake for each other cell."""
        numbers = {text: number for number, text in enumerate(classes)}
        for line, cell in zip(self.lines, self.columns[name], strict=True):
            if cell not in numbers:
                self._mistake_in(line, name, cell, f"not one of the classes {show_value(classes)}")
        return np.array([numbers.get(cell, -1) for cell in self.columns[name]])

    def check(self) -> None:
        """Raise the recorded mistakes, if any."""
        if len(self.mistakes) > SHOWN:
            more = Diagnostic("data", f"{self.path}: {len(self.mistakes) - SHOWN} more mistakes like these")
            raise SpecError([*self.mistakes[:SHOWN], more])
        if self.mistakes:
            raise SpecError(self.mistakes)

    def _mistake_in(self, line: int, column: str, cell: str, fault: str) -> None:
        what = f"{show_value(cell)} is {fault}" if cell.strip() else "the cell is empty"
        self.mistakes.append(Diagnostic("data", f'{self.path}:{line}: column "{column}": {what}'))


def _other_delimiter(header: list[str], delimiter: str) -> str | None:
    """Return what to do if the header seems to be one name because of another separator."""
    found = [other for other in SEPARATORS if other in header[0]] if len(header) == 1 else []
    return f'set "delimiter": {json.dumps(found[0])}, or separate cells by {json.dumps(delimiter)}' if found else None


def _is_number(cell: str) -> bool:
    try:
        # Python reads 1_000 as a number, which no other program does.
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in ("", "nan")
