"""Predictions for rows of JSON, one a line; a row that is refused does not stop the others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from specnet.errors import SpecnetError
from specnet.functions import finite_json
from specnet.runs.trained.input_schema import read_rows
from specnet.runs.trained.model import TrainedModel
from specnet.runs.trained.predictions import name_predictions


def answer_lines(
    model: TrainedModel, schema: Mapping[str, Any], lines: Sequence[bytes], first: int
) -> Iterator[dict[str, Any]]:
    """Yield an answer to each line that is not empty: its number, from `first` on, and a prediction or an error."""
    rows: dict[int, Any] = {}
    answers: dict[int, dict[str, Any]] = {}
    for number, line in enumerate(lines, start=first):
        if line.strip():
            try:
                rows[number] = json.loads(line, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                answers[number] = {"line": number, "error": f"not JSON: {error}"}
    answers |= _predict(model, schema, rows)
    yield from (answers[number] for number in sorted(answers))


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _predict(model: TrainedModel, schema: Mapping[str, Any], rows: Mapping[int, Any]) -> dict[int, dict[str, Any]]:
    """Return the answers to rows by number: together if all are right, else those of each half."""
    if not rows:
        return {}
    try:
        made = to_json(model, model.predict(read_rows(model, schema, [*rows.values()])))
        return {number: {"line": number, "prediction": each} for number, each in zip(rows, made, strict=True)}
    except SpecnetError as error:
        if len(rows) == 1:
            (number,) = rows
            return {number: {"line": number, "error": _reason(error)}}
    numbers, half = [*rows], len(rows) // 2
    halves = ({number: rows[number] for number in part} for part in (numbers[:half], numbers[half:]))
    first, second = (_predict(model, schema, part) for part in halves)
    return first | second


def _reason(error: SpecnetError) -> str:
    """Return why a row was refused, without its place in the table that was made of it alone."""
    message = error.message.replace("the row, row 0: ", "").replace(" in row 0", "")
    return f"{message} ({error.help})" if error.help and "column" in message and "\n" not in message else message


def to_json(model: TrainedModel, predictions: np.ndarray) -> list[Any]:
    """Return each prediction as JSON: the columns that `predict` writes as CSV by name, or a nested list."""
    if predictions.ndim > 2:
        return finite_json(predictions.tolist())
    columns = {name: values.tolist() for name, values in name_predictions(model, predictions)}
    return [{name: finite_json(values[row]) for name, values in columns.items()} for row in range(len(predictions))]
