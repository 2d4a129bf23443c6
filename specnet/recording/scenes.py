"""The scenes of a run's record and of its present predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from specnet.datasets.base import Samples
from specnet.datasets.sampling import evenly_chosen, samples_at
from specnet.errors import PlotError, SpecnetError
from specnet.functions import evenly_spaced, is_image
from specnet.plots.base import Trained
from specnet.recording.classes import OUTPUTS, class_names_of, output_names, padded, rows_of_numbers
from specnet.recording.inputs import grid_axes
from specnet.recording.scene import NOW, Axis, Frames, Points, Scene
from specnet.task import class_numbers

SAMPLES = 1000
"""Samples of a split that are shown at most."""
IMAGES = 24
"""Images that are shown at most."""
POSITIONS = 200
"""Positions of sequences that a curve shows at most."""
NEEDED = {"epochs", "predictions", "train/loss", "layers"}
"""Arrays that every record has."""


def recorded(run: Trained) -> Mapping[str, np.ndarray]:
    """Return what a run has recorded, or raise a PlotError if that is nothing, or an older version recorded it."""
    if not run.record:
        raise PlotError("there is nothing to replay: the run has no record", help='let "record" be {}')
    if not run.record.keys() >= NEEDED:
        raise PlotError("this record was written by an older version of specnet", help="train the spec again")
    return run.record


def recorded_scene(run: Trained) -> Scene:
    """Return the scene of a run's record, without frames whose predictions are not finite.

    Raises:
        SpecnetError: if it cannot be shown.
    """
    record = recorded(run)
    every = record["predictions"]
    finite = np.flatnonzero(np.isfinite(every).reshape(len(every), -1).all(axis=1))
    if not len(finite):
        raise PlotError("there is nothing to replay: no recorded prediction is finite")
    frames = Frames(record["epochs"][finite], record["train/loss"][finite], len(every))
    head = run.task.parts[0].name if len(run.task.parts) > 1 else ""
    if "axis_0" in record:
        axes = [record[name] for name in ("axis_0", "axis_1") if name in record]
        return replace(grid_scene(run, axes, every[finite], class_names_of(run.task.parts[0]), frames), head=head)
    split, rows, names = str(record["sample_split"]), record["sample_rows"], class_names_of(run.task.parts[0])
    images = is_image((run.data.train.targets if names is None else run.data.train.inputs).shape[1:])
    chosen = evenly_spaced(len(rows), IMAGES if images else SAMPLES)
    samples = samples_at(run.data.splits[split], rows[chosen])
    return replace(sample_scene(run, split, samples, every[finite][:, chosen], frames), head=head)


def grid_scene(
    run: Trained, axes: list[np.ndarray], predictions: np.ndarray, names: list[str] | None, frames: Frames = NOW
) -> Scene:
    """Return the scene of predictions (frames, *points, ...) over one or two inputs, of classes with these names.

    Of several heads it shows the first. Samples are left out where the data cannot be loaded any more.

    Raises:
        PlotError: if each prediction is more than a row of numbers, or targets are not classes.
    """
    head = run.task.parts[0]
    predictions = rows_of_numbers(run.task.predictions_of(head, predictions), len(axes))
    if len(axes) == 1 and predictions.dtype.kind in "iu":
        names = None  # class numbers have no probabilities to draw: they are shown as numbers
    try:
        data = run.data
    except SpecnetError:
        data = None
    samples = []
    for split, those in data.splits.items() if data else ():
        inputs, targets, *_ = evenly_chosen(those, SAMPLES)
        samples.append(Points(split, len(those.inputs), inputs, truth(run.task.targets_of(head, targets), names)))
    named = [Axis((*run.input_names[number : number + 1], f"input {number}")[0], x) for number, x in enumerate(axes)]
    if names is not None:
        names = padded(names, predictions)
    function = None if names or len(axes) > 1 else run.dataset.function(axes[0][:, np.newaxis])
    if function is not None:
        function = function.reshape(-1) if function.size == len(axes[0]) else None
    outputs = output_names(run, names, predictions.shape[-1])
    kind: Literal["plane", "curve"] = "plane" if len(axes) == 2 else "curve"
    return Scene(kind, frames, predictions, names, outputs, samples, named, function)


def present_scene(run: Trained, points: int, names: list[str] | None) -> Scene:
    """Return the scene of what a run predicts now over its one or two inputs, a little beyond the samples.

    Raises:
        SpecnetError: as `grid_scene`, or if a transform refuses values that are not in the data.
    """
    axes = [*grid_axes(run.data, points, 0.05)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    predictions = run.predict(grid.reshape(-1, len(axes)))
    return grid_scene(run, axes, predictions.reshape(1, *grid.shape[:-1], *predictions.shape[1:]), names)


def sample_scene(run: Trained, split: str, samples: Samples, predictions: np.ndarray, frames: Frames = NOW) -> Scene:
    """Return the scene of predictions (frames, samples, ...) for samples of a split; of several heads, of the first.

    Raises:
        PlotError: if each prediction or target is more than a row of numbers, or targets are not classes.
    """
    head = run.task.parts[0]
    names, predictions = class_names_of(head), run.task.predictions_of(head, predictions)
    samples = samples._replace(targets=run.task.targets_of(head, samples.targets))
    if predictions.ndim == 4 and predictions.shape[2] > 1 and samples.targets.shape[1:2] == predictions.shape[2:3]:
        return position_scene(run, split, samples, predictions, frames)
    total = len(run.data.splits[split].inputs)
    if samples.targets.ndim == 4 and is_image(predictions.shape[2:]) and names is None:
        return Scene("restored", frames, predictions, None, [], [Points(split, total, samples.inputs, samples.targets)])
    predictions = rows_of_numbers(predictions, 1)
    points = Points(split, total, samples.inputs, truth(samples.targets, names))
    if names is None:
        kind: Literal["numbers", "images", "verdicts"] = "numbers"
    else:
        kind = "images" if is_image(samples.inputs.shape[1:]) else "verdicts"
        names = padded(names, predictions)
    outputs = output_names(run, names, predictions.shape[-1])
    return Scene(kind, frames, predictions, names, outputs, [points])


def position_scene(run: Trained, split: str, samples: Samples, predictions: np.ndarray, frames: Frames) -> Scene:
    """Return the scene of predictions (frames, samples, time, k) for each position of sequences, without masked ones.

    Numbers are a curve over the positions of some sequences, one after the other; classes have a verdict each.
    """
    names, (count, time) = class_names_of(run.task.parts[0]), predictions.shape[1:3]
    if names is None:
        count = max(1, min(count, POSITIONS // time))
    counts = np.ones((count, time), bool) if samples.mask is None else samples.mask[:count]
    predictions, targets = predictions[:, :count][:, counts], samples.targets[:count][counts]
    places = np.arange(len(targets))
    points = Points(split, len(places), places[:, np.newaxis], truth(targets, names))
    if names is not None:
        names = padded(names, predictions)
        outputs = output_names(run, names, predictions.shape[-1])
        return Scene("verdicts", frames, predictions, names, outputs, [points])
    what = "position" if count == 1 else f"position in {count} sequences"
    outputs = output_names(run, None, predictions.shape[-1])
    return Scene("curve", frames, predictions, None, outputs, [points], [Axis(what, places)])


def truth(targets: np.ndarray, names: list[str] | None) -> np.ndarray:
    """Return class numbers (n,) where classes have names, else the first of each sample's numbers (n, outputs)."""
    if names is None:
        if targets.ndim > 2:
            raise PlotError(f"targets of shape {targets.shape[1:]} are not shown", help="leave this plot out")
        return targets.reshape(len(targets), -1)[:, :OUTPUTS]
    found = class_numbers(targets)
    if found is None or found.ndim > 1:
        raise PlotError(f"targets of shape {targets.shape[1:]} are not classes", help="leave this plot out")
    return found
