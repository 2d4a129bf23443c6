"""Data frames as inputs: pandas, polars, pyarrow and others, by the names of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from specnet.errors import DataError
from specnet.runs.findings import enumerate_some


def frame_names(frame: Any) -> list[str] | None:
    """Return the column names of a data frame, or None if the object is not a data frame with named columns."""
    if isinstance(frame, np.ndarray) or not hasattr(frame, "__getitem__"):
        return None
    names = getattr(frame, "column_names", getattr(frame, "columns", None))
    if not isinstance(names, Iterable):
        return None
    names = list(names)
    return names if names and all(isinstance(name, str) for name in names) else None


def frame_columns(frame: Any, names: Sequence[str]) -> np.ndarray:
    """Return columns of a data frame as an array (n, k) of float64, in the order of `names`.

    Raises:
        DataError: naming the columns that are missing, or the first row without a number.
    """
    known = frame_names(frame) or []
    if missing := [name for name in names if name not in known]:
        raise DataError(
            f"the data frame has no column {enumerate_some(missing)}", help=f"it has {enumerate_some(known)}"
        )
    if repeated := [name for name in names if known.count(name) > 1]:
        raise DataError(f"the data frame has several columns {enumerate_some(repeated)}")
    return np.stack([_numbers(frame[name], name) for name in names], axis=1)


def _numbers(column: Any, name: str) -> np.ndarray:
    try:
        values = np.asarray(column, np.float64)
    except (TypeError, ValueError):  # a missing value of a nullable type, or text
        values = np.array([_number(value) for value in column])
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        value = list(column)[wrong[0]]
        raise DataError(f'row {wrong[0]} of column "{name}" is {value!r}, not a finite number')
    return values


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan
