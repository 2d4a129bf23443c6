"""What the network looks at, as the page shows it, where that is computed in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from specnet.errors import PlotError, SpecnetError
from specnet.functions import evenly_spaced, format_number, is_image
from specnet.inspection.columns import input_columns
from specnet.inspection.dependence import Dependence, partial_dependence
from specnet.inspection.importance import Importance, permutation_importance
from specnet.inspection.saliency import looked_at_samples, saliency
from specnet.recording.classes import class_names
from specnet.report.base import Reported
from specnet.report.packing import thumbnails

COLUMNS = 12
"""Columns up to which their importance is measured for the page."""
PERMUTATIONS = 5
"""Permutations of each."""
HELD_ROWS = 300
"""Samples that are permuted at most."""
DEPENDENCE_PANELS = 6
"""Columns whose dependence is shown: the most important ones."""
DEPENDENCE_ROWS = 60
"""Samples whose predictions are averaged at most."""
PARAMETERS = 20_000
"""Parameters of a network of columns up to which the page measures."""
IMAGE_PARAMETERS = 1_000_000
"""Parameters of a network of images up to which it does."""
SINGLE_CURVES = 12
"""Samples whose own curves are drawn, where there is one output."""
SHOWN_IMAGES = 6
"""Images with their gradients."""
BAR_WIDTH = 320
"""Width of the bars of importance."""
WIDE, HIGH = 200, 120
"""Width and height of a panel."""


class ImportanceBar(NamedTuple):
    """A column's importance: where its bar and its interval begin and end, from 0 to `BAR_WIDTH`, and its numbers."""

    name: str
    bar: tuple[float, float]
    interval: tuple[float, float]
    text: str


class DependencePanel(NamedTuple):
    """The dependence on a column: lines (as points of an SVG) or bars (x, y, width, height) of each output.

    `singles` are the lines of single samples.
    """

    name: str
    singles: list[str]
    lines: list[str]
    bars: list[list[tuple[float, float, float, float]]]
    left: str
    right: str
    labels: list[tuple[float, str]]


class Look(NamedTuple):
    """What the page shows; `range` are the least and the greatest prediction that is drawn."""

    label: str = ""
    zero: float = 0.0
    bars: Sequence[ImportanceBar] = ()
    panels: Sequence[DependencePanel] = ()
    outputs: Sequence[str] = ()
    range: tuple[str, str] = ("", "")
    images: Sequence[tuple[str, str, str, bool]] = ()


def look_at_inputs(run: Reported) -> Look:
    """Return importance and dependence of columns, or gradients of images; nothing if there is nothing of the kind.

    Raises:
        PlotError: if computing it would take long: the message says how to see it.
        SpecnetError: if the data cannot be loaded any more.
    """
    inputs, size = run.data.train.inputs.shape[1:], sum(parameter.size for parameter in run.params.values())
    try:
        columns = input_columns(run) if len(inputs) == 1 else []
        if not columns:
            looked_at_samples(run, 1, candidates=1)
    except PlotError:
        return Look()
    if columns:
        if len(columns) > COLUMNS or size > PARAMETERS:
            raise PlotError("specnet importance RUN shows which columns the network looks at.")
        return _look_at_columns(run)
    if not is_image(inputs) or size > IMAGE_PARAMETERS:
        raise PlotError("specnet plot RUN saliency occlusion shows what the network looks at.")
    return _look_at_images(run)


def _look_at_columns(run: Reported) -> Look:
    found = permutation_importance(run, repeats=PERMUTATIONS, most=HELD_ROWS, metrics=False)
    zero, bars = _bars(found)
    shown = Look(f"{found.label}, {PERMUTATIONS} permutations of each column", zero, bars)
    try:
        depending = partial_dependence(
            run, [each.column for each in found.columns[:DEPENDENCE_PANELS]], most=DEPENDENCE_ROWS
        )
    except SpecnetError:  # predictions are no row of numbers
        return shown
    outputs = depending[0].outputs[:7]
    singles = [_single_curves(each) for each in depending]
    drawn = [*(each.mean[:, : len(outputs)] for each in depending), *singles]
    values = np.concatenate([each.reshape(-1) for each in drawn])
    low, high = float(values.min()), float(values.max())
    panels = [_curves(*pair, len(outputs), low, high) for pair in zip(depending, singles, strict=True)]
    return shown._replace(panels=panels, outputs=outputs, range=(format_number(low, 3), format_number(high, 3)))


def _bars(found: Importance) -> tuple[float, list[ImportanceBar]]:
    """Return where 0 is, and a bar for each column."""
    rises = [each.rises["loss"] for each in found.columns]
    ends = [0.0, *(end for rise in rises for end in (rise.mean, *rise.interval))]
    low, scale = min(ends), BAR_WIDTH / ((max(ends) - min(ends)) or 1.0)

    def place(value: float) -> float:
        return round((value - low) * scale, 1)

    bars = []
    for each, rise in zip(found.columns, rises, strict=True):
        first, last = sorted((place(0.0), place(rise.mean)))
        text = f"{format_number(rise.mean, 3)} ({format_number(rise.interval[0], 3)} to "
        text += f"{format_number(rise.interval[1], 3)})"
        bars.append(ImportanceBar(each.column, (first, last), (place(rise.interval[0]), place(rise.interval[1])), text))
    return place(0.0), bars


def _single_curves(found: Dependence) -> np.ndarray:
    """Return predictions of some samples (samples, points) of a column of numbers, where there is one output."""
    if found.values is None or len(found.outputs) > 1:
        return np.zeros((0, len(found.mean)))
    return found.individual[evenly_spaced(len(found.individual), SINGLE_CURVES), :, 0]


def _curves(found: Dependence, singles: np.ndarray, count: int, low: float, high: float) -> DependencePanel:
    def height(values: np.ndarray) -> np.ndarray:
        return HIGH - (values - low) / ((high - low) or 1.0) * HIGH

    y = height(found.mean[:, :count])
    if found.values is None:
        points, wide = len(found.labels), WIDE / len(found.labels)
        each = 0.8 * wide / count
        bars = [
            [
                (round((n + 0.1) * wide + k * each, 1), round(top, 1), round(each, 1), round(HIGH - top, 1))
                for n, top in enumerate(y[:, k].tolist())
            ]
            for k in range(count)
        ]
        labels = [(round((n + 0.5) * wide, 1), found.labels[n][:14]) for n in range(points)] if points <= 4 else []
        ends = ("", "") if labels else (found.labels[0][:14], found.labels[-1][:14])
        return DependencePanel(found.column, [], [], bars, *ends, labels)
    first, last = found.values[0], found.values[-1]
    x = (found.values - first) / ((last - first) or 1.0) * WIDE

    def line(y: np.ndarray) -> str:
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))

    curves = [line(each) for each in height(singles)]
    ends = format_number(first, 3), format_number(last, 3)
    return DependencePanel(found.column, curves, [line(each) for each in y.T], [], *ends, [])


def _look_at_images(run: Reported) -> Look:
    found = saliency(run, SHOWN_IMAGES, candidates=60)
    largest = found.values.max(axis=(1, 2), keepdims=True)
    share = found.values / np.where(largest > 0, largest, 1.0)
    red = np.stack([np.ones_like(share), 1 - share, 1 - share], axis=-1)
    red[0, 0, 0] = [1.0, 0.0, 0.0] if not share.any() else red[0, 0, 0]  # a scale needs both ends
    looked_at = found.looked_at
    images = zip(
        thumbnails(looked_at.samples.inputs),
        thumbnails(red),
        looked_at.captions,
        looked_at.wrong.tolist(),
        strict=True,
    )
    subject = "the predicted class's output" if class_names(run) is not None else "the output"
    label = f"Gradients of {subject} by the inputs as the network takes them, {looked_at.split} split"
    return Look(label, images=[*images])
