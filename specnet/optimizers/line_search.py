"""A line search for the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

DECREASE, CURVATURE = 1e-4, 0.9
"""c1 and c2 of the conditions."""


class Point(NamedTuple):
    """A point w + t d of a line: t, the loss, its derivative by t, and the gradient."""

    t: float
    loss: float
    slope: float
    g: np.ndarray


def strong_wolfe(at: Callable[[float], Point], start: Point, t: float) -> Point:
    """Return a point that fulfils the strong Wolfe conditions, or the best of 25 points, perhaps `start`.

    f(t) <= f(0) + c1 t f'(0) and |f'(t)| <= c2 |f'(0)|, with f'(0) < 0; t is the first one tried. Nocedal & Wright,
    "Numerical optimization", 2006, algorithms 3.5 and 3.6.
    """

    def too_high(point: Point) -> bool:
        return not point.loss <= start.loss + DECREASE * point.t * start.slope  # also if it is not a number

    low, high = start, None
    for _ in range(25):
        point = at(t)
        if too_high(point) or (low is not start and point.loss >= low.loss):
            high = point
        elif abs(point.slope) <= -CURVATURE * start.slope:
            return point
        elif high is None:
            low, high = (point, low) if point.slope >= 0 else (point, None)
        else:
            low, high = point, low if point.slope * (high.t - low.t) >= 0 else high
        if high is None:
            t *= 4
        elif high.t == low.t:
            break
        else:
            edge = 0.1 * abs(high.t - low.t)
            t = float(np.clip(minimum(low, high), min(low.t, high.t) + edge, max(low.t, high.t) - edge))
    return low


def minimum(a: Point, b: Point) -> float:
    """Return where the cubic through two points, with their slopes, is least; halfway if that is not between them.

    Nocedal & Wright, equation 3.59.
    """
    halfway = (a.t + b.t) / 2
    if a.t == b.t or not math.isfinite(b.loss + b.slope):  # nothing but rounding is left between them
        return halfway
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not 0 <= square < math.inf:
        return halfway
    d2 = math.copysign(math.sqrt(square), b.t - a.t)
    bottom = b.slope - a.slope + 2 * d2
    return b.t - (b.t - a.t) * (b.slope + d2 - d1) / bottom if bottom else halfway
