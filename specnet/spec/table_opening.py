"""Open a table of unknown form: find its dataset, and the fields without which it cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from specnet import registry
from specnet.component import build
from specnet.datasets.column_reader import ColumnReader
from specnet.datasets.columns import Column
from specnet.datasets.table import Table
from specnet.datasets.tabular import Tabular
from specnet.datasets.text_files import EncodingError, OtherFormatError, first_character
from specnet.errors import DataError, SpecnetError, UsageError

_INSTALL = 'pip install "specnet[arrow]", and repeat the command; or save the table as CSV'
_ARRAYS = (
    "arrays do not name their columns: save them as CSV; specnet components datasets npz shows how a spec reads them"
)


def open_table(path: Path) -> tuple[ColumnReader, dict[str, Any]]:
    """Return the columns of a table, and the fields of its dataset without which it cannot be read.

    Raises:
        SpecnetError: if it cannot be read, or no installed dataset reads it.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a directory, not a table", help="name a file in it")
    fields: dict[str, Any] = {"type": "csv"}
    first = first_character(path, "latin-1")
    if first == "{":
        fields["type"] = _installed("json_lines", f"{path} looks like JSON lines, not a table as CSV")
    while True:
        made = cast(Tabular, build("datasets", {**fields, "path": str(path), "inputs": "*", "targets": ["?"]}))
        try:
            table = made.table(Path(made.path))
        except EncodingError as error:
            if "encoding" in fields:
                raise
            fields["encoding"] = error.guess
            continue
        except OtherFormatError as error:
            if error.dataset is None:
                raise
            if error.dataset in ("npy", "npz"):
                raise DataError(error.message, help=_ARRAYS) from error
            fields["type"] = _installed(error.dataset, error.message)
            continue
        except SpecnetError:
            if first not in ("#", "%") or "comment" in fields:
                raise
            fields["comment"] = first
            continue
        reader = ColumnReader(table, frozenset(made.na_values))
        found = _needed(reader)
        if found is None or found[0] in fields or found[0] not in type(made).model_fields:
            return reader, fields
        field, value = found
        fields[field] = [*made.na_values, value] if field == "na_values" else value


def _installed(dataset: str, message: str) -> str:
    """Return the name of a dataset of a plugin.

    Raises:
        DataError: with the message, if it is not installed.
    """
    if dataset not in registry.claims("datasets"):
        raise DataError(message, help=_INSTALL)
    return dataset


def unusable_columns(table: Table) -> dict[str, str]:
    """Return the columns without a name of their own, or whose cells are lists, for instance, and what is wrong."""
    names = [*dict.fromkeys(table.names)]
    table.require(names, "inputs")
    found = {names[cast(int, each.pointer[1])]: each.message for each in table.mistakes}
    table.mistakes.clear()
    return found


def _needed(reader: ColumnReader) -> tuple[str, Any] | None:
    """Return a field that the table needs, and its value: for single quotes, no header, or marks in numbers."""
    names = reader.table.names
    if all(len(name) > 1 and name[0] == name[-1] == "'" for name in names):
        return "quote", "'"
    try:
        reader.table.check_names()
    except SpecnetError:
        return "header", False
    usable = dict.fromkeys(names).keys() - unusable_columns(reader.table)
    numbers = (name for name in names if name in usable and reader.infer_type(Column(name=name)).type == "number")
    found = [*filter(None, (reader.suggest_form(name) for name in numbers if not reader.is_mixed(name)))]
    # A decimal comma in one column decides about commas in others, which may seem to stand between thousands.
    return next((each for each in found if each[0] == "decimal"), found[0] if found else None)
