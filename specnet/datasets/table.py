"""The columns of a text file."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np

from specnet.datasets.text_files import DECOMPRESSION_ERRORS, SEPARATORS, TableLines, find_separator, open_text
from specnet.diagnostics import show_value
from specnet.errors import DataError, Diagnostic, SpecError
from specnet.names import suggest
from specnet.numpy_files import explain_os_error
from specnet.words import Pointer, shorten

if TYPE_CHECKING:
    from specnet.datasets.tabular import Csv

NO_HEADER = 'set "header": false, or add a line with names above it'
_SAMPLE = 20
"""TableLines that are read to find the separator."""
_SHOWN = 20
"""Number of mistakes that are reported one by one; the rest is counted."""
MISSING = {
    "", "?", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
}  # fmt: skip
"""Cells that stand for a missing value, as pandas reads them, and the question mark of many public tables."""
_TEXTS = {
    "#": 'set "comment": "#", or remove the lines above the header',
    "%": 'set "comment": "%", or remove the lines above the header',
    "@": "this looks like an ARFF file: replace the lines above the data by one with the names of the columns",
    "{": "this looks like JSON: save the table as CSV",
    "[": "this looks like JSON: save the table as CSV",
}
"""First characters of text that may be no table, and what to do."""


class Table:
    """The columns of a CSV file, with the line of each row. Collects mistakes until `check`.

    With a `limit`, at most that many rows are read.
    """

    def __init__(self, path: Path, form: Csv, limit: int | None = None) -> None:
        self.path = path
        self.form = form
        self.mistakes: list[Diagnostic] = []
        lines: TableLines | None = None
        try:
            delimiter = form.delimiter or self._find_delimiter()
            with open_text(path, form.encoding) as file:
                lines = TableLines(file, form.skip_rows, form.comment)
                reader = csv.reader(
                    lines, delimiter=delimiter, quotechar=form.quote, strict=True, skipinitialspace=delimiter != " "
                )
                self.start, first = next(((lines.number, row) for row in reader if row), (1, []))
                # The csv module returns an empty line as an empty list. It is a row only in a table of one column.
                alone = [""] if len(first) == 1 else []
                rows = ((lines.number, row or alone) for row in reader if row or alone)
                found = [] if form.header or not first else [(self.start, first)]
                found += islice(rows, limit)
        except OSError as error:
            raise explain_os_error(path, error) from error
        except DECOMPRESSION_ERRORS as error:
            raise DataError(f"{path} cannot be decompressed: {error}") from error
        except UnicodeError as error:
            raise self._wrong_encoding(error, lines) from error
        except csv.Error as error:
            raise DataError(f"{path}:{lines.number if lines else 1}: {error}", help=self._text_hint()) from error
        while found and found[-1][1] == [""]:  # empty lines at the end
            found.pop()
        self._hint = self._find_hint(first, delimiter) if first and form.header else None
        if not found:
            raise DataError(f"{path} has no rows{' below its header' * form.header}", help=self._hint)
        numbered = first if form.header else [str(number) for number in range(len(first))]
        self.header = [plain_name(name) for name in form.names or numbered]
        known = '"names" has' if form.names else "the header has" if form.header else "the first row has"
        for line, row in found:
            if len(row) != len(self.header):
                message = f"{path}:{line}: {len(row)} cells, {known} {len(self.header)}"
                self.mistakes.append(Diagnostic("data", message, help=self._hint))
        self.check()
        self.lines = [line for line, _ in found]
        self._columns = [*zip(*(row for _, row in found), strict=True)]
        self._places = {name: place for place, name in reversed([*enumerate(self.header)])}

    def _find_delimiter(self) -> str:
        form = self.form
        with open_text(self.path, form.encoding) as file:
            lines = [
                *islice((line for line in TableLines(file, form.skip_rows, form.comment) if line.strip()), _SAMPLE)
            ]
        return find_separator(lines, form.quote)

    def _wrong_encoding(self, error: UnicodeError, lines: TableLines | None) -> DataError:
        help = 'set "encoding", such as "latin-1", or save the file as UTF-8'
        if not isinstance(error, UnicodeDecodeError):
            return DataError(f"{self.path}: the text is not {self.form.encoding}: {error}", help=help)
        # The error is in the part of the file after the lines that were read.
        line = (lines.number if lines else 0) + error.object.count(b"\n", 0, error.start) + 1
        byte = f"the byte 0x{error.object[error.start]:02x} is not {error.encoding.upper()}"
        return DataError(f"{self.path}:{line}: {byte}", help=help)

    def _text_hint(self) -> str | None:
        with (
            suppress(OSError, UnicodeError, DataError, *DECOMPRESSION_ERRORS),
            open_text(self.path, self.form.encoding) as file,
        ):
            return _TEXTS.get(file.read(1))
        return None

    def _find_hint(self, header: list[str], delimiter: str) -> str | None:
        """Return what to do about a first line that does not seem to be a header."""
        found = [other for other in SEPARATORS if other in header[0]] if len(header) == 1 else []
        if found and self.form.delimiter:
            return f'set "delimiter": {json.dumps(found[0])}, or separate cells by {json.dumps(delimiter)}'
        if all(map(self.is_number, header)) and not self.form.names:
            return NO_HEADER
        return _TEXTS.get(header[0][:1])

    def require(self, names: list[str], field: str) -> None:
        """Record a mistake for each name that is not that of one column."""
        counts = Counter(self.header)
        hint = self._hint
        if not counts.keys() & set(map(plain_name, names)) and self._begins_with_data():
            hint = f"the first line looks like data: {NO_HEADER}"
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
            raise DataError(message, help=NO_HEADER)

    def _begins_with_data(self) -> bool:
        """Return whether each number in the first line is like those below it."""
        if not self.form.header or self.form.names:
            return False
        columns = {float(name): self.as_numbers(self.column(name)) for name in self.header if self.is_number(name)}
        return bool(columns) and all(cells is not None and _is_like(name, cells) for name, cells in columns.items())

    def column(self, name: str) -> Sequence[str]:
        """Return the cells of a column, without spaces around them."""
        return [cell.strip() for cell in self._columns[self._places[plain_name(name)]]]

    def is_text(self, name: str) -> bool:
        """Return whether no cell of a column is a number."""
        return not any(map(self.is_number, self.column(name)))

    def numbers(self, names: list[str], field: str) -> np.ndarray:
        """Return columns of numbers as float64 (rows, names), recording a mistake for each column of others."""
        values = np.empty((len(self.lines), len(names)))
        for number, name in enumerate(names):
            cells = self.column(name)
            if (found := self.as_numbers(cells)) is not None:
                values[:, number] = found
            else:
                self._wrong(name, cells, (field, number), self.is_number, "not a finite number")
        return values

    def is_number(self, cell: str) -> bool:
        """Return whether a cell is a finite number."""
        return self.as_numbers([cell]) is not None

    def as_numbers(self, cells: Sequence[str]) -> list[float] | None:
        """Return cells as numbers, or None unless all of them are finite numbers."""
        form = self.form
        if form.thousands:
            cells = [cell.replace(form.thousands, "") for cell in cells]
        if form.decimal != ".":
            if any("." in cell for cell in cells):
                return None
            cells = [cell.replace(form.decimal, ".") for cell in cells]
        try:
            numbers = [*map(float, cells)]
        except ValueError:
            return None
        # Python also reads 1_000 and digits of other scripts, which no other program does.
        plain = "".join(cells)
        return numbers if plain.isascii() and "_" not in plain and all(map(math.isfinite, numbers)) else None

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
        if first in MISSING:
            help = "missing values cannot be used: remove these rows or fill the cells; a class needs another name"
        elif len(others) + 1 == len(cells):
            help = "the column is text, but numbers are needed: leave it out, or write numbers for its categories"
        elif self.form.decimal == "." and self.as_numbers([first.replace(",", ".", 1)]) is not None:
            help = 'set "decimal": ",", if that is the decimal mark'
        else:
            help = None
        self.mistakes.append(Diagnostic("data", f'{self.path}:{line}: column "{name}": {what}', place, help))


def _common(cells: list[tuple[int, str]]) -> list[tuple[str, int]]:
    """Return the commonest of the cells with their numbers."""
    return Counter(cell for _, cell in cells).most_common(3)


def _is_like(number: float, others: Sequence[float]) -> bool:
    """Return whether a number is among others, or no further from them than half their size or twice their range."""
    low, high = min(others), max(others)
    margin = max(2 * (high - low), max(abs(low), abs(high)) / 2)
    return low - margin <= number <= high + margin


def plain_name(name: str) -> str:
    """Return the name of a column without spaces around it, with letters and accents composed as usual."""
    return normalize("NFC", name.strip())
