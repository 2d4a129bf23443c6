"""`Table`: named columns of text, numbers or dates."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any
from unicodedata import normalize

import numpy as np

from specnet.diagnostics import show_value
from specnet.errors import Diagnostic, SpecError
from specnet.names import suggest
from specnet.words import Pointer, shorten

_SHOWN = 20
"""Number of mistakes that are reported one by one; the rest is counted."""
EXACT_WHOLE = 2**53
"""Whole number up to which all are numbers in float64."""
_LARGEST = float(np.finfo(np.float64).max)
_CURRENCIES = "$€£¥₹ "
"""Characters around numbers that do not count. Numbers with % are divided by 100."""


class Texts(Sequence[str]):
    """Text of a column: the different texts, and for each row the number of its own (rows,)."""

    def __init__(self, distinct: list[str], numbers: np.ndarray) -> None:
        self.distinct, self.numbers = distinct, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: Any) -> Any:
        found = self.numbers[row]
        return [self.distinct[number] for number in found] if isinstance(row, slice) else self.distinct[found]

    def __iter__(self) -> Iterator[str]:
        return map(self.distinct.__getitem__, self.numbers.tolist())


Cells = np.ndarray | Sequence[str]
"""A column: float64 with NaN for missing values, datetime64 with NaT, or text without spaces around it."""


class Table(ABC):
    """Columns with names, and the mistakes found in them until `check` raises them.

    `source` is the name of the file, for messages.
    """

    delimiter = ""
    """What separates the cells of a text file."""

    def __init__(self, source: str, names: Sequence[str]) -> None:
        self.source = source
        self.names = [*map(plain_name, names)]
        self.mistakes: list[Diagnostic] = []
        self._positions = {name: number for number, name in reversed([*enumerate(self.names)])}
        self._distinct: dict[int, tuple[list[str], np.ndarray]] = {}

    @abstractmethod
    def place(self, row: int) -> str:
        """Return where a row is: "line 7" of a text file, else "row 5"."""

    @abstractmethod
    def cells_at(self, number: int) -> Cells:
        """Return the cells of a column by its position."""

    def cells(self, name: str) -> Cells:
        """Return the cells of a column by its name."""
        return self.cells_at(self._positions[plain_name(name)])

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.cells_at(0))

    def block(self, names: Sequence[str]) -> np.ndarray | None:
        """Return columns that are numbers as one array (rows, names), if that takes no memory; else None."""
        return None

    def text(self, name: str) -> Sequence[str]:
        """Return the cells of a column as text; missing ones are empty."""
        return as_text(self.cells(name))

    def distinct(self, name: str) -> tuple[list[str], np.ndarray]:
        """Return the different texts in a column, and for each row the index of its own (rows,)."""
        number = self._positions[plain_name(name)]
        if number not in self._distinct:
            self._distinct[number] = find_distinct(self.text(name))
        return self._distinct[number]

    def parse(self, cell: str) -> float | None:
        """Return a cell as a number; None if it is not a finite one."""
        found = self.parse_all([cell])
        return found[0] if found else None

    def parse_all(self, cells: Sequence[str]) -> list[float] | None:
        """Return cells as numbers, or None unless all of them are finite numbers."""
        return parse_numbers(cells)

    def check_names(self) -> None:
        """Check that the names of the columns are names, not data such as numbers like those below them.

        Raises:
            DataError: if they are not.
        """
        return

    def hint(self) -> str | None:
        """Return what to do if a column is not found, or None."""
        return None

    def require(self, names: Iterable[str], field: str) -> None:
        """Record a mistake for each name without a column of its own; `field` is where the spec has the names."""
        counts, first = Counter(self.names), dict[str, int]()
        for number, name in enumerate(names):
            first.setdefault(name, number)
        for name, number in first.items():
            times = counts[plain_name(name)]
            if times != 1:
                message = f'{self.source} has {"several columns" if times else "no column"} "{name}"'
                help = self.hint() or ("give them different names" if times else suggest(name, self.names))
                self.mistakes.append(Diagnostic("data", message, (field, number), help))

    def mistake(self, message: str, place: Pointer, help: str | None = None) -> None:
        """Record a mistake."""
        self.mistakes.append(Diagnostic("data", f"{self.source}: {message}", place, help))

    def check(self) -> None:
        """Raise the recorded mistakes, if any."""
        if len(self.mistakes) > _SHOWN:
            more = Diagnostic("data", f"{self.source}: {len(self.mistakes) - _SHOWN} more mistakes like these")
            raise SpecError([*self.mistakes[:_SHOWN], more])
        if self.mistakes:
            raise SpecError(self.mistakes)

    def report(self, name: str, place: Pointer, wrong: np.ndarray, fault: str, help: str | None = None) -> None:
        """Record a mistake for cells of a column, where `wrong` (rows,) is True: the first one, the others in short."""
        rows = np.flatnonzero(wrong)
        cells = self.text(name)
        first, others = cells[rows[0]], [cells[row] for row in rows[1:]]
        what = f"{show_value(first)} is {fault}" if first else "the cell is empty"
        if others:
            common = ", ".join(
                f"{show_value(shorten(cell))} ({times})" for cell, times in Counter(others).most_common(3)
            )
            what += f", and {len(others):,} more cells of the column are wrong: {common}"
        where = self.place(int(rows[0]))
        located = f"{self.source}:{where[5:]}" if where.startswith("line ") else f"{self.source}, {where}"
        self.mistakes.append(Diagnostic("data", f'{located}: column "{name}": {what}', place, help))


class ArrayTable(Table):
    """Columns in memory, such as those of a data frame; `column` returns them by name, with None for missing text."""

    def __init__(self, source: str, names: Sequence[str], column: Callable[[str], np.ndarray]) -> None:
        super().__init__(source, names)
        self._column = cache(lambda number: _as_cells(column(names[number])))

    def place(self, row: int) -> str:
        return f"row {row}"

    def cells_at(self, number: int) -> Cells:
        return self._column(number)


def _as_cells(values: np.ndarray) -> Cells:
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]")
    inexact = values.dtype.kind in "iu" and values.size and max(int(values.max()), -int(values.min())) > EXACT_WHOLE
    if values.dtype.kind == "b" or inexact:
        return [str(value) for value in values.tolist()]
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    texts = values.tolist()
    if all(type(value) in (int, float, type(None)) for value in texts):
        numbers = [np.nan if value is None else value for value in texts]
        try:
            return np.array(numbers, np.float64)
        except OverflowError:  # reported as not finite
            return np.array([np.inf if abs(value) > _LARGEST else value for value in numbers], np.float64)
    return ["" if _lacks(value) else str(value).strip() for value in texts]


def _lacks(value: object) -> bool:
    """Return whether an object stands for a missing value: None, a NaN, or NaT or NA of pandas."""
    return value is None or (not isinstance(value, str) and str(value) in ("nan", "NaT", "<NA>"))


def as_text(cells: Cells) -> Sequence[str]:
    """Return cells as text: whole numbers without a decimal point, missing ones empty."""
    if not isinstance(cells, np.ndarray):
        return cells
    if cells.dtype.kind == "M":
        return ["" if text == "NaT" else text.removesuffix("T00:00:00.000000") for text in cells.astype(str).tolist()]
    return [
        "" if math.isnan(value) else str(int(value)) if value.is_integer() else repr(value) for value in cells.tolist()
    ]


def find_distinct(cells: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Return the different texts among cells, and for each cell the index of its own (cells,)."""
    if isinstance(cells, Texts):
        return cells.distinct, cells.numbers
    index: defaultdict[str, int] = defaultdict(count().__next__)
    numbers = np.fromiter(map(index.__getitem__, cells), np.int64, len(cells))
    return [*index], numbers


def parse_numbers(cells: Sequence[str]) -> list[float] | None:
    """Return cells as numbers, or None unless all of them are finite numbers."""
    try:
        numbers = [*map(float, cells)]
    except ValueError:
        return None
    # Python also reads 1_000 and digits of other scripts, which no other program does.
    plain = "".join(cells)
    return numbers if plain.isascii() and "_" not in plain and bool(np.isfinite(numbers).all()) else None


def parse_marked(cells: Sequence[str], decimal: str, thousands: str | None) -> list[float] | None:
    """Return cells as numbers with these marks, also with currencies or per cent; None unless all are finite ones."""
    if thousands:
        grouped = _grouped(decimal, thousands)
        if any(thousands in cell and not grouped.search(cell) for cell in cells):
            return None
        cells = [cell.replace(thousands, "") for cell in cells]
    if decimal != ".":
        if any("." in cell for cell in cells):
            return None
        cells = [cell.replace(decimal, ".") for cell in cells]
    found = parse_numbers(cells)
    if found is None and (plain := [*map(without_unit, cells)]) != cells:
        found = parse_numbers(plain)
        per_cent = [cell.endswith("%") for cell in cells]
        return found and [value / 100 if share else value for value, share in zip(found, per_cent, strict=True)]
    return found


@cache
def _grouped(decimal: str, thousands: str) -> re.Pattern[str]:
    """Return the pattern of a number with a mark before each three digits."""
    mark, point = re.escape(thousands), re.escape(decimal)
    return re.compile(rf"(?<![\d{mark}])[1-9]\d{{0,2}}({mark}\d{{3}})+(?![\d{mark}])({point}\d*)?")


def without_unit(cell: str) -> str:
    """Return a number without a currency or the sign for per cent: -$3 is -3."""
    sign = "-" * (cell[:1] == "-" and cell[1:2] in (*_CURRENCIES,))
    return sign + cell[len(sign) :].strip(_CURRENCIES).removesuffix("%")


def find_odd_units(cells: Sequence[str]) -> tuple[str, set[str]] | None:
    """Return a cell with the commonest currency or %, and the cells with another one; None if all are in one unit.

    Numbers may lack the currency that others have, but not the %, which divides by 100.
    """
    marks = {*"".join(cells)} & {*_CURRENCIES.strip(), "%"}
    if not marks or (marks < {*_CURRENCIES} and len(marks) == 1):
        return None
    units = {cell: next((mark for mark in marks if mark in cell), "") for cell in cells}
    if len({*units.values()}) == 1:
        return None
    usual = Counter(units.values()).most_common(1)[0][0]
    odd = {cell for cell, unit in units.items() if unit != usual and (unit or usual == "%")}
    return next(cell for cell in cells if units[cell] == usual), odd


def plain_name(name: str) -> str:
    """Return the name of a column without spaces around it, with letters and accents composed as usual."""
    return normalize("NFC", name.strip())
