"""`ColumnReader`: how the cells of a column become numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from specnet.datasets.columns import Column, ColumnType
from specnet.datasets.date_forms import find_date_forms, parse_date
from specnet.datasets.table import EXACT_WHOLE, Table, find_odd_units
from specnet.diagnostics import show_value
from specnet.task import MAX_CLASSES
from specnet.words import Pointer, quote

MAX_CATEGORIES = 1000
"""Most different texts in a column that is inferred to be a category."""
MANY = 10
"""Different texts up to which a column is inferred to be a category, however few rows there are."""
_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_DATE = re.compile(r"\d{4}[-/]\d{2}([-/]\d{2}([ T]\d{2}:\d{2}.*)?)?")
_MARKS = ((",", "."), (r"\.", ","), ("'", ".,"), ("’", ".,"), (" ", ".,"), ("\xa0", ".,"), ("\u202f", ".,"))
"""Marks between thousands, as patterns, with the decimal marks beside them."""
_GROUPED_NUMBER = re.compile(
    r"\D?[1-9]\d{0,2}((\.\d{3})+(,\d+)?|(['’]\d{3})+([.,]\d+)?|(?P<space>[ \xa0\u202f])\d{3}((?P=space)\d{3})*[.,]\d+)"
)
"""A number with marks between thousands other than commas, 1.234,5 for instance; spaces alone may be of a telephone."""
_DECIMAL_COMMA = re.compile(r"\D*(\d+|[1-9]\d{0,2}([.'’ \xa0\u202f]\d{3})+),\d+\D*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YES = {"yes", "y", "true", "t", "on", "1"}
"""The second category of a pair, whatever the alphabet says."""


class ColumnReader:
    """Reads columns of a table as numbers; mistakes are recorded in the table."""

    def __init__(self, table: Table, na_values: frozenset[str]) -> None:
        self.table = table
        self.na_values = na_values

    def infer(self, column: Column, place: Pointer) -> Column:
        """Return a column with its type and categories written out."""
        if column.complete:
            return column
        kind = self.infer_type(column).type
        if kind not in ("category", "binary") or column.categories:
            return column.model_copy(update={"type": kind})
        texts = self.known(column.name)
        if kind == "binary" and len(texts) != 2:
            fault = f"a binary column has two categories, but this one has {len(texts)}"
            self.table.mistake(f"column {quote(column.name)}: {fault}", place, 'set "type" to "category"')
        texts = _one_spelling(texts)
        if not texts:
            self.table.mistake(f"column {quote(column.name)}: all values are missing", place, "leave the column out")
        return column.model_copy(update={"type": kind, "categories": in_order(texts)})

    def infer_type(self, column: Column) -> Column:
        """Return a column with its type, but without its categories."""
        if column.type is not None:
            return column
        kind = "category" if column.is_category else self._infer_type(column)
        return column.model_copy(update={"type": kind})

    def _infer_type(self, column: Column) -> ColumnType:
        cells = self.table.cells(column.name)
        if column.format:
            return "date"
        if isinstance(cells, np.ndarray):
            return "date" if cells.dtype.kind == "M" else "number"
        texts = self.known(column.name)
        numbers = sum(_looks_like_number(text) or self.table.parse(text) is not None for text in texts)
        if texts and all(map(_DATE.fullmatch, texts)):
            return "date"
        rows = len(cells) - int(self.missing(column.name).sum())
        if 2 * numbers >= len(texts):  # the others are mistakes, or mean a missing value
            return "number"
        if len(texts) == 2:
            return "binary"
        return "category" if len(texts) <= max(MANY, min(rows // 2, MAX_CATEGORIES)) else "text"

    def date_forms(self, column: Column) -> list[str]:
        """Return the forms of the dates that a column of another type seems to hold; none if it does not."""
        cells = self.table.cells(column.name)
        # Of numbers, only those such as 20240531 may be dates.
        if column.type == "date" or (isinstance(cells, np.ndarray) and not 1.9e7 < cells[0] < 2.1e7):
            return []
        return find_date_forms(self.known(column.name))

    def is_mixed(self, name: str) -> bool:
        """Return whether a column has only a few different values, numbers as well as text."""
        texts = self.known(name)
        return len(texts) <= MANY and 0 < sum(self.table.parse(text) is not None for text in texts) < len(texts)

    def known(self, name: str) -> set[str]:
        """Return the different texts in a column that are not missing values."""
        return {*self.table.distinct(name)[0]} - self.na_values - {""}

    def missing(self, name: str) -> np.ndarray:
        """Return where the text of a column is a missing value (rows,)."""
        texts, index = self.table.distinct(name)
        return np.array([not text or text in self.na_values for text in texts], bool)[index]

    def numbers(self, column: Column, place: Pointer) -> np.ndarray:
        """Return a column of numbers as float64 (rows,), NaN where a value is missing."""
        cells = self.table.cells(column.name)
        if isinstance(cells, np.ndarray):
            values = cells.astype(np.float64)
            if (missing := self._missing_numbers) and cells.dtype.kind == "f":
                values[np.isin(values, missing)] = np.nan
            if np.isinf(values).any():
                self.table.report(column.name, place, np.isinf(values), "not a finite number")
            return values
        texts, index = self.table.distinct(column.name)
        numbers = self._parsed(column.name)
        found = [numbers.get(text, np.nan) for text in texts]
        wrong = np.array([value is None for value in found], bool)
        if wrong.any():
            help = self._number_help(column.name)
            self.table.report(column.name, place, wrong[index], "not a finite number", help)
        if found_odd := find_odd_units([text for text, number in numbers.items() if number]):
            usual, odd = found_odd
            fault = f"not in the unit of other cells, such as {show_value(usual)}"
            marked = np.array([text in odd for text in texts])[index]
            self.table.report(column.name, place, marked, fault, "write all cells of a column in one unit")
        return np.array([0.0 if value is None else value for value in found])[index]

    def _parsed(self, name: str) -> dict[str, float | None]:
        """Return the number that each different text of a column stands for, or None; without missing values."""
        known = [text for text in self.table.distinct(name)[0] if text and text not in self.na_values]
        parsed = self.table.parse_all(known)
        return dict(zip(known, parsed if parsed is not None else map(self.table.parse, known), strict=True))

    @cached_property
    def _missing_numbers(self) -> list[float]:
        return [number for text in self.na_values if (number := self.table.parse(text)) is not None]

    def suggest_form(self, name: str) -> tuple[str, str] | None:
        """Return a field of the dataset, and its value, with which cells that are no numbers probably become numbers.

        For `na_values` the value is one to add. None if there is no such field, or all cells are numbers.
        """
        if isinstance(self.table.cells(name), np.ndarray):
            return None
        parsed = self._parsed(name)
        wrong = [text for text, number in parsed.items() if number is None]
        if not wrong:
            return None
        commas = self.table.parse("0,5") is None and all(map(_DECIMAL_COMMA.fullmatch, wrong))
        if commas and not (all(map(_grouped(",", ".").fullmatch, wrong)) and self._may_group_by_commas(parsed)):
            return "decimal", ","
        for mark, point in _MARKS:
            if all(map(_grouped(mark, point).fullmatch, wrong)):
                return "thousands", mark.removeprefix("\\")
        return ("na_values", wrong[0]) if len(wrong) == 1 and len(parsed) > 2 else None

    def _may_group_by_commas(self, parsed: dict[str, float | None]) -> bool:
        """Return whether a comma before three digits rather is a mark between thousands than the decimal mark.

        Semicolons separate cells where it is the decimal mark. There, smaller numbers without it show what it is.
        """
        return self.table.delimiter != ";" or any(number is not None for number in parsed.values())

    def _number_help(self, name: str) -> str:
        match self.suggest_form(name):
            case "thousands", mark:
                return f'set "thousands": "{mark}", if that is the mark between thousands'
            case "decimal", mark:
                return f'set "decimal": "{mark}", if that is the decimal mark'
            case "na_values", text:
                return f"if this means a missing value: --set 'dataset.na_values+={show_value(text)}'"
        return f'write {{"name": {show_value(name)}, "type": "category"}} if the column has categories'

    def dates(self, column: Column, place: Pointer) -> np.ndarray:
        """Return a column of dates as days since 1970-01-01 (rows,), NaN where a value is missing."""
        cells = self.table.cells(column.name)
        if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
            return np.asarray((cells - np.datetime64(0, "us")) / np.timedelta64(1, "D"), np.float64)
        texts, index = self.table.distinct(column.name)
        days = [self._day(text, column.format) for text in texts]
        wrong = np.array([day is None for day in days], bool)
        if wrong.any():
            form = f"a date of the form {column.format}" if column.format else "a date such as 2024-05-31"
            self.table.report(column.name, place, wrong[index], f"not {form}", 'set "format", such as "%d.%m.%Y"')
        return np.array([0.0 if day is None else day for day in days])[index]

    def _day(self, cell: str, form: str | None) -> float | None:
        if not cell or cell in self.na_values:
            return np.nan
        moment = parse_date(cell, form)
        return None if moment is None else (moment - _EPOCH).total_seconds() / 86_400

    def codes(self, column: Column, place: Pointer, what: str = "categories") -> np.ndarray:
        """Return the index of each cell among the categories (rows,): -1 where it is missing, -2 where unknown.

        Unknown ones are mistakes, unless the column ignores them.
        """
        assert column.categories is not None
        texts, index = self.table.distinct(column.name)
        known = {text: number for number, text in enumerate(column.categories)}
        plain = sorted(known.items(), key=lambda each: -len(each[0]))  # of 1 and 01 the first one counts
        numbers = {self.table.parse(text): place for text, place in plain}
        values = {
            number: place for number, place in numbers.items() if number is not None and abs(number) < EXACT_WHOLE
        }
        found = []
        for text in texts:
            code = known.get(text, -1 if not text or text in self.na_values else -2)
            if code == -2 and (number := self.table.parse(text)) is not None:
                code = values.get(number, -2)  # 1.0 is the category 1
            found.append(code)
        codes = np.array(found, np.int64)[index]
        if column.handle_unknown == "error" and (codes == -2).any():
            fault = f"not one of the {what} {show_value(tuple(column.categories))}"
            help = None if what == "classes" else 'set "handle_unknown": "ignore" to accept unknown categories'
            self.table.report(column.name, place, codes == -2, fault, help)
        return codes

    def values(self, column: Column, place: Pointer) -> np.ndarray:
        """Return a number for each cell of a column (rows,), NaN where a value is missing; categories are counted."""
        if column.type == "number":
            return self.numbers(column, place)
        if column.type == "date":
            return self.dates(column, place)
        codes = self._codes_of_input(column, place)
        values = codes.astype(np.float64)
        values[codes == -2] = 0.5  # between the two categories
        values[codes == -1] = np.nan
        return values

    def encode(self, column: Column, place: Pointer, out: np.ndarray) -> None:
        """Write the features of a column into zeros (rows, features), NaN where a value is missing."""
        if column.type in ("number", "date", "binary") or column.encode == "ordinal":
            out[:, 0] = self.values(column, place)
            return
        codes = self._codes_of_input(column, place)
        known = np.flatnonzero(codes >= 0)
        out[known, codes[known]] = 1
        out[codes == -1] = np.nan

    def _codes_of_input(self, column: Column, place: Pointer) -> np.ndarray:
        """Return `codes`, in which a missing value may be a category of its own."""
        codes = self.codes(column, place)
        if column.missing == "category":
            assert column.categories is not None
            codes[codes == -1] = len(column.categories)
        return codes

    def infer_target(self, column: Column, number: int, alone: bool, classes: bool) -> Column:
        """Return a target column with its type and classes.

        `alone` says that it is the only target, whose numbers may be classes, `classes` that the loss learns no others.
        """
        place = ("targets", number)
        if column.is_category and column.type is None:
            column = column.model_copy(update={"type": "category"})
        found = self.infer_type(column)
        if (found.type in ("text", "binary", "category") and alone) or found.type == "text":
            found = column.model_copy(update={"type": "category"})
        elif column.type is None and found.type == "number" and alone and classes:
            values = self.numbers(found, place)
            known = values[~np.isnan(values)]
            if len(known) and (known == np.rint(known)).all() and len(np.unique(known)) < MAX_CLASSES:
                found = column.model_copy(update={"type": "category"})
        return self.infer(found, place)


def _grouped(mark: str, point: str) -> re.Pattern[str]:
    """Return the pattern of a number with a mark before each three digits, and maybe a currency."""
    return re.compile(rf"\D*[1-9]\d{{0,2}}({mark}\d{{3}})+([{point}]\d+)?\D*")


def _one_spelling(texts: Iterable[str]) -> set[str]:
    """Return texts with a single spelling of each whole number: 1 for 1, 1.0 and 1.00."""
    shortest: dict[str, str] = {}
    for text in sorted(texts, key=len):
        whole = _WHOLE.fullmatch(text)
        shortest.setdefault(whole[1] if whole else text, text)
    return {*shortest.values()}


def _looks_like_number(text: str) -> bool:
    if _GROUPED_NUMBER.fullmatch(text):
        return True
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def in_order(texts: Iterable[str]) -> list[str]:
    """Return texts in ascending order, as numbers if all of them are, else alphabetically, no before yes."""
    listed = sorted(texts, key=lambda text: (text.lower() in _YES, text)) if len({*texts}) == 2 else sorted(texts)
    try:
        return sorted(listed, key=float)
    except ValueError:
        return listed
