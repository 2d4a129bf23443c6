"""The recorded scene of a run as a JSON value, which the page's script paints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specnet.functions import evenly_spaced, extremes
from specnet.recording.scene import Axis, Points, Scene
from specnet.recording.scenes import recorded_scene
from specnet.recording.text import show_tokens
from specnet.report.base import Reported
from specnet.report.packing import Levels, count_up, quantize, quantize_each, stride_of, thumbnails
from specnet.report.series import rounded

GRID_POINTS = 128
"""Points along each of two inputs at most; of finer grids only every second point is shown, or third, …"""
PAGE_FRAMES = 600
"""Frames of all replays of a page at most: every curve has a point for each."""
LETTERS_OF_TEXT = 200_000
"""Tokens of all written texts of a page at most."""
LEVELS = 65_536
"""Parts of a column's range to which its numbers are written."""

Arrays = dict[str, Levels]
"""What changes from frame to frame, by the names that the page's script knows."""


def replay(run: Reported, budget: int, *, frames: int = PAGE_FRAMES, units: bool = True) -> dict[str, Any]:
    """Return the scene of a run's record as a JSON value, whose packed frames take `budget` letters.

    Frames that would take more are left out, evenly, and so are those beyond `frames`; the first and the last stay.
    `units` asks for the responses of hidden units and for written texts. `notes` are sentences about what is left out.
    A record with nothing to show is a SpecnetError.
    """
    scene, record = recorded_scene(run), run.record
    names = [str(name) for name in record.get("unit_layers", ())] if units else []
    finite = np.searchsorted(record["epochs"], scene.frames.epochs)
    step = -(-max(len(axis.values) for axis in scene.axes) // GRID_POINTS) if scene.kind == "plane" else 1
    hidden = {f"units/{name}": hidden_units(record[f"units/{name}"][finite]) for name in names}
    for fine in (True, False):  # coarser numbers rather than fewer frames
        arrays = pack_predictions(scene, step, fine) | hidden
        chosen, packed = fit(arrays, len(finite), budget, frames)
        if len(chosen) == min(len(finite), frames):
            break
    return paint(scene, step) | {
        "units": names,
        "texts": written_texts(run, finite[chosen]) if units else [],
        "epochs": scene.frames.epochs[chosen].tolist(),
        "losses": [rounded(loss) for loss in scene.frames.losses[chosen].tolist()],
        "recorded": scene.frames.recorded,
        "arrays": packed,
        "notes": [*left_out(scene.frames.recorded, len(finite), len(chosen)), *scene.notes],
    }


def written_texts(run: Reported, frames: np.ndarray) -> list[str]:
    """Return the beginning of what the network wrote in each of these frames; nothing if no text is recorded."""
    if "tokens" not in run.record:
        return []
    tokens = run.record["tokens"][frames, : max(1, LETTERS_OF_TEXT // len(frames))]
    return [show_tokens(each, run.data.classes) for each in tokens]


def left_out(recorded: int, finite: int, shown: int) -> list[str]:
    """Return a sentence about frames that are not shown, because they are not finite or there is no room."""
    reasons = []
    if (count := recorded - finite) > 0:
        reasons.append(f"in {count} not all predictions are finite")
    if (count := finite - shown) > 0:
        reasons.append(f"{count} {'is' if count == 1 else 'are'} left out to keep this page small")
    verb = "is" if shown == 1 else "are"
    return [f"Of {recorded} recorded frames {shown} {verb} shown: {', and '.join(reasons)}."] if reasons else []


def fit(arrays: Arrays, count: int, budget: int, most: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the numbers of as many frames as the budget has room for, at least two, and these frames packed."""
    while True:
        chosen = evenly_spaced(count, most)
        packed = {name: levels.pack(chosen) for name, levels in arrays.items()}
        size = sum(len(each["data"]) for each in packed.values())
        if size <= budget or most <= 2:
            return chosen, packed
        most = max(2, int(0.97 * len(chosen) * budget / size))


def paint(scene: Scene, step: int) -> dict[str, Any]:
    """Return what stays the same from frame to frame as a JSON value."""
    value: dict[str, Any] = {"kind": scene.kind, "classes": scene.classes, "range": scene.range}
    if scene.classes is None or scene.kind == "curve":
        value["outputs"] = scene.outputs
    if scene.kind not in ("images", "restored"):
        value["measure"] = scene.measure
    if scene.axes:
        value["axes"] = [describe_axis(axis, step) for axis in scene.axes]
        value["splits"] = [describe_points(points) for points in scene.samples]
        value["function"] = None if scene.function is None else numbers(scene.function)
    else:
        (points,) = scene.samples
        value |= {"split": points.split, "label": points.label}
        if scene.kind != "restored":
            value["truth"] = describe_truth(points.truth)
        if scene.kind in ("images", "restored"):
            value["images"] = thumbnails(points.inputs if scene.kind == "images" else points.truth)
    return value


def pack_predictions(scene: Scene, step: int, fine: bool) -> Arrays:
    """Return the numbers that are predicted, or what is said of classes; every `step`th point of a plane.

    That is the `probability` of the second of two classes, else the `winner` and its `share` or, of a sample whose
    class is known, the share of that; class numbers have winners alone.
    """

    def arranged(values: np.ndarray) -> np.ndarray:
        # Rows of a picture are those of the second input.
        return np.swapaxes(values[:, ::step, ::step], 1, 2) if scene.kind == "plane" else values

    if scene.kind == "restored":
        low, high = extremes([scene.samples[0].truth])  # the scale of the images
        stride = stride_of(scene.predictions.shape[2:4])
        small = np.clip(scene.predictions[:, :, ::stride, ::stride], low, high)
        return {"value": quantize(small, float(low), float(high), fine=False)}
    if scene.classes is None or scene.kind == "curve":
        return {"value": quantize_each(arranged(scene.values))}
    if scene.probability is not None:
        return {"probability": shares(arranged(scene.probability), fine)}
    arrays = {"winner": count_up(arranged(scene.winners))}
    if scene.has_scores:
        own = scene.scores if scene.kind == "verdicts" else scene.predictions.max(axis=-1)
        arrays["share"] = shares(arranged(own), fine)
    return arrays


def shares(values: np.ndarray, fine: bool) -> Levels:
    """Return probabilities in fine steps from 0 to 1; other scores, or coarse steps, from the least to the greatest.

    Coarse steps of a whole would turn the boundary of a frame in which all is near one half into a staircase.
    """
    inside = values.min() >= 0.0 and values.max() <= 1.0
    return quantize(values, 0.0, 1.0) if fine and inside else quantize_each(values, fine=fine or not inside)


def hidden_units(responses: np.ndarray) -> Levels:
    """Return responses (F, points[, points], units) as (F, units, points[, points]), from -most to most."""
    # As in the plane, rows are those of the second input.
    responses = np.nan_to_num(responses.astype(np.float64)).T
    responses = np.moveaxis(responses, -1, 0)
    most = float(np.abs(responses).max())
    return quantize(responses, -most, most, fine=False)


def describe_points(points: Points) -> dict[str, Any]:
    """Return the shown samples of a split: the values of each input, and the truth."""
    columns = [numbers(column) for column in points.inputs.reshape(len(points.inputs), -1).T]
    return {"split": points.split, "label": points.label, "inputs": columns, "truth": describe_truth(points.truth)}


def describe_truth(truth: np.ndarray) -> list[Any]:
    """Return class numbers (n,), or the numbers of each sample (n, outputs)."""
    if truth.ndim == 1:
        return truth.tolist()
    return [list(row) for row in zip(*map(numbers, truth.T), strict=True)]


def describe_axis(axis: Axis, step: int) -> dict[str, Any]:
    """Return the grid along an input, of which every `step`th point is shown."""
    values = axis.values[::step]
    return {"name": axis.name, "low": float(values[0]), "high": float(values[-1]), "count": len(values)}


def numbers(values: np.ndarray) -> list[float | None]:
    """Return numbers (n,) as JSON values, to a 65,536th of their range or finer; None where they are not finite."""
    values = values.astype(np.float64)
    known = values[np.isfinite(values)]
    span = float(np.ptp(known)) if len(known) else 0.0
    digits = math.ceil(-math.log10(span / LEVELS)) if 0.0 < span / LEVELS < math.inf else 300
    return [round(value, digits) if math.isfinite(value) else None for value in values.tolist()]
