"""Missing values in the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specnet.datasets.columns import Column, Missing
from specnet.datasets.table import Table


def lack_inputs(columns: Sequence[Column], inputs: np.ndarray, policy: Missing) -> np.ndarray:
    """Return which rows of inputs (rows, features) are dropped (rows,); the policy is that of columns without one."""
    dropped, start = np.zeros(len(inputs), bool), 0
    for column in columns:
        width = len(column.features)
        if (column.missing or policy) == "drop":
            dropped |= np.isnan(inputs[:, start : start + width]).any(axis=1)
        start += width
    return dropped


def lack_targets(columns: Sequence[Column], targets: np.ndarray, policy: Missing) -> np.ndarray:
    """Return which rows of targets (rows, columns) or (rows,) are dropped (rows,)."""
    dropped = np.zeros(len(targets), bool)
    for number, column in enumerate(columns):
        if (column.missing or policy) == "drop":
            dropped |= _missing(targets, number)
    return dropped


def check_targets(table: Table, columns: Sequence[Column], targets: np.ndarray, dropped: np.ndarray) -> None:
    """Record a mistake for each column with missing targets in rows that are not dropped (rows,); empty for none."""
    for number, column in enumerate(columns):
        missing = _missing(targets, number)
        if dropped.any():
            missing &= ~dropped
        if missing.any():
            help = f'to leave these rows out, write {{"name": "{column.name}", "missing": "drop"}}'
            table.report(column.name, ("targets", number), missing, "a missing value", help)


def _missing(targets: np.ndarray, number: int) -> np.ndarray:
    """Return where a target is missing (rows,)."""
    return targets == -1 if targets.ndim == 1 else np.isnan(targets[:, number])
