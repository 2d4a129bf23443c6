"""What a page replays of a run: the frames of its record, and the samples that they are about."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specnet.datasets.base import AnySamples, Data, Samples
from specnet.errors import PlotError, SpecnetError
from specnet.functions import is_image
from specnet.report.base import Reported, class_names
from specnet.report.packing import Levels, count_up, quantize, quantize_each, spread, thumbnails
from specnet.report.series import rounded
from specnet.task import class_numbers, classes

POINTS = 128
"""Points along each of two inputs at most; of finer grids only every second point is shown, or third, …"""
SAMPLES = 1000
"""Samples of a split that are shown at most, evenly chosen."""
IMAGES = 24
"""Images that are shown at most, evenly chosen."""
OUTPUTS = 7
"""Outputs that are shown at most: one for each colour of the palette."""
FRAMES = 600
"""Frames of all replays of a page at most: so many every curve has a point for."""
LEVELS = 65_536
"""Parts of a column's range to which its numbers are told."""

NEEDED = {"epochs", "predictions", "train/loss", "layers"}
"""Arrays that every record has."""

Scene = dict[str, Any]
"""What stays the same from frame to frame, as a JSON value."""
Arrays = dict[str, Levels]
"""What changes, by the names that the page's script knows."""


def replay(run: Reported, budget: int, *, frames: int = FRAMES, units: bool = True) -> Scene:
    """Return what the page's script shows of a run's record, as a JSON value; packed frames take `budget` letters.

    Frames that would take more are left out, as many and as evenly as it takes, and so are those beyond `frames`; the
    first and the last stay. So are frames with predictions that are not finite, and the responses of hidden units
    unless `units` are wanted. What the reader is told of this are `notes`.

    Raises:
        SpecnetError: if there is nothing to show.
    """
    record = run.record
    if not record:
        raise PlotError("There is nothing to replay: this run keeps no record.")
    if not record.keys() >= NEEDED:
        raise PlotError("There is nothing to replay: this record is of an older version of specnet.")
    every = record["predictions"]
    finite = np.flatnonzero(np.isfinite(every).reshape(len(every), -1).all(axis=1))
    if not len(finite):
        raise PlotError("There is nothing to replay: no recorded prediction is finite.")
    predictions = every[finite]
    if "axis_0" not in record:
        scene, arrays = of_samples(run, predictions)
    elif "axis_1" in record:
        scene, arrays = over_plane(run, predictions)
    else:
        scene, arrays = over_line(run, predictions)
    scene["units"] = [str(name) for name in record.get("unit_layers", ())] if units else []
    arrays |= {f"units/{name}": hidden_units(record[f"units/{name}"][finite]) for name in scene["units"]}
    chosen, packed = fit(arrays, len(finite), budget, frames)
    return scene | {
        "epochs": record["epochs"][finite[chosen]].tolist(),
        "losses": [rounded(loss) for loss in record["train/loss"][finite[chosen]].tolist()],
        "recorded": len(every),
        "arrays": packed,
        "notes": [*left_out(len(every), len(finite), len(chosen)), *scene.get("notes", ())],
    }


def left_out(recorded: int, finite: int, shown: int) -> list[str]:
    """Return in words how many frames are not shown, and why: some are not finite, for some there is no room."""
    reasons = []
    if (count := recorded - finite) > 0:
        reasons.append(f"in {count} not all predictions are finite")
    if (count := finite - shown) > 0:
        reasons.append(f"{count} {'is' if count == 1 else 'are'} left out so that this page stays small")
    verb = "is" if shown == 1 else "are"
    return [f"Of {recorded} recorded frames {shown} {verb} shown: {', and '.join(reasons)}."] if reasons else []


def outputs(run: Reported, scores: np.ndarray) -> Scene:
    """Return the names of the outputs (..., k) that are shown, and whether there are more."""
    count = scores.shape[-1]
    return {"outputs": output_names(run, count)[:OUTPUTS], "notes": outputs_shown(count)}


def outputs_shown(count: int) -> list[str]:
    """Return in words how many outputs are shown, if that is not all of them."""
    return [f"{OUTPUTS} of {count} outputs are shown."] if count > OUTPUTS else []


def fit(arrays: Arrays, count: int, budget: int, most: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the numbers of as many frames as the budget has room for, at least two, and these frames packed."""
    while True:
        chosen = spread(count, most)
        packed = {name: levels.pack(chosen) for name, levels in arrays.items()}
        size = sum(len(each["data"]) for each in packed.values())
        if size <= budget or most <= 2:
            return chosen, packed
        most = max(2, int(0.97 * len(chosen) * budget / size))


def over_plane(run: Reported, predictions: np.ndarray) -> tuple[Scene, Arrays]:
    """Return what is predicted in the plane of two inputs; rows of its arrays are those of the second input."""
    step = -(-max(predictions.shape[1:3]) // POINTS)
    predictions = np.swapaxes(predictions[:, ::step, ::step], 1, 2)
    scores = predictions.reshape(*predictions.shape[:3], -1)
    data = loaded(run)
    names = class_names(run)
    scene: Scene = {
        "kind": "plane",
        "axes": [axis(run, number, step) for number in range(2)],
        "classes": names,
        "splits": overlay(data, names),
    }
    if names is not None:
        arrays = verdicts(scores)
        return scene | {"classes": enough(names, scores)}, arrays
    scene |= outputs(run, scores)
    scores = scores[..., :OUTPUTS]
    truth = [each for split in scene["splits"] for row in split["truth"] for each in row]
    scene |= {"range": limits([scores[-1], truth], 0.0)}
    return scene, {"value": quantize_each(scores)}


def over_line(run: Reported, predictions: np.ndarray) -> tuple[Scene, Arrays]:
    """Return what is predicted over one input."""
    every = predictions.reshape(*predictions.shape[:2], -1)
    scores = every[..., :OUTPUTS]
    data = loaded(run)
    # Of class numbers there is no probability to be drawn over the input: they are numbers as good as any.
    names = None if np.issubdtype(scores.dtype, np.integer) else class_names(run)
    scene: Scene = {"kind": "curve", "axes": [axis(run, 0, 1)], "classes": names, "splits": overlay(data, names)}
    if names is not None:
        names = enough(names, every)
        shown = names[: scores.shape[-1]] if scores.shape[-1] > 1 else names[1:2]
        scene |= {"classes": names, "outputs": shown, "notes": outputs_shown(every.shape[-1]), "function": None}
        return scene | {"range": limits([scores[-1], [0.0, 1.0]], 0.05)}, {"value": quantize_each(scores)}
    x = run.record["axis_0"]
    function = run.dataset.function(x[:, np.newaxis])
    truth = [each for split in scene["splits"] for row in split["truth"] for each in row]
    scene |= outputs(run, every) | {
        # The first curves may go anywhere: the samples say what is looked at.
        "range": limits([truth or scores[-1]], 0.1),
        "function": None if function is None or function.size != len(x) else numbers(function.reshape(-1)),
    }
    return scene, {"value": quantize_each(scores)}


def of_samples(run: Reported, predictions: np.ndarray) -> tuple[Scene, Arrays]:
    """Return what is predicted of some samples: of images as classes, of others as classes or numbers.

    Raises:
        SpecnetError: if they cannot be loaded any more, or something else is predicted.
    """
    split, rows, data = str(run.record["sample_split"]), run.record["sample_rows"], run.data
    names, shape = class_names(run), data.train.inputs.shape[1:]
    images = names is not None and is_image(shape)
    chosen = spread(len(rows), IMAGES if images else SAMPLES)
    inputs, targets, *_ = held(data.splits[split].select(rows[chosen]))
    if predictions.ndim > 3 or targets.ndim > 2:
        raise PlotError(f"There is no replay of predictions of shape {predictions.shape[2:]}.")
    scores = predictions[:, chosen].reshape(len(predictions), len(chosen), -1)
    scene: Scene = {"split": split, "classes": names, "truth": truths(targets, names)}
    if names is None:
        scene |= outputs(run, scores) | {"kind": "numbers", "range": limits([targets], 0.1)}
        return scene, {"value": quantize_each(scores[..., :OUTPUTS])}
    scene["classes"] = enough(names, scores)
    arrays = verdicts(scores)
    if images:
        return scene | {"kind": "images", "images": thumbnails(inputs)}, arrays
    if "share" in arrays:
        arrays["share"] = shares(scores[:, np.arange(len(chosen)), np.minimum(scene["truth"], scores.shape[-1] - 1)])
    known = arrays.get("share", arrays.get("probability"))
    word = "score" if known and isinstance(known.low, np.ndarray) else "probability"
    span = limits([known.low, known.high] if known else [[0.0, 1.0]], 0.04)
    return scene | {"kind": "verdicts", "score": f"{word} of what they are", "range": span}, arrays


def verdicts(scores: np.ndarray) -> Arrays:
    """Return what predictions (F, ..., k) say of classes.

    Of one output the `probability` of the second class; of several the `winner` and the `share` that it has; class
    numbers are winners already.
    """
    if np.issubdtype(scores.dtype, np.integer):
        return {"winner": count_up(scores[..., 0])}
    if scores.shape[-1] == 1:
        return {"probability": shares(scores[..., 0])}
    return {"winner": count_up(classes(scores)), "share": shares(scores.max(axis=-1))}


def shares(values: np.ndarray) -> Levels:
    """Return probabilities in steps from 0 to 1, other scores in finer ones, of each frame from least to greatest."""
    inside = values.min() >= 0.0 and values.max() <= 1.0
    return quantize(values, 0.0, 1.0, fine=False) if inside else quantize_each(values)


def hidden_units(responses: np.ndarray) -> Levels:
    """Return responses (F, points[, points], units) as (F, units, points[, points]), from -most to most."""
    # As in the plane, rows are those of the second input.
    responses = np.nan_to_num(responses.astype(np.float64)).T
    responses = np.moveaxis(responses, -1, 0)
    most = float(np.abs(responses).max())
    return quantize(responses, -most, most, fine=False)


def loaded(run: Reported) -> Data | None:
    """Return the samples of a run, or nothing where they cannot be loaded any more."""
    try:
        return run.data
    except SpecnetError:
        return None


def enough(names: list[str], scores: np.ndarray) -> list[str]:
    """Return names of as many classes as there are scores (..., k): further ones have numbers alone."""
    most = int(scores.max()) + 1 if np.issubdtype(scores.dtype, np.integer) else scores.shape[-1]
    return names + [str(number) for number in range(len(names), max(most, 2))]


def output_names(run: Reported, count: int) -> list[str]:
    """Return what the numbers are called that a network predicts."""
    if len(run.target_names) == count:
        return list(run.target_names)
    return ["prediction"] if count == 1 else [f"output {number}" for number in range(count)]


def overlay(data: Data | None, names: list[str] | None) -> list[dict[str, Any]]:
    """Return of each split the samples that are drawn: the values of each input, and what they are."""
    shown = []
    for split, samples in data.splits.items() if data else ():
        inputs, targets, *_ = held(samples.select(spread(len(samples.inputs), SAMPLES)))
        columns = [numbers(column) for column in inputs.reshape(len(inputs), -1).T]
        shown.append({"split": split, "inputs": columns, "truth": truths(targets, names)})
    return shown


def held(samples: AnySamples) -> Samples:
    """Return samples, few as they are, in memory."""
    return samples if isinstance(samples, Samples) else Samples(samples.inputs[:], samples.targets[:])


def truths(targets: np.ndarray, names: list[str] | None) -> list[Any]:
    """Return the class number of each sample, or its numbers.

    Raises:
        PlotError: if class numbers are expected, and targets are none.
    """
    if names is None:
        columns = targets.reshape(len(targets), -1)[:, :OUTPUTS].T
        return [list(row) for row in zip(*map(numbers, columns), strict=True)]
    found = class_numbers(targets)
    if found is None or found.ndim > 1:
        raise PlotError("There is no replay: targets are not class numbers.")
    return found.tolist()


def numbers(values: np.ndarray) -> list[float | None]:
    """Return numbers (n,) as JSON values, to a 65,536th of their range or finer; None where they are not finite."""
    values = values.astype(np.float64)
    known = values[np.isfinite(values)]
    span = float(np.ptp(known)) if len(known) else 0.0
    digits = math.ceil(-math.log10(span / LEVELS)) if 0.0 < span / LEVELS < math.inf else 300
    return [round(value, digits) if math.isfinite(value) else None for value in values.tolist()]


def limits(values: list[Any], margin: float) -> list[float]:
    """Return the least and the greatest of all values, further apart by a share of their distance at each end."""
    every = np.concatenate([np.asarray(each, np.float64).reshape(-1) for each in values])
    low, high = float(every.min()), float(every.max())
    beyond = margin * (high - low or 1.0)
    return [low - beyond, high + beyond]


def axis(run: Reported, number: int, step: int) -> dict[str, Any]:
    """Return the grid along an input, of which every point by a step is shown."""
    values = run.record[f"axis_{number}"][::step]
    name = run.input_names[number] if number < len(run.input_names) else f"input {number}"
    return {"name": name, "low": float(values[0]), "high": float(values[-1]), "count": len(values)}
