"""Columns of Arrow as the arrays that specnet reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from specnet import DataError
from specnet.datasets.table import EXACT_WHOLE, ArrayTable, plain_name
from specnet.numpy_files import explain_os_error


@contextmanager
def reading(path: Path, kind: str, help: str | None = None) -> Iterator[None]:
    """Turn what pyarrow raises about a file into a `DataError` that names it."""
    try:
        yield
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno:
            raise explain_os_error(path, error) from error
        reason = str(error).partition("\n")[0][:200]
        raise DataError(f"{path} cannot be read as {kind}: {reason}", help=help) from error


class ArrowTable(ArrayTable):
    """The columns of a file, which are read when they are asked for.

    `chunks` returns a column by its name, in pieces; `kind` names the format.
    """

    def __init__(
        self, path: Path, kind: str, schema: pa.Schema, rows: int, chunks: Callable[[str], Iterable[pa.Array]]
    ) -> None:
        if not rows:
            raise DataError(f"{path} has no rows")
        super().__init__(str(path), schema.names, self._read)
        self.path, self.kind, self.schema, self.chunks = path, kind, schema, chunks
        self._rows = rows

    @property
    def rows(self) -> int:
        return self._rows

    def _read(self, name: str) -> np.ndarray:
        """Return a column as an array (rows,)."""
        parts, left = [], self._rows
        with reading(self.path, self.kind):
            for chunk in self.chunks(name):
                parts.append(as_array(chunk[:left]))
                left -= len(parts[-1])
                if not left:
                    break
            if len({part.dtype.kind for part in parts}) > 1:  # some pieces have whole numbers that are too large
                texts = (chunk.cast(pa.string()) for chunk in self.chunks(name))
                parts = [as_array(chunk) for chunk, _ in zip(texts, parts, strict=False)]
        if left:
            raise DataError(f'{self.path}: column "{name}" has {self._rows - left:,} of {self._rows:,} rows')
        return np.concatenate(parts)[: self._rows]

    def require(self, names: Iterable[str], field: str) -> None:
        names = [*names]
        super().require(names, field)
        fields = {plain_name(each.name): each for each in self.schema}
        for number, name in enumerate(names):
            each = fields.get(plain_name(name))
            if each is not None and not is_plain(each.type):
                self.mistake(
                    f'the cells of column "{each.name}" are {each.type}, neither numbers nor text nor dates',
                    (field, number),
                    f'if it is not an input, write "exclude": ["{each.name}"]' if field == "inputs" else None,
                )


def is_plain(kind: pa.DataType) -> bool:
    """Return whether cells of this type are numbers, text, truth values, dates or times."""
    if types.is_dictionary(kind):
        return is_plain(kind.value_type)
    tests = (
        types.is_null, types.is_boolean, types.is_integer, types.is_floating, types.is_decimal, types.is_date,
        types.is_timestamp, types.is_time, _is_text,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def _is_text(kind: pa.DataType) -> bool:
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def as_array(column: pa.Array) -> np.ndarray:
    """Return cells as float64 with NaN, datetime64 with NaT, or objects with None for missing ones.

    Whole numbers that float64 cannot hold are returned as text, so that none of their digits is lost.
    """
    column.validate(full=True)  # a damaged file may have lengths that lie outside it
    kind = column.type
    if types.is_date(kind) or types.is_timestamp(kind):
        return column.to_numpy(zero_copy_only=False).astype("datetime64[us]")
    if types.is_integer(kind) and _is_large(column):
        return _as_text(column.cast(pa.string()))
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if types.is_dictionary(kind) and not _is_text(kind.value_type):
        return as_array(column.dictionary_decode())
    if types.is_boolean(kind):
        return column.to_numpy(zero_copy_only=False).astype(object)
    if types.is_time(kind):
        column = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+$", "")
    return _as_text(column)


def _is_large(column: pa.Array) -> bool:
    ends = pc.min_max(column).as_py()
    return any(end is not None and abs(end) > EXACT_WHOLE for end in ends.values())


def _as_text(column: pa.Array) -> np.ndarray:
    """Return text, each different one as one object in memory."""
    coded = column if types.is_dictionary(column.type) else column.cast(pa.large_string()).dictionary_encode()
    words = np.array([*coded.dictionary.to_pylist(), None], object)
    return words[coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)]
