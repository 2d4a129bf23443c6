"""What several runs say together: statistics of each value, and how many of them reached a target."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated

import numpy as np
from pydantic import BaseModel, BeforeValidator, FiniteFloat, NonNegativeInt

from specnet.runs.trained.intervals import share_interval
from specnet.statistics import bootstrap_interval

Limits = Annotated[
    tuple[FiniteFloat, FiniteFloat], BeforeValidator(lambda read: tuple(read) if isinstance(read, list) else read)
]
"""In JSON, a list."""


class Statistic(BaseModel):
    """A value of several runs: those in which it is a number."""

    count: NonNegativeInt
    mean: FiniteFloat
    std: FiniteFloat | None
    """The standard deviation of the sample, divided by count - 1; None of one run."""
    median: FiniteFloat
    interval: Limits | None
    """An interval that contains the mean with a confidence of 95 %, by the bootstrap; None of one run."""
    minimum: FiniteFloat
    maximum: FiniteFloat


class Reached(BaseModel):
    """How many runs reached a target, with Wilson's 95 % interval of their share, and after how many epochs."""

    count: NonNegativeInt
    runs: NonNegativeInt
    share: FiniteFloat
    interval: Limits
    epochs: Statistic | None


def describe(values: Iterable[float | None]) -> Statistic | None:
    """Return the statistics of values; None if none of them is a finite number."""
    numbers = np.array([value for value in values if value is not None and math.isfinite(value)], np.float64)
    if not (n := len(numbers)):
        return None
    return Statistic(
        count=n,
        mean=float(numbers.mean()),
        std=float(numbers.std(ddof=1)) if n > 1 else None,
        median=float(np.median(numbers)),
        interval=bootstrap_interval(numbers) if n > 1 else None,
        minimum=float(numbers.min()),
        maximum=float(numbers.max()),
    )


def count_reached(epochs: Sequence[int | None]) -> Reached:
    """Return how many runs reached a target, from the epoch in which each did; None for those that did not."""
    count, runs = sum(epoch is not None for epoch in epochs), len(epochs)
    share = count / max(runs, 1)
    interval = share_interval(share, runs) if runs else (0.0, 1.0)
    return Reached(count=count, runs=runs, share=share, interval=interval, epochs=describe(epochs))
