"""Compare arrays and describe the difference."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.lib.format import read_array, write_array

SINGLE = 1e-4
"""Largest difference between float32 and float64 results, relative to the largest number."""
CLOSE = 1e-9
"""Largest difference by rounding in float64, relative to the largest number."""
LEAST = 1e-3
"""Arrays with only smaller numbers are compared as if their largest number were this."""
AGREEMENT = {"float64": 1e-12, "float32": 1e-5}
"""Largest difference between a kernel and its definition."""
DType = Literal["float32", "float64"]
DTYPES: tuple[DType, ...] = ("float64", "float32")
Results = Mapping[str, Any]
"""Arrays, numbers or texts by name."""


def unequal(first: Any, second: Any, tolerance: float = CLOSE, least: float = LEAST) -> str | None:
    """Describe where arrays differ by more than a share of the largest number, or text differs; None if nowhere."""
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape:
        return f"shape {first.shape} against {second.shape}"
    if np.array_equal(first, second):  # the usual case, and much faster than what follows
        return None
    if first.dtype.kind not in "biuf" or second.dtype.kind not in "biuf":
        close, show = first == second, repr
    else:
        sizes = np.abs(np.concatenate([first.reshape(-1), second.reshape(-1)]).astype(np.float64))
        unit = max(least, np.max(sizes, initial=0.0, where=np.isfinite(sizes)))
        close, show = np.isclose(first, second, rtol=0.0, atol=tolerance * unit, equal_nan=True), "{:.6g}".format
    if np.all(close):
        return None
    place = tuple(map(int, np.argwhere(~close)[0]))
    return f"{show(first[place])} against {show(second[place])}" + (f" in {list(place)}" if place else "")


def differing(
    how: str,
    found: Results,
    expected: Results,
    tolerance: float = CLOSE,
    least: Callable[[str], float] = lambda name: LEAST,
) -> Iterator[str]:
    """Yield where results differ from those of the same name; `how` stands between the name and the numbers."""
    if found.keys() != expected.keys():
        yield f"results {how}: {', '.join(found)} against {', '.join(expected)}"
        return
    for name, array in found.items():
        if text := unequal(array, expected[name], tolerance, least(name)):
            yield f"{name} {how}: {text}"


def overwritten(method: str, arrays: Mapping[str, np.ndarray], call: Callable[[], object]) -> Iterator[str]:
    """Yield the arrays that a call writes to, and restore them."""
    kept = {name: array.copy() for name, array in arrays.items()}
    call()
    for name, array in arrays.items():
        if text := unequal(array, kept[name], 0.0):
            array[...] = kept[name]
            yield f"{method} writes to {name}: now {text} before"


def stored(value: Any) -> Any:
    """Return what is read again after arrays were written in NumPy's format, and all else as JSON."""
    if isinstance(value, dict) and any(isinstance(each, (np.ndarray, np.generic)) for each in value.values()):
        return {name: stored(each) for name, each in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        file = io.BytesIO()
        write_array(file, np.asarray(value), allow_pickle=False)
        file.seek(0)
        return read_array(file, allow_pickle=False)
    return json.loads(json.dumps(value, allow_nan=False))
