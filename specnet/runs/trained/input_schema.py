"""What a trained network takes and returns, as JSON: columns with ranges and categories, or the shape of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from specnet.datasets.base import AnySamples
from specnet.datasets.columnar import Columnar
from specnet.datasets.rows import pieces
from specnet.datasets.table import ArrayTable
from specnet.errors import DataError
from specnet.runs.trained.model import TrainedModel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GOLDEN = 0.6180339887498949
"""Multiples of this, modulo 1, are spread evenly."""
_ROWS = 5
"""Rows that are made up."""


def find_ranges(samples: AnySamples) -> dict[str, Any]:
    """Return the shape of an input, and the least and the largest value of each index of its last axis."""
    shape = samples.inputs.shape[1:]
    low = high = None
    for piece in pieces(samples.inputs):
        flat = piece.reshape(-1, *shape[-1:])
        least, most = np.fmin.reduce(flat), np.fmax.reduce(flat)
        low = least if low is None else np.fmin(low, least)
        high = most if high is None else np.fmax(high, most)
    return {"shape": list(shape), "low": np.asarray(low), "high": np.asarray(high)}


def describe_model(model: TrainedModel, ranges: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs and outputs of a model, given what `find_ranges` has found in its training samples."""
    shape, low, high = ranges["shape"], ranges["low"], ranges["high"]
    inputs: dict[str, Any] = {"shape": shape}
    if len(shape) == 1 and isinstance(model.dataset, Columnar):
        inputs["columns"] = _columns(model.dataset, low, high)
    elif len(shape) == 1 and model.input_names:
        limits = zip(model.input_names, _plain(low), _plain(high), strict=True)
        inputs["columns"] = [{"name": name, "type": "number", "min": a, "max": b} for name, a, b in limits]
    else:
        inputs |= {"type": "integer" if low.dtype.kind in "biu" else "number", "min": _plain(low), "max": _plain(high)}
    if model.model.inputs.fills_missing:
        inputs["missing"] = "allowed"
    task = model.task.only if len(model.task.parts) == 1 else None
    outputs = {
        "shape": list(model.model.network.output_shape),
        "task": task.kind if task else "several",
        "targets": [*model.target_names],
        "classes": [*(task.classes if task else ())],
    }
    return {"inputs": inputs, "outputs": outputs}


def _plain(values: np.ndarray) -> Any:
    """Return numbers as JSON; those that are unknown are null."""
    if values.ndim:
        return [_plain(value) for value in values]
    return None if np.isnan(values) else values.item()


def _columns(dataset: Columnar, low: np.ndarray, high: np.ndarray) -> list[dict[str, Any]]:
    found, start = [], 0
    for column in dataset.inputs:
        described: dict[str, Any] = {"name": column.name, "type": column.type}
        if column.type in ("number", "date"):
            least, most = _plain(low[start]), _plain(high[start])
            if column.type == "date":
                least, most = (None if day is None else _date(day, column.format) for day in (least, most))
            described |= {"min": least, "max": most}
        else:
            described["categories"] = [*(column.categories or ())]
            if column.handle_unknown == "ignore":
                described["others"] = "ignored"
        if column.missing == "category":
            described["missing"] = "allowed"
        found.append(described)
        start += len(column.features)
    return found


def _date(day: float, form: str | None) -> str:
    moment = _EPOCH + timedelta(days=day)
    if form:
        return moment.strftime(form)
    return moment.date().isoformat() if day.is_integer() else moment.replace(tzinfo=None).isoformat()


def make_rows(schema: Mapping[str, Any]) -> list[Any]:
    """Return a few rows that are made up from a schema: numbers spread over their ranges, and categories in turn."""
    inputs = schema["inputs"]
    if "columns" in inputs:
        columns = [*enumerate(inputs["columns"])]
        return [{each["name"]: _cell(each, row, place) for place, each in columns} for row in range(_ROWS)]
    shape = (_ROWS, *inputs["shape"])
    low, high = (np.array(inputs[key], np.float64) for key in ("min", "max"))
    values = low + (high - low) * _spread(np.arange(np.prod(shape, dtype=int)).reshape(shape))
    return (np.rint(values).astype(np.int64) if inputs["type"] == "integer" else _short(values)).tolist()


def _spread(number: Any) -> Any:
    return (number + 1) * _GOLDEN % 1


def _short(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.6g}") for value in values.ravel()]).reshape(values.shape)


def _cell(column: Mapping[str, Any], row: int, place: int) -> Any:
    if "categories" in column:
        return column["categories"][(row + place) % len(column["categories"])]
    low, high = column["min"], column["max"]
    if low is None or column["type"] == "date":
        return (low, high)[row % 2]
    return float(f"{low + (high - low) * _spread(7 * row + place):.6g}")


def read_rows(model: TrainedModel, schema: Mapping[str, Any], rows: Sequence[Any]) -> np.ndarray:
    """Return the inputs (n, ...) that rows of JSON describe.

    With columns, a row is an object, or a list in the order of the columns; otherwise nested lists of numbers. A null
    is a missing value.

    Raises:
        DataError: if a row is something else.
    """
    inputs = schema["inputs"]
    names = [column["name"] for column in inputs.get("columns", ())]
    if names:
        return _read_records(model, [_record(row, names) for row in rows])
    try:
        array = np.array(rows, object if not rows else None)
        if array.dtype.kind not in "biuf":
            array = np.array(rows, np.float64)  # null becomes NaN
    except (TypeError, ValueError, OverflowError):
        array = np.zeros(0)
    if array.shape[1:] != tuple(inputs["shape"]) or not len(array):
        raise DataError(f"a row is a list of numbers of shape {tuple(inputs['shape'])}")
    return array


def _record(row: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(row, list) and len(row) == len(names):
        return dict(zip(names, row, strict=True))
    if not isinstance(row, dict):
        columns = ", ".join(names)
        raise DataError(f"a row is an object with the columns {columns}, or a list of their {len(names)} values")
    return row


def _read_records(model: TrainedModel, records: Sequence[Mapping[str, Any]]) -> np.ndarray:
    names = [name for name in records[0] if all(name in record for record in records)]

    def column(name: str) -> np.ndarray:
        cells = [record[name] for record in records]
        if any(isinstance(cell, (list, dict)) for cell in cells):
            raise DataError(f'the value of column "{name}" is neither a number nor text')
        return np.fromiter(cells, object, len(cells))

    found = model.reader.read_frame(ArrayTable("the row", names, column), targets=False)
    assert found is not None
    assert isinstance(found.inputs, np.ndarray)
    return found.inputs
