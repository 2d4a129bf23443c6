"""Arrays, lists and series that are given in Python, as arrays of numbers or names of classes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from specnet.errors import DataError


def class_array(targets: Any) -> np.ndarray:
    """Return targets as numbers, or as text (n,) if they are names of classes.

    Raises:
        DataError: if they are neither.
    """
    array = as_array(targets, "targets")
    array = array.astype(object) if array.dtype.kind == "T" else array
    text = np.array([isinstance(each, str) for each in array.ravel()]) if array.dtype.kind == "O" else np.zeros(0)
    if array.dtype.kind != "U" and not text.any():
        return number_array(targets, "targets")
    if array.ndim != 1:
        raise DataError(f"targets that are text have shape {array.shape}, expected one name of a class for each row")
    if not text.all():
        row = int(np.argmin(text))
        raise DataError(f"the target in row {row} is {array[row]!r}, but others are text")
    return array.astype(str)


def number_array(values: Any, what: str) -> np.ndarray:
    """Return rows of real numbers as an array, NaN where they are None or masked.

    Raises:
        DataError: if they are something else; `what` names them.
    """
    array = as_array(values, what)
    try:
        if "numpy.ma" in sys.modules and np.ma.is_masked(values):  # else NumPy would import it here
            array = np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)
        array = array.astype(np.float64) if array.dtype.kind == "O" else array
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"the {what} are not an array of numbers: {error}") from error
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        raise DataError(f"{what} of dtype {array.dtype} and shape {array.shape} are not rows of real numbers")
    return array


def as_array(values: Any, what: str) -> np.ndarray:
    """Return an array, or raise a `DataError` that names its content."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"the {what} are not an array: {error}") from error
