"""A spec to start from, made for a table."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from specnet.datasets.column_reader import ColumnReader
from specnet.datasets.columns import Column
from specnet.datasets.date_forms import advise_dates
from specnet.datasets.table import plain_name
from specnet.errors import UsageError
from specnet.names import suggest
from specnet.spec.table_opening import open_table, unusable_columns
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
_SHOWN = 5
"""Columns that are named, of those that are left out for the same reason."""
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
    reader, fields = open_table(path)
    dataset: dict[str, Any] = {"type": fields["type"], "path": str(path), **fields}
    table = reader.table
    known, counts = {plain_name(name): name for name in targets}, Counter(table.names)
    for name in known:
        if name not in table.names:
            raise UsageError(f'{path} has no column "{name}"', help=suggest(name, table.names))
        if counts[name] > 1:
            raise UsageError(f'{path} has several columns "{name}"', help="give them different names")
    if table.rows < FEWEST:
        rows = f"{table.rows} row{'s' * (table.rows != 1)}"
        raise UsageError(f"{path} has {rows}, and at least {FEWEST} are needed to train and test")
    outputs = [reader.infer_type(Column(name=name)) for name in known]
    _check_targets(reader, outputs)
    inputs, notes = _inputs(reader, [name for name in dict.fromkeys(table.names) if name not in known])
    classes = _classes(reader, outputs, kind)
    if classes:
        _check_classes(reader, outputs[0])
    guessed = {field: value for field, value in fields.items() if field not in ("type", "header", "quote")}
    if guessed:
        notes.insert(0, f"the file is read with {json.dumps(guessed, ensure_ascii=False)}: check that this is right")
    if any(reader.missing(column.name).any() for column in outputs):
        notes.append("rows without a target are left out")
    dataset |= {
        "inputs": [_to_json(reader, column) for column in inputs],
        "targets": [_target_to_json(reader, column, classes) for column in outputs],
    }
    if classes and outputs[0].type == "number":
        notes.append(f"{quote(outputs[0].name)} is used as classes; for numbers use --kind regression")
    return Start(_spec(dataset, inputs, table.rows, classes, _transforms(reader, inputs)), notes)


def _check_targets(reader: ColumnReader, targets: Sequence[Column]) -> None:
    """Check that there is something to learn in each target, and that its cells can be read.

    Raises:
        UsageError: if there is not, or they cannot.
    """
    for target in targets:
        known = len(reader.known(target.name))
        if known < 2:
            what = "is the same in all rows" if known else "has no values"
            raise UsageError(f"column {quote(target.name)} {what}: there is nothing to learn")
        if fault := _fault(reader, target):
            raise UsageError(fault, help="correct this, or choose another --target")


def _inputs(reader: ColumnReader, names: Sequence[str]) -> tuple[list[Column], list[str]]:
    """Return the input columns with their types, and sentences about those that are left out."""
    inputs, notes, table = list[Column](), list[str](), reader.table
    left_out: defaultdict[str, list[str]] = defaultdict(list)
    counts = Counter(table.names)
    faults = unusable_columns(table)
    for name in names:
        if name in faults:
            left_out["several columns have this name" if counts[name] > 1 else faults[name]].append(name)
            continue
        column = reader.infer_type(Column(name=name))
        if column.type == "number" and reader.is_mixed(name):
            column = Column(name=name, type="category")
            notes.append(f"{quote(name)} has numbers and text, which are used as categories")
        forms = reader.date_forms(column)
        if len(forms) == 1:
            column = Column(name=name, type="date", format=forms[0])
            notes.append(f"{quote(name)} is read as dates of the form {forms[0]}")
        elif forms:
            notes.append(f"{quote(name)} looks like dates: {advise_dates(name, forms)}")
        if reason := _why_not(reader, column):
            left_out[reason].append(name)
        else:
            inputs.append(column)
    for reason, some in left_out.items():
        notes += [f"{quote(name)} is left out: {reason}" for name in some[:_SHOWN]]
        notes += [f"{len(some) - _SHOWN:,} more columns are left out: {reason}"] * (len(some) > _SHOWN)
    if not inputs:
        raise UsageError(f"{table.source} has no column that could be an input", help="; ".join(notes) or None)
    return inputs, notes


def _why_not(reader: ColumnReader, column: Column) -> str | None:
    """Return why a column should be no input, or None."""
    known = len(reader.known(column.name))
    if known < 2:
        return "it is the same in all rows" if known else "all values are missing"
    if column.type == "text":
        return "it is text"
    if fault := _fault(reader, column):
        return fault
    return "it numbers the rows" if column.type == "number" and _is_row_number(reader.numbers(column, ())) else None


def _fault(reader: ColumnReader, column: Column) -> str | None:
    """Return what is wrong with the cells of a column of numbers or dates, or None."""
    if column.type not in ("number", "date"):
        return None
    reader.values(column, ())
    mistakes = [mistake.message for mistake in reader.table.mistakes]
    reader.table.mistakes.clear()
    return mistakes[0] if mistakes else None


def _is_row_number(values: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        return len(values) > 2 and bool((np.diff(values) == 1).all())


def _classes(reader: ColumnReader, targets: Sequence[Column], kind: Kind | None) -> bool:
    """Return whether to classify."""
    (first, *others) = targets
    if others and kind != "classification":
        if words := [target for target in targets if target.type != "number"]:
            message = f"column {quote(words[0].name)} is not of numbers, and there are several targets"
            raise UsageError(message, help="predict each target in a separate run")
        return False
    if others:
        raise UsageError("a classification has one target", help="predict each target in a separate run")
    if kind == "classification" or (kind is None and first.type != "number"):
        return True
    if kind == "regression" and first.type != "number":
        raise UsageError(f"column {quote(first.name)} does not contain numbers", help="leave out --kind regression")
    values = reader.numbers(first, ())
    known = values[~np.isnan(values)]
    few = min(FEW_CLASSES, len(known) / 10)
    return kind is None and bool((known == np.rint(known)).all()) and len(np.unique(known)) <= few


def _check_classes(reader: ColumnReader, target: Column) -> None:
    """Check that a target can be learned as classes.

    Raises:
        UsageError: if it is nearly always another one.
    """
    found, rows = len(reader.known(target.name)), int((~reader.missing(target.name)).sum())
    if found > rows / 4:
        raise UsageError(
            f"column {quote(target.name)} has {found:,} different values in {rows:,} rows: these are not classes",
            help="choose another --target" if target.type != "number" else "for numbers use --kind regression",
        )


def _to_json(reader: ColumnReader, column: Column) -> dict[str, Any]:
    described = {"name": column.name, "type": column.type, **({"format": column.format} if column.format else {})}
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
