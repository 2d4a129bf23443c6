"""A spec to start from, made for a table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np

from specnet.component import build
from specnet.datasets.column_reader import ColumnReader
from specnet.datasets.columns import Column
from specnet.datasets.table import plain_name
from specnet.datasets.tabular import Tabular
from specnet.errors import SpecnetError, UsageError
from specnet.names import suggest
from specnet.words import quote

Kind = Literal["classification", "regression"]
FEWEST = 10
"""Rows that a table needs, for training, validation and test."""
FEW_CLASSES = 10
"""Different whole numbers up to which a target is taken for classes, if each is there ten times on average."""
_SIZES = [(300, 16), (3_000, 32), (math.inf, 64)]
"""Units of a hidden layer, up to a number of rows."""
_BATCHES = [(10_000, 32), (100_000, 128), (math.inf, 512)]
_YEAR = 366
"""Days after which dates are of several years."""
_STEPS = 6_000
"""Steps of the whole training, as far as the limits of the epochs allow."""


class Start(NamedTuple):
    """A spec as JSON, and what was decided for the user, a sentence each."""

    spec: dict[str, Any]
    notes: list[str]


def spec_for_table(path: Path, targets: Sequence[str], kind: Kind | None = None) -> Start:
    """Return a spec that trains on a table; by default the targets say whether to classify.

    Raises:
        SpecnetError: if the file cannot be read, has no such targets, or cannot be learned from.
    """
    reader, form = _open(path)
    dataset: dict[str, Any] = {"type": "csv", "path": str(path), **form}
    table = reader.table
    known = {plain_name(name): name for name in targets}
    for name in known:
        if name not in table.names:
            raise UsageError(f'{path} has no column "{name}"', help=suggest(name, table.names))
    if table.rows < FEWEST:
        raise UsageError(f"{path} has {table.rows} rows, and at least {FEWEST} are needed to train and test")
    outputs = [reader.infer_type(Column(name=name)) for name in known]
    inputs, notes = _inputs(reader, [name for name in table.names if name not in known])
    classes = _classes(reader, outputs, kind)
    if classes:
        _check_classes(reader, outputs[0])
    guessed = {field: value for field, value in form.items() if field not in ("header", "quote")}
    if guessed:
        notes.insert(0, f"the file is read with {json.dumps(guessed, ensure_ascii=False)}: check that")
    if any(reader.missing(column.name).any() for column in outputs):
        notes.append("rows without a target are left out")
    dataset |= {
        "inputs": [_to_json(reader, column) for column in inputs],
        "targets": [_target_to_json(reader, column, classes) for column in outputs],
    }
    if classes and outputs[0].type == "number":
        notes.append(f"{quote(outputs[0].name)} is learned as classes; for numbers use --kind regression")
    return Start(_spec(dataset, inputs, table.rows, classes, _transforms(reader, inputs)), notes)


def _open(path: Path) -> tuple[ColumnReader, dict[str, Any]]:
    """Return the columns of a table, and the fields without which it cannot be read."""
    form: dict[str, Any] = {}
    while True:
        dataset = {"type": "csv", "path": str(path), "inputs": "*", "targets": ["?"], **form}
        made = cast(Tabular, build("datasets", dataset))
        try:
            table = made.table(Path(made.path))
        except SpecnetError as error:
            if "encoding" in form or not isinstance(error.__cause__, UnicodeError):
                raise
            form["encoding"] = "latin-1"
            continue
        reader = ColumnReader(table, frozenset(made.na_values))
        found = _needed(made, reader)
        if found is None or found[0] in form:
            return reader, form
        field, value = found
        form[field] = [*made.na_values, value] if field == "na_values" else value


def _needed(dataset: Tabular, reader: ColumnReader) -> tuple[str, Any] | None:
    """Return a field that the table needs, and its value: for single quotes, no header, or marks in numbers."""
    names = reader.table.names
    if all(len(name) > 1 and name[0] == name[-1] == "'" for name in names):
        return "quote", "'"
    try:
        dataset.check_names(reader.table)
    except SpecnetError:
        return "header", False
    numbers = (name for name in dict.fromkeys(names) if reader.infer_type(Column(name=name)).type == "number")
    found = [*filter(None, (reader.suggest_form(name) for name in numbers if not reader.is_mixed(name)))]
    # A decimal comma in one column decides about commas in others, which may seem to stand between thousands.
    return next((each for each in found if each[0] == "decimal"), found[0] if found else None)


def _inputs(reader: ColumnReader, names: Sequence[str]) -> tuple[list[Column], list[str]]:
    """Return the input columns with their types, and sentences about those that are left out."""
    inputs, notes = [], []
    for name in names:
        column = reader.infer_type(Column(name=name))
        if column.type == "number" and reader.is_mixed(name):
            column = Column(name=name, type="category")
            notes.append(f"{quote(name)} has numbers and text: they are categories")
        if reader.table.names.count(name) > 1:
            notes.append(f"{quote(name)} is left out: several columns have this name")
        elif column.type == "text":
            notes.append(f"{quote(name)} is left out: it is text")
        elif column.type == "number" and _is_row_number(reader.numbers(column, ())):
            notes.append(f"{quote(name)} is left out: it numbers the rows")
        elif len(reader.known(name)) < 2:
            notes.append(f"{quote(name)} is left out: it is the same in all rows")
        else:
            inputs.append(column)
    reader.table.check()
    if not inputs:
        raise UsageError(f"{reader.table.source} has no column that could be an input", help="; ".join(notes))
    return inputs, notes


def _is_row_number(values: np.ndarray) -> bool:
    return len(values) > 2 and bool((np.diff(values) == 1).all())


def _classes(reader: ColumnReader, targets: Sequence[Column], kind: Kind | None) -> bool:
    """Return whether to classify."""
    (first, *others) = targets
    if others and kind != "classification":
        return False
    if others:
        raise UsageError("a classification has one target", help="predict each target in a separate run")
    if kind == "classification" or (kind is None and first.type != "number"):
        return True
    if kind == "regression" and first.type != "number":
        raise UsageError(f"column {quote(first.name)} is not of numbers", help="leave out --kind regression")
    values = reader.numbers(first, ())
    known = values[~np.isnan(values)]
    few = min(FEW_CLASSES, len(known) / 10)
    return kind is None and bool((known == np.rint(known)).all()) and len(np.unique(known)) <= few


def _check_classes(reader: ColumnReader, target: Column) -> None:
    """Raise a UsageError if a target is the same in all rows, or nearly always another: these are not classes."""
    found, rows = len(reader.known(target.name)), int((~reader.missing(target.name)).sum())
    if found < 2:
        raise UsageError(f"column {quote(target.name)} is the same in all rows: there is nothing to learn")
    if found > rows / 4:
        raise UsageError(
            f"column {quote(target.name)} has {found:,} different values in {rows:,} rows: these are not classes",
            help="choose another --target" if target.type != "number" else "for numbers use --kind regression",
        )


def _to_json(reader: ColumnReader, column: Column) -> dict[str, Any]:
    described = {"name": column.name, "type": column.type}
    if column.type in ("category", "binary") and reader.missing(column.name).any():
        described |= {"type": "category", "missing": "category"}
    return described


def _target_to_json(reader: ColumnReader, column: Column, classes: bool) -> dict[str, Any]:
    described = {"name": column.name, "type": "category" if classes else "number"}
    return described | ({"missing": "drop"} if reader.missing(column.name).any() else {})


def _transforms(reader: ColumnReader, inputs: Sequence[Column]) -> list[Any]:
    kinds = {column.type for column in inputs}
    gaps = {column.type for column in inputs if reader.missing(column.name).any()}
    transforms: list[Any] = ["impute"] * ("date" in gaps)  # parts of a date need the date
    if "date" in kinds:
        days = np.concatenate([reader.dates(column, ()) for column in inputs if column.type == "date"])
        known = days[~np.isnan(days)]
        parts = ["year"] * bool(np.ptp(known) > _YEAR) + ["day_of_year", "weekday"] + ["hour"] * bool((known % 1).any())
        transforms.append({"type": "date_parts", "parts": parts, "cyclic": True})
    if kinds & {"number", "date"}:
        transforms += ["impute"] * (gaps & {"number", "date"} == {"number"}) + ["standardize"]
    return transforms


def _spec(
    dataset: dict[str, Any], inputs: Sequence[Column], rows: int, classes: bool, transforms: list[Any]
) -> dict[str, Any]:
    units = next(size for most, size in _SIZES if rows <= most)
    batch = next(size for most, size in _BATCHES if rows <= most)
    steps = math.ceil(0.6 * rows / batch)
    return {
        "description": f"{', '.join(target['name'] for target in dataset['targets'])} of {Path(dataset['path']).name}, "
        f"from {len(inputs)} column{'s' * (len(inputs) > 1)}.",
        "dataset": dataset,
        "split": {"validation": 0.2, "test": 0.2, "stratify": classes},
        "transforms": {"inputs": transforms, "targets": [] if classes else ["standardize"]},
        "layers": [{"type": "linear", "units": units}, "relu", {"type": "linear", "units": units}, "relu", "linear"],
        "loss": "cross_entropy" if classes else "mse",
        "optimizer": {"type": "adam", "learning_rate": 0.003},
        "metrics": ["accuracy"] if classes else ["r2", "mae"],
        "training": {
            "epochs": min(max(_STEPS // steps, 20), 500),
            "batch_size": batch,
            "early_stopping": {"monitor": "validation/loss", "patience": 30},
        },
        "plots": ["curves", "confusion_matrix"] if classes else ["curves"],
    }
