"""Gradients against central differences, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_STEPS = (1e-5, 1e-6, 1e-4)
"""Steps of central differences; a gradient is right if it agrees for one of them."""
_SMALL = 1e-7
"""Step of one-sided differences near a possible kink."""
TOLERANCE = 1e-6
"""Error of a derivative that counts as rounding, relative to the largest number."""
KINK = 1e-3
"""Least difference of the slopes on both sides of a kink, in the same units."""
ARRAY_PARTS = 64
"""Number of parts of a larger array; the numbers in each part are moved together."""


class Mismatch(NamedTuple):
    """A number whose derivative differs from the gradient."""

    place: tuple[int, ...]
    analytic: float
    numeric: float

    def show(self, name: str, batch: int) -> str:
        """Return the mismatch in words; `batch` is the number of samples."""
        place = list(self.place) or ""
        values = f"backward says {self.analytic:.6g}, central differences say {self.numeric:.6g}"
        return f"gradient of {name}{place}: {values}{self._explain(batch)}"

    def _explain(self, batch: int) -> str:
        if self.analytic == 0:
            return ": is it written at all?"
        ratio = self.analytic / self.numeric if self.numeric else math.nan
        if not ratio or not math.isfinite(ratio):
            return ""
        if math.isclose(ratio, -1.0, rel_tol=1e-3):
            return ": the sign is wrong"
        for factor, word in ((ratio, "multiplied by"), (1.0 / ratio, "divided by")):
            whole = round(factor) if math.isfinite(factor) else 0
            if abs(whole) > 1 and math.isclose(factor, whole, rel_tol=1e-3):
                why = ", the samples of the batch" if whole == batch else ""
                return f": it is {word} {whole}{why}"
        return ""


def find_mismatch(
    f: Callable[[], float], x: np.ndarray, gradient: np.ndarray, terms: float, rng: np.random.Generator
) -> Mismatch | None:
    """Return a number in x for which a gradient differs from the derivative of f; None if there is none.

    f reads x, which is changed in place and restored; `terms` is the size of the numbers that f adds, to bound
    rounding. Many numbers are moved at once, each by a different amount; if their derivatives do not add up, fewer
    and fewer are. At a kink a gradient is right between the slopes on both sides.
    """
    flat, expected = x.reshape(-1), gradient.reshape(-1)
    assert np.shares_memory(flat, x) or not x.size
    direction = rng.choice([-1.0, 1.0], flat.size) * rng.uniform(0.5, 1.5, flat.size)
    finite = np.abs(expected[np.isfinite(expected)])
    unit = float(finite.max()) if finite.size else 0.0

    def difference(numbers: np.ndarray, ahead: float, behind: float) -> float:
        kept, move = flat[numbers], direction[numbers] / math.sqrt(len(numbers))
        flat[numbers] = kept + ahead * move
        above = f()
        flat[numbers] = kept - behind * move
        below = f()
        flat[numbers] = kept
        return (above - below) / (ahead + behind)

    def is_right(numbers: np.ndarray) -> bool:
        analytic = float(expected[numbers] @ direction[numbers]) / math.sqrt(len(numbers))
        for step in _STEPS:
            rounding = 50 * np.finfo(np.float64).eps * terms / step
            if abs(difference(numbers, step, step) - analytic) <= TOLERANCE * unit + rounding:
                return True
        low, high = sorted((difference(numbers, _SMALL, 0.0), difference(numbers, 0.0, _SMALL)))
        slack = KINK * max(abs(low), abs(high))
        return high - low > slack and low - slack / 2 <= analytic <= high + slack / 2

    def search(numbers: np.ndarray) -> Mismatch | None:
        if is_right(numbers):
            return None
        if len(numbers) > 1:
            return next(filter(None, map(search, np.array_split(numbers, 2))), None)
        place = tuple(map(int, np.unravel_index(int(numbers[0]), x.shape)))
        numeric = difference(numbers, _STEPS[0], _STEPS[0]) / float(direction[numbers[0]])
        return Mismatch(place, float(expected[numbers[0]]), numeric)

    order = rng.permutation(flat.size) if flat.size > ARRAY_PARTS else np.arange(flat.size)
    parts = np.array_split(order, min(ARRAY_PARTS, max(1, flat.size)))
    return next(filter(None, map(search, parts)), None)
