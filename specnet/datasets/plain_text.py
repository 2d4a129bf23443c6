"""Plain text divided into cells, numbers and different texts by operations on arrays of its bytes.

The csv module and `float` read the same, one cell after the other: ten times as slow. Text that is not plain, such as a
table with quotes in the middle of cells, is left to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from typing import TextIO

import numpy as np

from specnet.datasets.table import Texts, find_distinct, parse_numbers

_CHUNK = 2**20
"""Characters that are read at a time."""
_NEWLINE, _RETURN, _MINUS, _PLUS, _POINT, _ZERO = b"\n\r-+.0"
_DIGITS = 15
"""Digits of which all whole numbers are exact in float64. So are powers of ten up to 10^22, and the division by one of
them is then rounded as the decimal number is (Clinger, "How to read floating point numbers accurately", 1990)."""
_POWERS = 10.0 ** np.arange(_DIGITS + 1)
_CELLS = 20_000
"""Cells that are read as numbers at a time, of several columns where a block has few rows."""
_ROWS = 1000
"""Rows from which on texts are compared as arrays: for fewer a dictionary is faster."""
_WIDTH = 64
"""Bytes of the longest texts that are compared as arrays."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_BITS = 18
"""Bits of the hashes of texts: two of a hundred different texts rarely have the same hash."""


class NotPlainError(ValueError):
    """Another reader is needed."""


class Block:
    """Some rows of a table: where the cells of each column begin in the bytes, and how long they are."""

    def __init__(self, text: str, delimiter: str, quote: str, width: int) -> None:
        if "\0" in text:
            raise NotPlainError
        self.data = text.encode()
        self.bytes = np.frombuffer(self.data, np.uint8)
        separator = self.bytes == ord(delimiter)
        newline = self.bytes == _NEWLINE
        ends = separator | newline
        quoted = quote in text
        if quoted:
            quotes = self.bytes == ord(quote)
            ends &= ~np.bitwise_xor.accumulate(quotes)
        stops = np.flatnonzero(ends)
        starts = np.append(0, stops[:-1] + 1)
        lengths = stops - starts
        last = newline[stops]
        if "\r" in text:
            returns = last & (lengths > 0) & (self.bytes[stops - 1] == _RETURN)
            if returns.sum() != text.count("\r"):
                raise NotPlainError
            lengths -= returns
        blank = last & (lengths == 0) & np.append(True, last[:-1])
        if blank.any():
            starts, lengths, last = starts[~blank], lengths[~blank], last[~blank]
        if len(starts) % width or not (last.reshape(-1, width) == (np.arange(width) == width - 1)).all():
            raise NotPlainError
        if quoted:
            opened = (lengths > 1) & (self.bytes[starts] == ord(quote))
            closed = self.bytes[starts + lengths - 1] == ord(quote)
            if (opened & ~closed).any() or quotes.sum() != 2 * opened.sum():
                raise NotPlainError
            starts, lengths = starts + opened, lengths - 2 * opened
        self.starts = np.ascontiguousarray(starts.reshape(-1, width).T)
        self.lengths = np.ascontiguousarray(lengths.reshape(-1, width).T)

    @property
    def rows(self) -> int:
        return self.starts.shape[1]

    def texts(self, column: int, rows: np.ndarray) -> list[str]:
        """Return some cells of a column."""
        starts, lengths = self.starts[column][rows], self.lengths[column][rows]
        data = self.data
        return [
            data[start:stop].decode() for start, stop in zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
        ]

    def numbers(self, columns: Sequence[int]) -> tuple[np.ndarray, list[int]]:
        """Return the cells of some columns as numbers (columns, rows), and the columns with other cells as well."""
        starts, lengths = self.starts[columns].ravel(), self.lengths[columns].ravel()
        first = self.bytes[starts]
        negative = (first == _MINUS) & (lengths > 0)
        signed = negative | (first == _PLUS) & (lengths > 0)
        starts, lengths = starts + signed, lengths - signed
        value, decimals = np.zeros(len(starts)), np.zeros(len(starts), np.intp)
        point, plain = np.zeros(len(starts), bool), np.ones(len(starts), bool)
        for place in range(min(int(lengths.max()), _DIGITS + 1)):
            character, inside = self.bytes.take(starts + place, mode="clip"), lengths > place
            digit = character - np.uint8(_ZERO)
            is_digit = (digit < 10) & inside
            is_point = (character == _POINT) & inside
            plain &= (is_digit | is_point & ~point) | ~inside
            np.copyto(value, 10 * value + digit, where=is_digit)
            decimals += is_digit & point
            point |= is_point
        digits = lengths - point
        plain &= (digits > 0) & (digits <= _DIGITS)
        value /= _POWERS[decimals]
        np.negative(value, out=value, where=negative)
        values, others = value.reshape(len(columns), -1), ~plain.reshape(len(columns), -1)
        wrong = []
        for row in np.flatnonzero(others.any(axis=1)).tolist():
            column, cells = columns[row], np.flatnonzero(others[row])
            numbers = parse_numbers(self.texts(column, cells))
            if numbers is None:
                wrong.append(column)
            else:
                values[row, cells] = numbers
        return values, wrong

    def distinct(self, column: int) -> tuple[list[str], np.ndarray]:
        """Return the different texts of a column, and for each row the index of its own (rows,)."""
        starts, lengths = self.starts[column], self.lengths[column]
        width = int(lengths.max())
        if self.rows >= _ROWS and width <= _WIDTH:
            hashes = lengths.astype(np.uint64)
            for place in range(width):
                character = self.bytes.take(starts + place, mode="clip") * (lengths > place)
                hashes = hashes * _FACTOR + character
            buckets, rows = hashes * _FACTOR >> np.uint64(64 - _BITS), np.arange(self.rows)
            table = np.zeros(2**_BITS, np.int64)
            table[buckets[::-1]] = rows[::-1]
            first = table[buckets]  # the first row in the same bucket
            if self._same(starts, lengths, first, width):
                distinct = np.flatnonzero(first == rows)
                table[buckets[distinct]] = np.arange(len(distinct))
                return self.texts(column, distinct), table[buckets]
        return find_distinct(self.texts(column, np.arange(self.rows)))

    def _same(self, starts: np.ndarray, lengths: np.ndarray, other: np.ndarray, width: int) -> bool:
        """Return whether cells have the same text as those in other rows."""
        others, same = starts[other], lengths == lengths[other]
        for place in range(width):
            same &= (self.bytes.take(starts + place, mode="clip") == self.bytes.take(others + place, mode="clip")) | (
                lengths <= place
            )
        return bool(same.all())


class _Numbers:
    """Columns of numbers (rows, columns), to which rows are added."""

    def __init__(self, columns: int) -> None:
        self.values, self.rows = np.empty((0, columns)), 0

    def grow(self, rows: int) -> np.ndarray:
        """Return new rows, to be written to."""
        start, self.rows = self.rows, self.rows + rows
        if self.rows > len(self.values):
            self.values.resize((self.rows + self.rows // 8, self.values.shape[1]), refcheck=False)
        return self.values[start : self.rows]

    def finish(self) -> np.ndarray:
        self.values.resize((self.rows, self.values.shape[1]), refcheck=False)
        return self.values


PlainColumns = tuple[np.ndarray, set[int], dict[int, Texts]]
"""Numbers (rows, columns), positions of those columns that have other cells as well, and text by position."""


def read_plain(
    file: TextIO, delimiter: str, quote: str, width: int, numbers: Sequence[int], texts: Collection[int]
) -> PlainColumns:
    """Return columns of a table by their positions, those said to be numbers and others as text.

    Raises:
        NotPlainError: if the table is not plain, or its rows do not have `width` cells.
    """
    if width == 1 or not (delimiter + quote).isascii():
        raise NotPlainError
    values, wrong = _Numbers(len(numbers)), set[int]()
    known = {column: defaultdict[str, int](count().__next__) for column in texts}
    found: dict[int, list[np.ndarray]] = {column: [] for column in texts}
    for text in _chunks(file, quote):
        block = Block(text, delimiter, quote, width)
        if not block.rows:
            continue
        rows = values.grow(block.rows)
        step = max(_CELLS // block.rows, 1)
        for start in range(0, len(numbers), step):
            places = [place for place in range(start, min(start + step, len(numbers))) if numbers[place] not in wrong]
            if places:
                cells, others = block.numbers([numbers[place] for place in places])
                rows[:, places] = cells.T
                wrong.update(others)
        for column, index in known.items():
            distinct, each = block.distinct(column)
            found[column].append(np.array([index[text] for text in distinct], np.int64)[each])
    columns = {column: Texts([*index], np.concatenate(found[column])) for column, index in known.items()}
    return values.finish(), wrong, columns


def _chunks(file: TextIO, quote: str) -> Iterator[str]:
    """Yield whole lines, and whole cells in quotes."""
    while chunk := file.read(_CHUNK):
        chunk += file.readline()
        while quote in chunk and chunk.count(quote) % 2 and (line := file.readline()):
            chunk += line
        yield chunk if chunk.endswith("\n") else f"{chunk}\n"
