"""Datasets in text files."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from specnet.datasets.table import Table
from specnet.datasets.tabular import Tabular
from specnet.datasets.text_files import Encoding
from specnet.datasets.text_table import TextTable


class Csv(Tabular):
    """Rows of a CSV file, which may be compressed by gzip, bzip2, xz or zip.

    Columns are numbers, dates, or categories, which become a column of 0 and 1 for each, or one for two of them. Types
    and categories that the spec does not name are found in the file. A target with classes is one column; its classes
    in ascending order become class numbers. Spaces around cells and names are ignored. Without a header, the names of
    the columns are 0, 1, …, or those in `names`.
    """

    extensions = (".csv", ".tsv", ".txt", ".gz", ".bz2", ".xz", ".zip")
    delimiter: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        pattern=r'[^"\r\n\x00]',
        description="separator of cells; null: the comma, semicolon, tab or | that fits",
    )
    header: bool = Field(default=True, description="whether the first line names the columns")
    names: list[str] | None = Field(
        default=None, min_length=1, max_length=100_000, description="names of all columns, instead of those in the file"
    )
    skip_rows: int = Field(default=0, ge=0, description="lines above the table")
    comment: str | None = Field(default=None, min_length=1, max_length=8, description="beginning of lines to skip")
    quote: str = Field(
        default='"',
        min_length=1,
        max_length=1,
        pattern=r"[^ \r\n\x00]",
        description="quotation mark around cells that contain separators",
    )
    decimal: str = Field(default=".", pattern=r"^[^0-9eE+\-\s]$", description="decimal mark of numbers")
    thousands: str | None = Field(default=None, pattern=r"^[^0-9eE+\-]$", description="mark between thousands")
    encoding: Encoding = Field(default="utf-8", description="encoding of the text; a byte order mark comes first")

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same mark")
        if self.quote in (self.delimiter, self.decimal, self.thousands):
            raise ValueError("quote is the same mark as delimiter, decimal or thousands")
        return self

    def table(self, path: Path, limit: int | None = None) -> Table:
        return TextTable(path, self, limit)
