"""Datasets that are tables in files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from specnet.datasets.base import Samples
from specnet.datasets.columnar import Columnar
from specnet.datasets.data_file import DataFile
from specnet.datasets.table import Table

_EARLY = 4_000_000
"""Bytes of a file up to which it is read to find the types of columns before training."""


class Tabular(Columnar):
    """Rows of a table in a file. A subclass reads files of one format."""

    path: DataFile = Field(description="file, relative to the spec's folder")
    validation: DataFile | None = Field(default=None, description="file with the validation samples")
    test: DataFile | None = Field(default=None, description="file with the test samples")

    @property
    def sources(self) -> dict[str, Any]:
        files = {"train": self.path, "validation": self.validation, "test": self.test}
        return {split: Path(path) for split, path in files.items() if path}

    @abstractmethod
    def table(self, source: Path, limit: int | None = None) -> Table:
        """Return the table in a file, or its first rows."""

    def is_known(self, early: bool) -> bool:
        return not early or Path(self.path).stat().st_size <= _EARLY

    def stamp(self) -> tuple[int, int]:
        status = Path(self.path).stat()
        return status.st_mtime_ns, status.st_size

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        this = self if self._complete else self._resolve(self.table(Path(self.path)), bool(classes), ())[0]
        return this.read_table(self.table(path), targets=targets)

    def place(self, path: Path, row: int) -> str:
        return self.table(path).place(row)

    def read_text(self, path: Path, names: Sequence[str]) -> list[list[str]]:
        table = self.table(path)
        table.require(names, "keep")
        table.check()
        rows = self._predicted_rows(table)
        return [[cells[row] for row in rows] for cells in map(table.text, names)]

    def _predicted_rows(self, table: Table) -> Iterable[int]:
        """Return the row that each prediction stands for."""
        return range(table.rows)
