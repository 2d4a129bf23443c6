"""The curves of a page: what the histories of runs hold, and what a record knows of each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from specnet.functions import evenly_spaced, falls_far, thin
from specnet.report.base import Reported

SPLITS = ("train", "validation", "test")
POINTS = 2000
"""Points of a curve at most."""
ALL_POINTS = 40_000
"""Points of all curves at most: where there are many curves, each has fewer."""
LEAST = 50
"""Points of a curve at least that are chosen by its shape, however many frames there are."""
LAYERS = 24
"""Layers that are shown at most, evenly chosen."""
OF_LAYERS = {"gradient_norms": "gradient norm", "update_norms": "update / weight norm", "weight_norms": "weight norm"}
DEAD_UNITS = "share of dead or saturated units"

Panel = dict[str, Any]


def panels(runs: Sequence[Reported], names: Sequence[str], epochs: Sequence[int] = ()) -> list[Panel]:
    """Return the panels of a page as JSON values; curves of layers only where there is a single run.

    Curves are thinned, but keep what they say at these `epochs`, in which a replay stops.
    A panel has a `title`, `series`, and whether its scale is logarithmic at first. Of a series, `color` and `dash`
    are numbers, of the split for one run, else of the run and of the split.
    """
    found = [*of_history(runs, names), *(of_layers(runs[0].record) if len(runs) == 1 else [])]
    most = min(POINTS, ALL_POINTS // max(1, sum(len(panel["series"]) for panel in found)))
    for panel in found:
        for series in panel["series"]:
            x, y = series["x"], series["y"]
            told = last_up_to(x, epochs)
            shown = np.union1d(thin(y, max(most - len(told), LEAST)), told)
            series["x"], series["y"] = x[shown].tolist(), [rounded(value) for value in y[shown].tolist()]
    return found


def last_up_to(x: np.ndarray, epochs: Sequence[int]) -> np.ndarray:
    """Return the places of the last of ascending numbers up to each epoch."""
    places = np.unique(np.searchsorted(x, np.asarray(epochs, np.int64), side="right") - 1)
    return places[places >= 0]


def of_history(runs: Sequence[Reported], names: Sequence[str]) -> Iterator[Panel]:
    """Give a panel for each value of the histories, its splits and runs together."""
    columns = dict.fromkeys(column for run in runs for column in run.history)
    values = dict.fromkeys(column.partition("/")[2] or column for column in columns)
    for value in values:
        if value in ("epoch", "step", "seconds"):
            continue
        series = []
        for (number, run), (split, place) in product(enumerate(runs), [*zip(SPLITS, range(3), strict=True), ("", 0)]):
            column = f"{split}/{value}" if split else value
            if column in run.history:
                label = " ".join(part for part in (names[number] if len(runs) > 1 else "", split) if part)
                color = number if len(runs) > 1 else place
                series.append(curve(label or value, color, place, run.history["epoch"], run.history[column]))
        scheduled = "." in value  # named by its place
        shown = panel(value.removeprefix("optimizer.").replace("_", " "), series)
        # Many learning rates end near 0: a logarithm would show little but that.
        yield shown | {"log": shown["log"] and not scheduled}


def of_layers(record: Mapping[str, np.ndarray]) -> Iterator[Panel]:
    """Give the panels of what a record knows of each layer; of the initial weights alone there is no curve."""
    if len(record.get("epochs", ())) < 2 or "layers" not in record:  # older versions kept no layers
        return
    for key, title in OF_LAYERS.items():
        if key in record:
            values = record[key].astype(np.float64)
            if key == "update_norms":
                with np.errstate(divide="ignore", invalid="ignore"):
                    values = values / record["weight_norms"]
            yield panel(title, list(each_layer(record["layers"], record["epochs"], values)))
    if "dead_units" in record and len(record["activations"]):
        units = each_layer(record["activations"], record["epochs"], record["dead_units"])
        yield panel(DEAD_UNITS, list(units))


def each_layer(layers: np.ndarray, epochs: np.ndarray, values: np.ndarray) -> Iterator[dict[str, Any]]:
    """Give the curve of each of at most so many layers."""
    for number, place in enumerate(evenly_spaced(len(layers), LAYERS)):
        yield curve(str(layers[place]), number, number, epochs, values[:, place])


def panel(title: str, series: list[dict[str, Any]]) -> Panel:
    """Return a panel; its scale is logarithmic if all its numbers are positive and one of its curves falls far."""
    finite = [known[np.isfinite(known)] for known in (each["y"] for each in series)]
    curves = [known for known in finite if len(known)]
    log = bool(curves) and all((known > 0).all() for known in curves) and any(map(falls_far, curves))
    return {"title": title, "series": series, "log": log}


def curve(name: str, color: int, dash: int, epochs: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """Return a curve with all its points."""
    return {"name": name, "color": color, "dash": dash, "x": epochs, "y": values}


def rounded(value: float) -> float | None:
    """Return a number of five digits, or None where it is not finite."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
