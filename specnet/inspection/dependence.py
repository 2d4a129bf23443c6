"""Partial dependence and individual conditional expectation: predictions as one column changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from specnet.datasets.base import Samples
from specnet.errors import PlotError
from specnet.functions import evenly_spaced
from specnet.inspection.columns import InputColumn, category_values, chosen_columns, held_out
from specnet.layers.stack import take_whole
from specnet.plots.base import Trained
from specnet.recording.classes import numbered

GRID = 20
"""Values of a column of numbers."""
LOW, HIGH = 0.05, 0.95
"""Quantiles between which they are."""
SAMPLES_OF_CURVES = 500
"""Samples whose predictions are averaged, evenly chosen of a larger split."""
INDIVIDUAL = 30
"""Samples whose own curves are kept, evenly chosen."""


class Dependence(NamedTuple):
    """Predictions over the values of a column.

    `labels` are the names of the values: `values` are numbers (points,), or None for categories. `mean` (points, k) are
    the means of the predictions of all samples, `individual` (samples, points, k) predictions of some of them.
    """

    column: str
    labels: list[str]
    values: np.ndarray | None
    outputs: list[str]
    mean: np.ndarray
    individual: np.ndarray


def partial_dependence(
    run: Trained, columns: Iterable[str] = (), split: str | None = None, most: int = SAMPLES_OF_CURVES
) -> list[Dependence]:
    """Return the dependence of predictions on some columns, by default on all, of at most `most` samples.

    A column takes the same value in all samples, one value after the other, and the others keep theirs: evenly spaced
    quantiles from 5 to 95 %, or all values if there are few; of categories each that occurs. Predictions are
    probabilities where the network computes them, else numbers in the units of the dataset. Friedman, "Greedy function
    approximation", 2001; Goldstein et al., "Peeking inside the black box", 2015.

    Raises:
        UsageError: if there is no such split or column.
        PlotError: if the inputs are not columns, or predictions are not a row of numbers for each sample.
        SpecnetError: if the data cannot be loaded any more.
    """
    chosen = chosen_columns(run, columns)
    samples = held_out(run, split, most).samples
    return [_depend(run, column, samples) for column in chosen]


def _depend(run: Trained, column: InputColumn, samples: Samples) -> Dependence:
    if column.kind == "category":
        named = category_values(run, column, samples.inputs)
        labels, rows, values = [name for name, _ in named], [row for _, row in named], None
    else:
        values = grid_of(samples.inputs[:, column.places[0]])
        values = np.unique(np.rint(values)) if take_whole(run.layers) else values
        labels, rows = [f"{value:.6g}" for value in values], [np.array([value]) for value in values]
    if not rows:
        raise PlotError(f"the column {column.name} has no value in these samples")
    individual = vary(run, column, samples, rows)
    kept = evenly_spaced(len(individual), INDIVIDUAL)
    outputs = prediction_names(run, individual.shape[-1])
    return Dependence(column.name, labels, values, outputs, individual.mean(axis=0), individual[kept])


def grid_of(x: np.ndarray) -> np.ndarray:
    """Return the values (points,) that a number takes: all of x (n,), or quantiles if there are many."""
    known = np.unique(x[np.isfinite(x)]).astype(np.float64)
    if len(known) <= GRID:
        return known
    return np.unique(np.quantile(x[np.isfinite(x)].astype(np.float64), np.linspace(LOW, HIGH, GRID)))


def vary(run: Trained, column: InputColumn, samples: Samples, rows: list[np.ndarray]) -> np.ndarray:
    """Return predictions (n, points, k) of all samples with the column at each of these rows of its features."""
    n, points = len(samples.inputs), len(rows)
    x = np.repeat(samples.inputs.astype(np.float64), points, axis=0)
    x[:, column.places] = np.tile(rows, (n, 1))
    y = run.predict(x)
    if y.ndim > 2 or y.dtype.kind in "iu":
        what = "class numbers" if y.dtype.kind in "iu" else f"of shape {y.shape[1:]}"
        raise PlotError(f"partial dependence needs a number or a score for each class, but predictions are {what}")
    return y.reshape(n, points, -1).astype(np.float64)


def prediction_names(run: Trained, count: int) -> list[str]:
    """Return names of all predictions of a sample: of classes, of target columns, or numbered; heads come first."""
    names = list[str]()
    for part in run.task.parts:
        first, last = part.columns or (0, count)
        own = list(part.classes[1:] if part.has_classes and last - first == 1 else part.classes or part.names)
        own = numbered(own, last - first)[: last - first] if part.classes or len(own) == last - first else []
        own = own or ["target"] * (last - first == 1) or [f"output {number}" for number in range(last - first)]
        names += own if len(run.task.parts) == 1 else [f"{part.name}: {name}" for name in own]
    return names
