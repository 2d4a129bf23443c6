"""The curves of a page as JSON values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from specnet.functions import evenly_spaced, thin
from specnet.recording.curves import SPLITS, history_curves, layer_curves, spans_decades, title
from specnet.report.base import Reported

POINTS = 2000
"""Points of a curve at most."""
ALL_POINTS = 40_000
"""Points of all curves at most: where there are many curves, each has fewer."""
LEAST = 50
"""Points of a curve at least that are chosen by its shape, however many frames there are."""
LAYERS = 24
"""Layers that are shown at most, evenly chosen."""

Panel = dict[str, Any]


def panels(runs: Sequence[Reported], names: Sequence[str], epochs: Sequence[int] = ()) -> list[Panel]:
    """Return the panels of a page as JSON values; curves of layers only where there is a single run.

    Curves are thinned, but keep their values at these `epochs`, at which a replay stops.
    A panel has a `title`, `series`, and whether its scale is logarithmic at first. Of a series, `color` and `dash`
    are numbers, of the split for one run, else of the run and of the split.
    """
    found = [*history_panels(runs, names), *(layer_panels(runs[0].record) if len(runs) == 1 else [])]
    most = min(POINTS, ALL_POINTS // max(1, sum(len(panel["series"]) for panel in found)))
    for panel in found:
        for series in panel["series"]:
            x, y = series["x"], series["y"]
            stops = last_up_to(x, epochs)
            shown = np.union1d(thin(y, max(most - len(stops), LEAST)), stops)
            series["x"], series["y"] = x[shown].tolist(), [rounded(value) for value in y[shown].tolist()]
    return found


def last_up_to(x: np.ndarray, epochs: Sequence[int]) -> np.ndarray:
    """Return the places of the last of ascending numbers up to each epoch."""
    places = np.unique(np.searchsorted(x, np.asarray(epochs, np.int64), side="right") - 1)
    return places[places >= 0]


def history_panels(runs: Sequence[Reported], names: Sequence[str]) -> Iterator[Panel]:
    """Yield a panel for each value of the histories, with its splits and runs together."""
    values = [history_curves(run.history) for run in runs]
    for value in dict.fromkeys(value for each in values for value in each):
        series = []
        for (number, run), split in product(enumerate(runs), [*SPLITS, ""]):
            if split in values[number].get(value, {}):
                label = " ".join(part for part in (names[number] if len(runs) > 1 else "", split) if part) or value
                dash = SPLITS.index(split) if split else 0
                color = number if len(runs) > 1 else dash
                series.append(curve(label, color, dash, run.history["epoch"], values[number][value][split]))
        yield panel(title(value), series, scheduled="." in value)


def layer_panels(record: Mapping[str, np.ndarray]) -> Iterator[Panel]:
    """Yield a panel for each value that a record has of layers."""
    for name, curves in layer_curves(record).items():
        layers = [list(curves)[place] for place in evenly_spaced(len(curves), LAYERS)]
        yield panel(name, [curve(layer, n, n, record["epochs"], curves[layer]) for n, layer in enumerate(layers)])


def panel(name: str, series: list[dict[str, Any]], *, scheduled: bool = False) -> Panel:
    """Return a panel."""
    return {"title": name, "series": series, "log": spans_decades([each["y"] for each in series], scheduled=scheduled)}


def curve(name: str, color: int, dash: int, epochs: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """Return a curve with all its points."""
    return {"name": name, "color": color, "dash": dash, "x": epochs, "y": values}


def rounded(value: float) -> float | None:
    """Return a number of five digits, or None where it is not finite."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
