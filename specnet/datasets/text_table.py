"""`TextTable`: the columns of a text file."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from specnet.datasets.plain_text import NotPlainError, PlainColumns, read_plain
from specnet.datasets.table import Cells, Table, Texts, find_distinct, parse_marked, plain_name
from specnet.datasets.text_files import (
    SEPARATORS,
    EncodingError,
    TableLines,
    find_separator,
    first_character,
    guess_encoding,
    open_text,
    use_plugin,
)
from specnet.errors import DataError, Diagnostic

if TYPE_CHECKING:
    from specnet.datasets.csv_files import Csv

NO_HEADER = 'set "header": false, or add a line with names above it'
_SAMPLE = 100
"""Rows that are read to find the separator, and the columns of numbers."""
_ROWS = 1000
"""Rows that are divided into columns at a time."""
_TEXTS = {
    "#": 'set "comment": "#", or remove the lines above the header',
    "%": 'set "comment": "%", or remove the lines above the header',
    "@": "this looks like an ARFF file: replace the lines above the data by one with the names of the columns",
    "{": f"this looks like JSON: if each line is an object, {use_plugin('json_lines')}",
    "[": "this looks like JSON: save the table as CSV",
}
"""First characters of text that may be no table, and what to do."""


class TextTable(Table):
    """The columns of a CSV file. With a `limit`, at most that many rows are read."""

    def __init__(self, path: Path, form: Csv, limit: int | None = None) -> None:
        self.path, self.form = path, form
        self._blocked: dict[int, int] = {}
        self._texts: dict[int, Texts] = {}
        self.delimiter = form.delimiter or self._find_delimiter()
        numbered = self._read(_SAMPLE + 2 if limit is None else limit + form.header)
        if not numbered:
            raise DataError(f"{path} has no rows{' below its header' * form.header}", help=self._text_hint())
        self.start, first = numbered[0]
        sample = numbered[form.header :]
        self._hint = self._find_hint(first) if form.header else None
        if not sample:
            raise DataError(f"{path} has no rows below its header", help=self._hint)
        super().__init__(str(path), form.names or (first if form.header else [*map(str, range(len(first)))]))
        self._check_widths(sample)
        columns: list[Cells] | None = None
        if limit is None and len(sample) > _SAMPLE:
            columns = self._read_fast([row for _, row in sample])
            columns = columns or self._read_rows()
            if columns is None:
                sample = self._read()[form.header :]
                self._check_widths(sample)
        self._columns = columns if columns is not None else [*map(list, zip(*(row for _, row in sample), strict=True))]

    def _read(self, limit: int | None = None) -> list[tuple[int, list[str]]]:
        """Return rows with the numbers of their last lines, the header too; the first ones, or all of them."""
        lines: TableLines | None = None
        form = self.form
        try:
            with open_text(self.path, form.encoding) as file:
                lines = TableLines(file, form.skip_rows, form.comment)
                rows = self._rows(lines)
                found = [(lines.number, row) for row in islice(rows, limit)]
        except UnicodeError as error:
            raise self._wrong_encoding(error, lines) from error
        except csv.Error as error:
            raise DataError(f"{self.path}:{lines.number if lines else 1}: {error}", help=self._text_hint()) from error
        while found and found[-1][1] == [""] and len(found) != limit:  # empty lines at the end
            found.pop()
        return found

    def _rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Yield the rows of lines, the header too."""
        blank = self.delimiter != " "
        reader = csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.form.quote, strict=True, skipinitialspace=blank
        )
        first = next(filter(None, reader), None)
        if first is None:
            return iter(())
        # The csv module returns an empty line as an empty list. It is a row only in a table of one column.
        rest = ((row or [""]) for row in reader) if len(first) == 1 else filter(None, reader)
        return chain([first], rest)

    def _read_rows(self) -> list[Cells] | None:
        """Return all columns, read by the csv module without the numbers of lines; None if anything is wrong."""
        form = self.form
        columns: list[list[str]] = [[] for _ in self.names]
        with suppress(ValueError, csv.Error, DataError), open_text(self.path, form.encoding) as file:
            lines = TableLines(file, form.skip_rows, form.comment) if form.skip_rows or form.comment else file
            rows = islice(self._rows(lines), form.header, None)
            while some := [*islice(rows, _ROWS)]:
                for column, cells in zip(columns, zip(*some, strict=True), strict=True):
                    column.extend(cells)
            while columns[0] and len(columns) == 1 and not columns[0][-1]:  # empty lines at the end
                columns[0].pop()
            return [*columns]
        return None

    def _read_fast(self, sample: list[list[str]]) -> list[Cells] | None:
        """Return all columns, read by operations on arrays; None if the table is not plain."""
        plain = self.form.decimal == "." and not self.form.thousands
        numeric = [plain and self.parse_all(cells) is not None for cells in zip(*sample, strict=True)]
        numbers, others = ([number for number, each in enumerate(numeric) if each is kind] for kind in (True, False))
        with suppress(NotPlainError, UnicodeError, DataError):  # the csv module finds their place
            values, wrong, columns = self._read_plain(numbers, others)
            if wrong:
                columns |= self._read_plain([], wrong)[2]
            self._block = values
            self._blocked = {number: place for place, number in enumerate(numbers) if number not in wrong}
            found = columns | {number: values[:, place] for number, place in self._blocked.items()}
            return [found[number] for number in range(len(numeric))]
        return None

    def _read_plain(self, numbers: Sequence[int], texts: Collection[int]) -> PlainColumns:
        """Return columns by their positions, read by operations on arrays."""
        form = self.form
        if form.comment:
            raise NotPlainError
        with open_text(self.path, form.encoding) as file:
            for _ in range(self.start if form.header else form.skip_rows):
                file.readline()
            return read_plain(file, self.delimiter, form.quote, len(self.names), numbers, texts)

    def _check_widths(self, rows: list[tuple[int, list[str]]]) -> None:
        form = self.form
        known = '"names" has' if form.names else "the header has" if form.header else "the first row has"
        for line, row in rows:
            if len(row) != len(self.names):
                cells = f"{len(row)} cell{'s' * (len(row) != 1)}"
                message = f"{self.path}:{line}: {cells}, {known} {len(self.names)}"
                self.mistakes.append(Diagnostic("data", message, help=self._hint))
        self.check()

    @cached_property
    def _lines(self) -> list[int]:
        """Number of the last line of each row; read again, as it is only needed for messages."""
        return [line for line, _ in self._read()[self.form.header :]]

    @property
    def rows(self) -> int:
        return len(self._columns[0])

    def place(self, row: int) -> str:
        return f"line {self._lines[row]}"

    def cells_at(self, number: int) -> Cells:
        cells = self._columns[number]
        if isinstance(cells, np.ndarray):
            return cells
        if number not in self._texts:
            self._texts[number] = _stripped(cells)
        return self._texts[number]

    def text(self, name: str) -> Texts:
        number = self._positions[plain_name(name)]
        if isinstance(self.cells_at(number), np.ndarray) and number not in self._texts:
            # Numbers are not what is written: 007 is 7.0.
            self._texts[number] = _stripped(self._read_plain([], [number])[2][number])
        return self._texts[number]

    def block(self, names: Sequence[str]) -> np.ndarray | None:
        places = [self._blocked.get(self._positions[plain_name(name)], -1) for name in names]
        first = places[0]
        if first < 0 or places != [*range(first, first + len(places))]:
            return None
        return self._block[:, first : first + len(places)]

    def parse_all(self, cells: Sequence[str]) -> list[float] | None:
        return parse_marked(cells, self.form.decimal, self.form.thousands)

    def hint(self) -> str | None:
        return f"the first line looks like data: {NO_HEADER}" if self._begins_with_data() else self._hint

    def _find_delimiter(self) -> str:
        form = self.form
        try:
            with open_text(self.path, form.encoding) as file:
                table = TableLines(file, form.skip_rows, form.comment)
                lines = [*islice((line for line in table if line.strip()), _SAMPLE)]
        except (UnicodeError, DataError):
            return SEPARATORS[0]  # `_read` reports it
        return find_separator(lines, form.quote)

    def _wrong_encoding(self, error: UnicodeError, lines: TableLines | None) -> DataError:
        guess = guess_encoding(self.path)
        if not isinstance(error, UnicodeDecodeError):
            return EncodingError(f"{self.path}: the text is not {self.form.encoding}: {error}", guess)
        # The error is in the part of the file after the lines that were read.
        line = (lines.number if lines else 0) + error.object.count(b"\n", 0, error.start) + 1
        byte = f"the byte 0x{error.object[error.start]:02x} is not {error.encoding.upper()}"
        return EncodingError(f"{self.path}:{line}: {byte}", guess)

    def _text_hint(self) -> str | None:
        return _TEXTS.get(first_character(self.path, self.form.encoding))

    def _find_hint(self, header: list[str]) -> str | None:
        """Return what to do about a first line that does not seem to be a header."""
        found = [other for other in SEPARATORS if other in header[0]] if len(header) == 1 else []
        if found and self.form.delimiter:
            return f'set "delimiter": {json.dumps(found[0])}, or separate cells by {json.dumps(self.delimiter)}'
        if all(self.parse(name) is not None for name in header) and not self.form.names:
            return NO_HEADER
        return _TEXTS.get(header[0][:1])

    def check_names(self) -> None:
        if self._begins_with_data():
            message = f"{self.path}:{self.start}: the first line should name the columns, but it looks like data"
            raise DataError(message, help=NO_HEADER)

    def _begins_with_data(self) -> bool:
        """Return whether each number in the first line is like those below it."""
        if not self.form.header or self.form.names:
            return False
        pairs = [*self._numbered_columns()]
        return bool(pairs) and all(cells is not None and _is_like(name, cells) for name, cells in pairs)

    def _numbered_columns(self) -> Iterator[tuple[float, Sequence[float] | None]]:
        """Yield each name that is a number, with the cells below it as numbers."""
        for number, name in enumerate(self.names):
            if (value := self.parse(name)) is not None:
                cells = self.cells_at(number)
                yield value, cells.tolist() if isinstance(cells, np.ndarray) else self.parse_all(cells)


def _stripped(cells: Sequence[str]) -> Texts:
    """Return cells without spaces around them."""
    distinct, index = find_distinct(cells)
    texts, place = find_distinct([*map(str.strip, distinct)])
    return Texts(texts, place[index])


def _is_like(number: float, others: Sequence[float]) -> bool:
    """Return whether a number is among others, or no further from them than half their size or twice their range."""
    low, high = min(others), max(others)
    margin = max(2 * (high - low), max(abs(low), abs(high)) / 2)
    return low - margin <= number <= high + margin
