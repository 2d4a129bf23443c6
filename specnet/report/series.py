"""The curves of a page as JSON values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from specnet.datasets.split import SPLITS
from specnet.functions import distinct, evenly_spaced, format_number, thin
from specnet.metrics.base import Metric
from specnet.recording.curves import DEAD_UNITS, curvature_curves, history_curves, layer_curves, spans_decades, title
from specnet.report.base import Reported
from specnet.report.entries import RunSet
from specnet.spec.model import Spec

CURVE_POINTS = 2000
"""Points of a curve at most."""
ALL_POINTS = 40_000
"""Points of all curves at most: where there are many curves, each has fewer."""
_LEAST = 50
"""Points of a curve at least that are chosen by its shape, however many frames there are."""
FEW = 4
"""Runs of which all splits are shown, and a legend in each panel."""
LAYERS = 24
"""Layers that are shown at most, evenly chosen."""

PanelJson = dict[str, Any]


def panels(entries: Sequence[RunSet], epochs: Sequence[int] = ()) -> list[PanelJson]:
    """Return the panels of a page as JSON values; curves of layers only where there is a single run.

    Curves are thinned, but keep their values at these `epochs`, at which a replay stops.
    A panel has a `title`, `series`, and `log`: whether its scale is logarithmic at first, or None where it never is.
    Of a series, `color` and `dash` are numbers, of the split for one run, else of the entry and of the split; that of
    a group has `low` and `high`. What is set or checked and stays the same is `constant`: the page says it in words.
    """
    single = len(entries) == 1 and not entries[0].is_group
    found = [*history_panels(entries)]
    if single:
        found += [*curvature_panel(entries[0].runs[0]), *layer_panels(entries[0].runs[0].record)]
    most = min(CURVE_POINTS, ALL_POINTS // max(1, sum(len(panel["series"]) for panel in found)))
    for panel in found:
        for series in panel["series"]:
            x, y = series["x"], series["y"]
            stops = last_up_to(x, epochs)
            shown = distinct(np.concatenate([thin(y, max(most - len(stops), _LEAST)), stops]))
            series["x"] = x[shown].tolist()
            for name in ("y", "low", "high"):
                if name in series:
                    series[name] = [rounded(value) for value in series[name][shown].tolist()]
    return found


def last_up_to(x: np.ndarray, epochs: Sequence[int]) -> np.ndarray:
    """Return the places of the last of ascending numbers up to each epoch."""
    places = distinct(np.searchsorted(x, np.asarray(epochs, np.int64), side="right") - 1)
    return places[places >= 0]


def history_panels(entries: Sequence[RunSet]) -> Iterator[PanelJson]:
    """Yield a panel for each value of the histories, with its splits and entries together.

    Of many entries, and where there are groups, one split is shown.
    """
    values = [[history_curves(run.history) for run in entry.runs] for entry in entries]
    known = [run for each in values for run in each]
    for value in dict.fromkeys(value for run in known for value in run):
        series, name = [], title(value)
        found = {split for run in known for split in run.get(value, {})}
        one = found != {""} and (len(entries) > FEW or any(entry.is_group for entry in entries))
        if one:
            found = {"validation" if "validation" in found else min(found)}
            name += f", {min(found)}"
        for (number, entry), split in product(enumerate(entries), [*SPLITS, ""]):
            curves = [
                (run.history["epoch"], each[value][split])
                for run, each in zip(entry.runs, values[number], strict=True)
                if split in found and split in each.get(value, {})
            ]
            if curves:
                label = (
                    " ".join(part for part in (entry.name if len(entries) > 1 else "", "" if one else split) if part)
                    or value
                )
                dash = SPLITS.index(split) if split and not one else 0
                color = number if len(entries) > 1 else dash
                series.append(
                    band(label, color, dash, curves) if entry.is_group else curve(label, color, dash, *curves[0])
                )
        rules = [rule for entry in entries for run in entry.runs for rule in metrics_of(run.spec, value)]
        bounded = value != "loss" and any(rule.higher_is_better for rule in rules)
        yield panel(name, series, scheduled="" in found, bounded=bounded)


def metrics_of(spec: Spec, value: str) -> list[Metric]:
    """Return the metrics of a spec whose values have this name in the history."""
    return [metric for metric in spec.metrics if metric.label == value.partition("/")[0]]


def curvature_panel(run: Reported) -> Iterator[PanelJson]:
    """Yield the panel of a run's recorded curvatures, with the largest that its optimizer takes without growing steps.

    For plain gradient descent that is 2 / learning rate.
    """
    record, optimizer = run.record, run.spec.optimizer
    curves = curvature_curves(record)
    rates = record.get("optimizer.learning_rate", np.empty(0))
    limits = [None if optimizer.adaptive else optimizer.stable_curvature_at(rate) for rate in rates if rate]
    if curves and limits and None not in limits:
        curves["stable below"] = np.full(len(rates), np.nan)
        curves["stable below"][rates != 0] = limits
    if curves:
        epochs = record["epochs"]
        yield panel("curvature", [curve(name, n, n, epochs, y) for n, (name, y) in enumerate(curves.items())])


def layer_panels(record: Mapping[str, np.ndarray]) -> Iterator[PanelJson]:
    """Yield a panel for each value that a record has of layers."""
    for name, curves in layer_curves(record).items():
        layers = [list(curves)[place] for place in evenly_spaced(len(curves), LAYERS)]
        yield panel(name, [curve(layer, n, n, record["epochs"], curves[layer]) for n, layer in enumerate(layers)])


def panel(name: str, series: list[dict[str, Any]], *, scheduled: bool = False, bounded: bool = False) -> PanelJson:
    """Return a panel, of a value that is `bounded` without a logarithmic scale."""
    values = [each["y"] for each in series]
    bounded = bounded or name == DEAD_UNITS or not any((y > 0).any() for y in values)
    log = None if bounded else spans_decades(values, scheduled=scheduled)
    return {"title": name, "series": series, "log": log, "constant": _constant(name, values, scheduled)}


def _constant(name: str, values: Sequence[np.ndarray], scheduled: bool) -> str:
    """Return what to say instead of the curves of a schedule that never changes, or of units that are never dead."""
    each = [distinct(y[np.isfinite(y)]).tolist() for y in values]
    if name == DEAD_UNITS:
        return f"{name}: 0" if all(numbers == [0.0] for numbers in each) else ""
    if not scheduled or any(len(numbers) > 1 for numbers in each):
        return ""
    known = {format_number(number) for numbers in each for number in numbers}
    return f"{name}: {known.pop()}" if len(known) == 1 else f"{name}: constant in each run"


def curve(name: str, color: int, dash: int, epochs: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """Return a curve with all its points."""
    return {"name": name, "color": color, "dash": dash, "x": epochs, "y": values}


def band(name: str, color: int, dash: int, curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Return the median of curves, each of epochs and values, with the 10th and 90th percentile as its band.

    A run counts until its last epoch.
    """
    epochs = distinct(np.concatenate([x for x, _ in curves]))
    epochs = epochs[evenly_spaced(len(epochs), CURVE_POINTS)]
    rows = np.full((len(curves), len(epochs)), np.nan)
    for row, (x, y) in zip(rows, curves, strict=True):
        places = np.searchsorted(x, epochs, side="right") - 1
        there = (places >= 0) & (epochs <= x[-1])
        row[there] = y[places[there]]
    rows[~np.isfinite(rows)] = np.nan
    shown = ~np.isnan(rows).all(axis=0)
    low, middle, high = np.nanpercentile(rows[:, shown], [10, 50, 90], axis=0)
    return curve(name, color, dash, epochs[shown], middle) | {"low": low, "high": high, "of": len(curves)}


def rounded(value: float) -> float | None:
    """Return a number of five digits, or None where it is not finite."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
