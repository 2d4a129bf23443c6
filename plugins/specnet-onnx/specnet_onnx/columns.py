"""Inputs of a model: a column of a table each, or one array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from specnet.datasets.columns import Column
from specnet.exporters.tracing import Traced, traced_input

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands for a category that a column does not have."""


def has_text(columns: Sequence[Column] | None) -> bool:
    """Return whether a column is text."""
    return any(column.categories is not None and column.type in ("category", "binary") for column in columns or ())


def cells_of(columns: Sequence[Column], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns (n, 1) of a table that become rows of features."""
    cells, start = {}, 0
    for column in columns:
        width = len(column.features)
        part = rows[:, start : start + width].astype(np.float64)
        start += width
        cells[column.name] = part if column.type in ("number", "date") else _texts(column, part)
    return cells


def _texts(column: Column, part: np.ndarray) -> np.ndarray:
    assert column.categories is not None
    texts = np.array([*column.categories, "", UNKNOWN])
    count = len(column.categories)
    if part.shape[1] > 1 or (column.encode == "one_hot" and column.type != "binary"):
        codes = np.where(part.any(axis=1), np.argmax(part, axis=1), count + 1)
    else:
        codes = np.where(part[:, 0] == np.rint(part[:, 0]), part[:, 0], count + 1)
    codes = np.where(np.isnan(part).any(axis=1), count, codes).astype(np.int64)
    return texts[codes][:, np.newaxis]


def encode(columns: Sequence[Column], cells: Mapping[str, np.ndarray], na_values: Sequence[str], dtype: Any) -> Traced:
    """Return the features of columns, as a trace that begins with one input for each.

    Features are NaN where a category is missing or unknown, unless the column says otherwise.
    """
    parts: list[Any] = []
    for column in columns:
        cell: Any = traced_input(cells[column.name], column.name)
        if column.categories is None or column.type in ("number", "date"):
            parts.append(cell)
            continue
        known = cell == np.array(column.categories)
        missing = np.max(cell == np.array(["", *na_values]), axis=1, keepdims=True)
        found = known.astype(np.float64)
        other = missing if column.handle_unknown == "ignore" else ~np.max(known, axis=1, keepdims=True)
        if column.missing == "category":
            found = np.concatenate([found, missing.astype(np.float64)], axis=1)
            other = other & ~missing
        if column.type == "binary" or column.encode == "ordinal":
            codes = np.sum(found * np.arange(float(found.shape[1])), axis=1, keepdims=True)
            found = codes + 0.5 * (1 - np.sum(found, axis=1, keepdims=True))
        parts.append(np.where(other, np.nan, found))
    features: Any = np.concatenate(parts, axis=1)
    return features.astype(dtype)  # type: ignore[no-any-return]
