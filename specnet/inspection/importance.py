"""Permutation importance: how much worse predictions are if a column of held-out samples is shuffled."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from specnet.errors import PlotError
from specnet.inspection.columns import MOST_HELD_OUT, InputColumn, chosen_columns, held_out
from specnet.plots.base import Trained
from specnet.randomness import stream
from specnet.statistics import bootstrap_interval

REPEATS = 10
"""Permutations of each column by default."""


class Rise(NamedTuple):
    """The mean change of a value over the permutations of a column, and the 95 % interval of this mean."""

    mean: float
    interval: tuple[float, float]


class ColumnImportance(NamedTuple):
    """What permuting a column changes: the loss and each metric, by name."""

    column: str
    rises: dict[str, Rise]


class Importance(NamedTuple):
    """The importance of columns, most important first, measured on `label`; `values` are those without permutation."""

    split: str
    label: str
    repeats: int
    values: dict[str, float]
    columns: list[ColumnImportance]


def permutation_importance(
    run: Trained,
    split: str | None = None,
    repeats: int = REPEATS,
    seed: int = 0,
    columns: Iterable[str] = (),
    most: int = MOST_HELD_OUT,
    metrics: bool = True,
) -> Importance:
    """Return how much loss and metrics of a split change when a column is permuted, for each column or some.

    All features of a category are permuted together. Each column has random numbers of its own, so that its result does
    not depend on the others. At most `most` samples are used; without `metrics` only the loss is returned. The interval
    is that of the mean over the permutations, by the bootstrap: it does not contain what other samples would change.
    Breiman, "Random forests", 2001; Fisher, Rudin & Dominici, "All models are wrong, but many are useful", 2019.

    Raises:
        UsageError: if there is no such split or column.
        PlotError: if the inputs are not columns, or the loss is not finite.
        SpecnetError: if the data cannot be loaded any more.
    """
    chosen = chosen_columns(run, columns)
    held = held_out(run, split, most)
    values = run.evaluate(held.samples)
    values = values if metrics else {"loss": values["loss"]}
    if not math.isfinite(values["loss"]):
        raise PlotError(f"the loss of the {held.split} split is not finite: nothing can be compared with it")
    inputs = held.samples.inputs

    def measure(column: InputColumn) -> ColumnImportance:
        rng, found = stream(seed, f"importance.{column.name}"), []
        for _ in range(repeats):
            x = inputs.copy()
            x[:, column.places] = inputs[rng.permutation(len(inputs))][:, column.places]
            found.append(run.evaluate(held.samples._replace(inputs=x)))
        return ColumnImportance(
            column.name, {name: rise([each[name] - values[name] for each in found]) for name in values}
        )

    measured = sorted(map(measure, chosen), key=lambda each: -each.rises["loss"].mean)
    return Importance(held.split, held.label, repeats, values, measured)


def rise(changes: list[float]) -> Rise:
    """Return the mean of changes and its interval."""
    return Rise(float(np.mean(changes)), bootstrap_interval(changes) if len(changes) > 1 else (math.nan, math.nan))
