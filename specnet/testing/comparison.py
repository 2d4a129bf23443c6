"""Differences of arrays, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np

SINGLE = 1e-4
"""Tolerance of float32 against float64, relative to the largest number."""
CLOSE = 1e-9
"""Tolerance for rounding in float64."""
LEAST = 1e-3
"""Default lower bound of the largest number."""
AGREEMENT = {"float64": 1e-12, "float32": 1e-5}
"""Tolerance of a kernel against its definition."""
DType = Literal["float32", "float64"]
DTYPES: tuple[DType, ...] = ("float64", "float32")


def unequal(first: Any, second: Any, tolerance: float = CLOSE, least: float = LEAST) -> str | None:
    """Return in words where arrays differ by more than a share of the largest number, or text differs, or None."""
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape:
        return f"shape {first.shape} against {second.shape}"
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
    told: str,
    found: Mapping[str, Any],
    expected: Mapping[str, Any],
    tolerance: float = CLOSE,
    least: Mapping[str, float] = {},
) -> Iterator[str]:
    """Yield where arrays differ from those of the same name, with `told` between the name and the numbers."""
    for name, array in found.items():
        if text := unequal(array, expected[name], tolerance, least.get(name, LEAST)):
            yield f"{name} {told}: {text}"


def written(method: str, arrays: Mapping[str, np.ndarray], call: Callable[[], object]) -> Iterator[str]:
    """Yield the arrays that a call writes to."""
    kept = {name: array.copy() for name, array in arrays.items()}
    call()
    for name, array in arrays.items():
        if text := unequal(array, kept[name], 0.0):
            yield f"{method} writes to {name}: now {text} before"
