"""Curves over the epochs, as data that the page and the plots draw: those of a history and those of layers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from specnet.datasets.split import SPLITS

COUNTERS = ("epoch", "step", "seconds")
"""Columns of a history that count, and measure nothing."""
OF_WEIGHTS = ("gradient norm", "update / weight norm", "weight norm")
"""Titles of the values that a record has of each layer with parameters."""
DEAD_UNITS = "share of dead or saturated units"

_Curves = dict[str, np.ndarray]
"""Numbers (epochs,) or (frames,) by the name of a split or a layer."""


def history_curves(history: Mapping[str, np.ndarray]) -> dict[str, _Curves]:
    """Return the columns of each measured value by split; a scheduled value, named by its place, has one named ""."""
    values: dict[str, _Curves] = {}
    for column, numbers in history.items():
        split, slash, value = column.partition("/")
        if slash and split in SPLITS:
            values.setdefault(value, {})[split] = numbers
        elif not slash and column not in COUNTERS:
            values[column] = {"": numbers}
    return values


def layer_curves(record: Mapping[str, np.ndarray]) -> dict[str, _Curves]:
    """Return what a record has of each layer, by title; nothing of the initial weights alone, or of older versions."""
    if len(record.get("epochs", ())) < 2 or "layers" not in record:
        return {}
    weights = record["weight_norms"].astype(np.float64)
    ratios = record["update_norms"] / np.where(weights > 0, weights, np.nan)
    found = dict(zip(OF_WEIGHTS, (record["gradient_norms"], ratios, weights), strict=True))
    values = {title: dict(zip(record["layers"].tolist(), norms.T, strict=True)) for title, norms in found.items()}
    if len(record["activations"]):
        values[DEAD_UNITS] = dict(zip(record["activations"].tolist(), record["dead_units"].T, strict=True))
    return values


def curvature_curves(record: Mapping[str, np.ndarray]) -> _Curves:
    """Return the recorded curvatures, the largest first; nothing if there are none."""
    columns = record.get("curvature", np.empty((0, 0))).T
    return dict(zip(("largest", "second", "third"), columns, strict=False))


def title(value: str) -> str:
    """Return the title of a value of the history.

    >>> title("optimizer.learning_rate")
    'learning rate'
    """
    return value.removeprefix("optimizer.").replace("_", " ")


def spans_decades(curves: Collection[np.ndarray], *, scheduled: bool = False) -> bool:
    """Return whether curves need a logarithmic scale: all numbers are positive, and one curve falls far.

    It falls from a peak to less than a tenth of it. Many schedules end near 0, where a logarithm would show little
    else: these must have less than a tenth of their peak in a quarter of all epochs.
    """
    known = [curve[np.isfinite(curve)] for curve in curves]
    known = [curve for curve in known if len(curve)]
    if any((curve <= 0).any() for curve in known):
        return False
    if scheduled:
        return any(curve.max() > 10 * np.quantile(curve, 0.25) for curve in known)
    return any(curve[: np.argmin(curve) + 1].max() > 10 * curve.min() for curve in known)
