"""Datasets in text files."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import ClassVar
from unicodedata import normalize

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, DataFile, Dataset, Outline, Samples
from specnet.diagnostics import show_value
from specnet.errors import DataError, Diagnostic, SpecError
from specnet.names import suggest
from specnet.numpy_files import explain_os_error
from specnet.words import Pointer, shorten

_SHOWN = 20
"""Number of mistakes that are reported one by one; the rest is counted."""
_FIRST_ROWS = 20
"""Rows that are read to tell what is in a file."""
SEPARATORS = ",;\t|"
"""Separators of cells in most files."""
_MISSING = {
    "", "?", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
}  # fmt: skip
"""Cells that stand for a missing value, as pandas reads them, and the question mark of many public tables."""
_FORMATS = {
    b"\x1f\x8b": ("a gzip file", "decompress it"),
    b"PK\x03\x04": ("a zip file or a workbook of a spreadsheet", "unpack it, or save the sheet as CSV"),
    b"\xd0\xcf\x11\xe0": ("a workbook of a spreadsheet", "save the sheet as CSV"),
    b"PAR1": ("a Parquet file", "save it as CSV"),
}
"""First bytes of other formats, their names, and what to do."""
_TEXTS = {
    "#": "the file begins with a comment: remove the lines above the header",
    "%": "the file begins with a comment: remove the lines above the header",
    "@": "this looks like an ARFF file: replace the lines above the data by one with the names of the columns",
    "{": "this looks like JSON: save the table as CSV",
    "[": "this looks like JSON: save the table as CSV",
}
"""First characters of text that may be no table, and what to do."""


class Csv(Dataset):
    """Rows of a CSV file with a header, UTF-8.

    Inputs are columns of numbers. Targets are columns of numbers, or one column of text, whose values in
    alphabetical order become class numbers. Spaces around cells and names do not count. Missing values are mistakes.
    """

    suffix: ClassVar[str] = ".csv"
    path: DataFile = Field(description="file, relative to the spec's folder")
    inputs: list[str] = Field(min_length=1, max_length=100_000, description="names of the input columns")
    targets: list[str] = Field(min_length=1, max_length=10_000, description="names of the target columns")
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, pattern=r'[^"\r\n\x00]', description="what separates cells"
    )

    def outline(self) -> Outline:
        table = Table(Path(self.path), self.delimiter, limit=_FIRST_ROWS)
        self._require_columns(table)
        known = Outline((len(self.inputs),), (len(self.targets),), splits=(), kind="numbers")
        cell = table.column(self.targets[0])[0]
        if len(self.targets) > 1 or is_number(cell):
            return known
        if cell in _MISSING:
            return replace(known, targets=None, kind=None)
        return replace(known, targets=(), kind="classes")

    def load(self, rng: np.random.Generator) -> Data:
        table = Table(Path(self.path), self.delimiter)
        self._require_columns(table)
        table.check_header()
        classes: tuple[str, ...] = ()
        if len(self.targets) == 1 and table.is_text(self.targets[0]):
            classes = tuple(sorted({*table.column(self.targets[0])} - _MISSING))
        samples = self._samples(table, targets=True, classes=classes)
        lines = np.array(table.lines)
        return Data(
            samples, classes=classes, input_names=tuple(self.inputs), target_names=tuple(self.targets), lines=lines
        )

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
        inputs = table.numbers(self.inputs, "inputs")
        if not targets:
            values = np.empty((len(inputs), 0))
        elif classes:
            values = table.class_numbers(self.targets[0], classes)
        else:
            values = table.numbers(self.targets, "targets")
        table.check()
        return Samples(inputs, values)


class Table:
    """The columns of a CSV file, with the line of each row. Collects mistakes until `check`.

    With a `limit`, at most that many rows are read.
    """

    def __init__(self, path: Path, delimiter: str, limit: int | None = None) -> None:
        self.path = path
        self.mistakes: list[Diagnostic] = []
        try:
            with path.open("rb") as binary:
                first = binary.read(8).removeprefix(b"\xef\xbb\xbf")
            self._check_format(first)
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")
                self.start, header = next(((reader.line_num, row) for row in reader if row), (1, []))
                # The csv module returns an empty line as an empty list. It is a row only in a table of one column.
                alone = [""] if len(header) == 1 else []
                rows = ((reader.line_num, row or alone) for row in reader if row or alone)
                found = list(islice(rows, limit))
        except OSError as error:
            raise explain_os_error(path, error) from error
        except UnicodeDecodeError as error:
            # The error is in the part of the file after the lines that were read.
            line = reader.line_num + error.object.count(b"\n", 0, error.start) + 1
            message = f"{path}:{line}: the byte 0x{error.object[error.start]:02x} is not UTF-8"
            raise DataError(message, help="save the file as UTF-8") from error
        except csv.Error as error:
            help = _TEXTS.get(first[:1].decode("latin-1"))
            raise DataError(f"{path}:{reader.line_num}: {error}", help=help) from error
        while found and found[-1][1] == [""]:  # empty lines at the end
            found.pop()
        self._hint = _hint(header, delimiter) if header else None
        if not found:
            raise DataError(f"{path} has no rows below its header", help=self._hint)
        self.header = [plain_name(name) for name in header]
        for line, row in found:
            if len(row) != len(header):
                message = f"{path}:{line}: {len(row)} cells, the header has {len(header)}"
                self.mistakes.append(Diagnostic("data", message, help=self._hint))
        self.check()
        self.lines = [line for line, _ in found]
        self._columns = [*zip(*(row for _, row in found), strict=True)]
        self._places = {name: place for place, name in reversed([*enumerate(self.header)])}

    def _check_format(self, first: bytes) -> None:
        for beginning, (kind, help) in _FORMATS.items():
            if first.startswith(beginning):
                raise DataError(f"{self.path} is {kind}, not a table as CSV", help=help)

    def require(self, names: list[str], field: str) -> None:
        """Record a mistake for each name that is not that of one column."""
        counts = Counter(self.header)
        hint = self._hint
        if not counts.keys() & set(map(plain_name, names)) and self._begins_with_data():
            hint = "the first line looks like data: add a line with names above it"
        for number, name in enumerate(names):
            count, help = counts[plain_name(name)], None
            if count == 0:
                message = f'{self.path} has no column "{name}"'
                help = hint or suggest(name, self.header)
            elif count > 1:
                message = f'{self.path}:{self.start}: the header names the column "{name}" more than once'
                help = self._hint
            else:
                continue
            self.mistakes.append(Diagnostic("data", message, (field, number), help))

    def check_header(self) -> None:
        """Check that the first line has names: numbers like those below them are data.

        Raises:
            DataError: if it has data.
        """
        if self._begins_with_data():
            message = f"{self.path}:{self.start}: the first line should name the columns, but it looks like data"
            raise DataError(message, help="add a line with names above it")

    def _begins_with_data(self) -> bool:
        """Return whether each number in the first line lies among those below it."""
        columns = {float(name): as_numbers(self.column(name)) for name in self.header if is_number(name)}
        found = (cells is not None and min(cells) <= name <= max(cells) for name, cells in columns.items())
        return bool(columns) and all(found)

    def column(self, name: str) -> Sequence[str]:
        """Return the cells of a column, without spaces around them."""
        return [cell.strip() for cell in self._columns[self._places[plain_name(name)]]]

    def is_text(self, name: str) -> bool:
        """Return whether no cell of a column is a number."""
        return not any(map(is_number, self.column(name)))

    def numbers(self, names: list[str], field: str) -> np.ndarray:
        """Return columns of numbers as float64 (rows, names), recording a mistake for each column of others."""
        values = np.empty((len(self.lines), len(names)))
        for number, name in enumerate(names):
            cells = self.column(name)
            if (found := as_numbers(cells)) is not None:
                values[:, number] = found
            else:
                self._wrong(name, cells, (field, number), is_number, "not a finite number")
        return values

    def class_numbers(self, name: str, classes: tuple[str, ...]) -> np.ndarray:
        """Return a column of text as positions in `classes`, recording a mistake for other cells."""
        numbers = {text: number for number, text in enumerate(classes)}
        cells = self.column(name)
        if not numbers.keys() >= {*cells}:
            fault = f"not one of the classes {show_value(classes)}"
            self._wrong(name, cells, ("targets", 0), lambda cell: cell in numbers, fault)
        return np.array([numbers.get(cell, -1) for cell in cells])

    def check(self) -> None:
        """Raise the recorded mistakes, if any."""
        if len(self.mistakes) > _SHOWN:
            more = Diagnostic("data", f"{self.path}: {len(self.mistakes) - _SHOWN} more mistakes like these")
            raise SpecError([*self.mistakes[:_SHOWN], more])
        if self.mistakes:
            raise SpecError(self.mistakes)

    def _wrong(self, name: str, cells: Sequence[str], place: Pointer, right: Callable[[str], bool], fault: str) -> None:
        """Record a mistake for the cells of a column that are not right: the first one, and the others in short."""
        (line, first), *others = [(line, cell) for line, cell in zip(self.lines, cells, strict=True) if not right(cell)]
        what = f"{show_value(first)} is {fault}" if first else "the cell is empty"
        if others:
            common = ", ".join(f"{show_value(shorten(cell))} ({count})" for cell, count in _common(others))
            what += f", and {len(others):,} more cells of the column are wrong: {common}"
        if first in _MISSING:
            help = "missing values cannot be used: remove these rows or fill the cells; a class needs another name"
        elif len(others) + 1 == len(cells):
            help = "the column is text, but numbers are needed: leave it out, or write numbers for its categories"
        else:
            help = None
        self.mistakes.append(Diagnostic("data", f'{self.path}:{line}: column "{name}": {what}', place, help))


def _common(cells: list[tuple[int, str]]) -> list[tuple[str, int]]:
    """Return the commonest of the cells with their numbers."""
    return Counter(cell for _, cell in cells).most_common(3)


def _hint(header: list[str], delimiter: str) -> str | None:
    """Return what to do about a first line that does not seem to be a header."""
    found = [other for other in SEPARATORS if other in header[0]] if len(header) == 1 else []
    if found:
        return f'set "delimiter": {json.dumps(found[0])}, or separate cells by {json.dumps(delimiter)}'
    if all(map(is_number, header)):
        return "the first line should name the columns"
    return _TEXTS.get(header[0][:1])


def plain_name(name: str) -> str:
    """Return the name of a column without spaces around it, with letters and accents composed as usual."""
    return normalize("NFC", name.strip())


def is_number(cell: str) -> bool:
    """Return whether a cell is a finite number."""
    return as_numbers([cell]) is not None


def as_numbers(cells: Sequence[str]) -> list[float] | None:
    """Return cells as numbers, or None unless all of them are finite numbers."""
    try:
        numbers = [*map(float, cells)]
    except ValueError:
        return None
    # Python also reads 1_000 and digits of other scripts, which no other program does.
    plain = "".join(cells)
    return numbers if plain.isascii() and "_" not in plain and all(map(math.isfinite, numbers)) else None
