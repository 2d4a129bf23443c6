"""Intervals that contain what is measured on a test split with a confidence of 95 %."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import numpy as np

from specnet.datasets.base import AnySamples, Samples
from specnet.functions import wilson
from specnet.plugin_code import staying
from specnet.training.batches import map_arrays
from specnet.training.model import Model

DRAWS = 500
"""Samples of the bootstrap, fewer of a large split."""
_LARGE = 10**6
"""Rows in all samples of the bootstrap together, at least 100 of which are drawn."""
_MOST = 100_000
"""Rows of a split above which only shares have an interval."""

Measure = Callable[[np.ndarray], dict[str, float]]
Intervals = dict[str, tuple[float, float]]
"""The lower and the upper limit by name."""


@staying()
def intervals(model: Model, samples: AnySamples, rng: np.random.Generator) -> Intervals:
    """Return an interval for the loss and each metric on some samples.

    Shares of single samples, such as the accuracy, have Wilson's, everything else the percentiles of the bootstrap:
    it is measured on as many samples drawn with replacement, again and again. Streamed samples have none. Efron,
    "Bootstrap methods", 1979.
    """
    if not isinstance(samples, Samples) or len(samples.inputs) < 2:
        return {}
    split = model.prepare(samples.map(model.inputs.apply, model.targets.apply), samples.targets)
    batch = next(split.pieces())
    y, mask = model.outputs(batch.inputs, batch.mask)
    batch, n = batch.masked(mask), batch.rows
    measures = model.measures()

    def measure(rows: np.ndarray) -> dict[str, float]:
        drawn = map_arrays(batch, lambda array: array[rows])
        measures.reset()
        loss = model.loss_of(y[rows], drawn)
        measures.update(y[rows], drawn.truth, drawn.weight)
        return {"loss": loss, **measures.compute()}

    shares = [
        name for name, metric in model.metrics.items() if metric.is_share and batch.weight is None and y.ndim == 2
    ]
    return intervals_of(measure, n, shares, rng)


def intervals_of(measure: Measure, n: int, shares: Collection[str], rng: np.random.Generator) -> Intervals:
    """Return an interval for each value that `measure` finds on some of n samples, by their indices.

    `shares` are the names of metrics that are shares of single samples, in each head that they measure.
    """
    found = Intervals()
    with np.errstate(all="ignore"):
        values = measure(np.arange(n))
        if n <= _MOST:
            count = min(DRAWS, max(100, _LARGE // n))
            draws = [measure(rng.integers(n, size=n)) for _ in range(count)]
            for name in values:
                low, high = np.quantile([draw.get(name, math.nan) for draw in draws], [0.025, 0.975])
                found[name] = float(low), float(high)
    found |= {name: share_interval(value, n) for name, value in values.items() if name.partition("/")[0] in shares}
    return {name: limits for name, limits in found.items() if all(map(math.isfinite, limits))}


def share_interval(value: float, n: int) -> tuple[float, float]:
    """Return Wilson's interval about a share of n samples."""
    low, high = wilson(np.array(n), np.array(value))
    return float(low), float(high)
