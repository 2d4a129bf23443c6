"""Parquet and Feather files, whose columns are read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from pyarrow import parquet as pq

from specnet.datasets.table import Table
from specnet.datasets.tabular import Tabular
from specnet_arrow.columns import ArrowTable, reading

_BATCH = 2**16
"""Rows of a Parquet file that are read at a time."""


class Parquet(Tabular):
    """Rows of a Parquet file.

    Fields and types of columns are as in `csv`: numbers, dates, and categories, as which text and truth values are
    read. Only the columns that are used are read, a row group at a time. Cells that are lists or structures are
    refused.
    """

    extensions: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def table(self, path: Path, limit: int | None = None) -> Table:
        with reading(path, "Parquet"), pq.ParquetFile(path) as file:
            metadata, schema = file.metadata, file.schema_arrow

        def chunks(name: str) -> Iterator[pa.Array]:
            with pq.ParquetFile(path, metadata=metadata) as file:
                for batch in file.iter_batches(limit or _BATCH, columns=[name], use_threads=False):
                    yield batch.column(0)

        return ArrowTable(path, "Parquet", schema, min(metadata.num_rows, limit or metadata.num_rows), chunks)


class Feather(Tabular):
    """Rows of a Feather file, version 2, which is the file format of Arrow.

    Fields and types of columns are as in `csv`: numbers, dates, and categories, as which text and truth values are
    read. Only the columns that are used are read, a record batch at a time. Cells that are lists or structures are
    refused.
    """

    extensions: ClassVar[tuple[str, ...]] = (".feather", ".arrow", ".ipc")

    def table(self, path: Path, limit: int | None = None) -> Table:
        with reading(path, "Feather"):
            with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
                schema = file.schema
            rows = sum(map(len, _batches(path, 0))) if schema.names else 0

        def chunks(name: str) -> Iterator[pa.Array]:
            return _batches(path, schema.get_field_index(name))

        return ArrowTable(path, "Feather", schema, min(rows, limit or rows), chunks)


def _batches(path: Path, number: int) -> Iterator[pa.Array]:
    """Yield a column of a Feather file, by its position, a record batch at a time."""
    options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=[number])
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source, options=options) as file:
        for batch in range(file.num_record_batches):
            yield file.get_batch(batch).column(0)
