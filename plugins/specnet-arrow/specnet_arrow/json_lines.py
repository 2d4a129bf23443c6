"""Files with a JSON object in each line."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from pyarrow import json

from specnet.datasets.table import Table
from specnet.datasets.tabular import Tabular
from specnet_arrow.columns import ArrowTable, reading

_KIND = "JSON lines"
_HELP = 'each line should be an object of its own, such as {"mass": 3750, "species": "Adelie"}'
_BLOCK = 2**24
"""Bytes that are read at a time; no line may be longer."""


class JsonLines(Tabular):
    """Rows of a file with a JSON object in each line, which may be compressed by gzip or bzip2.

    Fields and types of columns are as in `csv`: numbers, dates, and categories, as which text and truth values are
    read. A key that an object lacks is a missing value, as is null. The whole file is read, as a key may be in its last
    line alone. Columns whose cells are lists or objects are refused.
    """

    extensions: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json", ".gz", ".bz2")

    def table(self, path: Path, limit: int | None = None) -> Table:
        with reading(path, _KIND, _HELP), pa.input_stream(str(path), compression="detect") as stream:
            return JsonTable(path, json.read_json(stream, json.ReadOptions(block_size=_BLOCK)))


class JsonTable(ArrowTable):
    """The columns of a file with JSON lines."""

    def __init__(self, path: Path, content: pa.Table) -> None:
        super().__init__(path, _KIND, content.schema, content.num_rows, lambda name: content.column(name).chunks)

    @cached_property
    def _lines(self) -> list[int]:
        """Number of the line of each row; read again, as it is only needed for messages."""
        with reading(self.path, _KIND), pa.input_stream(str(self.path), compression="detect") as stream:
            lines = stream.read().split(b"\n")
        return [number for number, line in enumerate(lines, 1) if line.strip()]

    def place(self, row: int) -> str:
        return f"line {self._lines[row]}"
