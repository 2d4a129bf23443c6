"""Sheets of Excel workbooks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from openpyxl import load_workbook
from pydantic import Field

from specnet import DataError
from specnet.datasets.table import ArrayTable, Table
from specnet.datasets.tabular import Tabular
from specnet.names import suggest
from specnet.numpy_files import explain_os_error

Row = tuple[Any, ...]
_OLD = b"\xd0\xcf\x11\xe0"
"""First bytes of workbooks before Excel 2007."""


class Excel(Tabular):
    """Rows of a sheet of an Excel workbook. The first row that is not empty names the columns.

    Fields and types of columns are as in `csv`: numbers, dates, and categories, as which text and truth values are
    read. Formulas count as the values that were saved with them. Rows are named by their numbers in the sheet.
    """

    extensions: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsm")
    sheet: str | int = Field(default=0, description="name of the sheet, or its number from 0")

    def table(self, path: Path, limit: int | None = None) -> Table:
        try:
            with path.open("rb") as file:
                if file.read(4) == _OLD:
                    raise DataError(f"{path} is an old or encrypted workbook", help="save it as .xlsx")
                return SheetTable(path, self._rows(path, file, limit))
        except DataError:
            raise
        except OSError as error:
            raise explain_os_error(path, error) from error
        except Exception as error:  # openpyxl checks little of what it reads
            raise DataError(f"{path} cannot be read as an Excel workbook: {error}"[:300]) from error

    def _rows(self, path: Path, file: Any, limit: int | None) -> list[tuple[int, Row]]:
        """Return the rows that are not empty, the header too, with their numbers in the sheet."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts of the workbook that say nothing on cells
            book = load_workbook(file, read_only=True, data_only=True)
            sheets = {each.title: each for each in book.worksheets}
            sheet = self._choose(path, sheets)
            sheet.reset_dimensions()  # some programs write wrong ones
            numbered = enumerate(sheet.iter_rows(values_only=True), 1)
            rows = ((number, row) for number, row in numbered if any(cell is not None for cell in row))
            return [*islice(rows, None if limit is None else limit + 1)]

    def _choose(self, path: Path, sheets: dict[str, Any]) -> Any:
        names = [*sheets]
        if isinstance(self.sheet, str) and self.sheet in sheets:
            return sheets[self.sheet]
        if isinstance(self.sheet, int) and 0 <= self.sheet < len(names):
            return sheets[names[self.sheet]]
        help = suggest(self.sheet, names) if isinstance(self.sheet, str) else f"it has {len(names)}, counted from 0"
        shown = f'"{self.sheet}"' if isinstance(self.sheet, str) else str(self.sheet)
        raise DataError(f"{path} has no sheet {shown}", pointer=("sheet",), help=help)


class SheetTable(ArrayTable):
    """The columns of a sheet, given its header and its rows with their numbers."""

    def __init__(self, path: Path, numbered: Sequence[tuple[int, Row]]) -> None:
        if len(numbered) < 2:
            raise DataError(f"{path} has no rows{' below its header' * len(numbered)} in this sheet")
        self._numbers = [number for number, _ in numbered[1:]]
        # Rows end at their last cell.
        columns = [
            column for column in zip_longest(*(row for _, row in numbered)) if any(c is not None for c in column)
        ]
        names = ["" if name is None else str(name) for name, *_ in columns]
        super().__init__(str(path), names, lambda name: as_array(columns[names.index(name)][1:]))

    @property
    def rows(self) -> int:
        return len(self._numbers)

    def place(self, row: int) -> str:
        return f"row {self._numbers[row]}"


def as_array(cells: Sequence[Any]) -> np.ndarray:
    """Return cells as datetime64 with NaT if all that are known are dates, else as objects with None."""
    known = [cell for cell in cells if cell is not None]
    if known and all(isinstance(cell, date) for cell in known):
        return np.array([np.datetime64("NaT") if cell is None else cell for cell in cells], "datetime64[us]")
    return np.array([_as_plain(cell) for cell in cells], object)


def _as_plain(cell: Any) -> Any:
    """Return a date beside other cells as text, which is read as a date again if the others mean missing values."""
    return str(cell).removesuffix(" 00:00:00") if isinstance(cell, datetime) else cell
