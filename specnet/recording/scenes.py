"""What there is to see in a run's record, as data that the page and the plots paint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from specnet.datasets.base import Samples
from specnet.datasets.sampling import evenly_chosen, samples_at
from specnet.errors import PlotError, SpecnetError
from specnet.functions import evenly_spaced, extremes, is_image
from specnet.plots.base import Trained
from specnet.recording.classes import OUTPUTS, class_names_of, output_names, padded, rows_of_numbers
from specnet.task import class_numbers, class_scores, classes, own_scores

SAMPLES = 1000
"""Samples of a split that are shown at most."""
IMAGES = 24
"""Images that are shown at most."""
POSITIONS = 200
"""Positions of sequences that a curve shows at most."""
NEEDED = {"epochs", "predictions", "train/loss", "layers"}
"""Arrays that every record has."""


class Axis(NamedTuple):
    """Evenly spaced values (points,) of an input."""

    name: str
    values: np.ndarray


class Points(NamedTuple):
    """The shown samples of a split with `total` samples: inputs (n, ...) and their truth.

    That is class numbers (n,) or numbers (n, outputs).
    """

    split: str
    total: int
    inputs: np.ndarray
    truth: np.ndarray

    @property
    def label(self) -> str:
        """The split's name and, if some are not shown, how many are."""
        return self.split + shown_of(len(self.inputs), self.total)


def shown_of(count: int, total: int) -> str:
    """Return how many of `total` samples are shown, as the end of a label; nothing if that is all.

    >>> shown_of(1000, 60_000)
    ' (1,000 of 60,000)'
    """
    return "" if count == total else f" ({count:,} of {total:,})"


class Frames(NamedTuple):
    """Epochs and training losses (frames,), and how many frames the record has in all."""

    epochs: np.ndarray
    losses: np.ndarray
    recorded: int


NOW = Frames(np.zeros(1, int), np.full(1, np.nan), 1)
"""The single frame of a run's present parameters."""


@dataclass(frozen=True)
class Scene:
    """Predictions (frames, *places, k), and what they are shown with.

    Places of a "plane" are (points, points), the first axis that of input 0, and of a "curve" (points,). Those of
    "images" and "verdicts", which have classes, and of "numbers" are (samples,): the one item of `samples`, while over
    a grid there are samples of each split. `classes` are None where numbers are predicted. `outputs` are the names
    of the first predictions, which are shown. `function` (points,) is the truth without noise. `head` is the name of
    the head, the first of several, "" if there is one alone.
    """

    kind: Literal["plane", "curve", "images", "verdicts", "numbers"]
    frames: Frames
    predictions: np.ndarray
    classes: list[str] | None
    outputs: list[str]
    samples: list[Points]
    axes: Sequence[Axis] = ()
    function: np.ndarray | None = None
    head: str = ""

    @property
    def values(self) -> np.ndarray:
        """The predictions that are shown."""
        return self.predictions[..., : len(self.outputs)]

    @property
    def probability(self) -> np.ndarray | None:
        """The probability (frames, *places) of the second of two classes, if that is what is predicted."""
        return self.predictions[..., 0] if self.predictions.shape[-1] == 1 and self.has_scores else None

    @property
    def has_scores(self) -> bool:
        """Whether classes have scores, and are not just numbered."""
        return self.predictions.dtype.kind not in "iu"

    @property
    def winners(self) -> np.ndarray:
        """The class numbers (frames, *places) that are predicted."""
        return classes(self.predictions) if self.has_scores else self.predictions[..., 0]

    @property
    def scores(self) -> np.ndarray:
        """The score (frames, samples) of each sample's own class; of class numbers 1 if it is predicted, else 0."""
        truth = self.samples[0].truth
        if not self.has_scores:
            return np.equal(self.winners, truth).astype(np.float64)
        return np.stack([own_scores(class_scores(each), truth) for each in self.predictions])

    @property
    def in_unit_interval(self) -> bool:
        """Whether all scores of classes are from 0 to 1."""
        return not self.has_scores or bool(self.predictions.min() >= 0.0 and self.predictions.max() <= 1.0)

    @property
    def measure(self) -> str:
        """The name of the axis or scale of the shown numbers, or of the scores of classes."""
        if self.kind == "verdicts":
            return f"{'probability' if self.in_unit_interval else 'score'} of the truth"
        several = len(self.outputs) > 1
        if self.classes is None:
            return "prediction" if several else self.outputs[0]
        return "probability" if several else f"probability of {self.outputs[0]}"

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest number that are shown, with a margin; early predictions may lie outside.

        These are the limits of the truth, in a plane of the last predictions, too, and of these where the truth is not
        known.
        """
        if self.kind == "verdicts" and not self.in_unit_interval:
            return limits([self.scores], 0.04)
        if self.kind == "curve" and self.classes is not None:
            return limits([self.values[-1], np.array([0.0, 1.0])], 0.05)
        if self.classes is not None:
            return limits([np.array([0.0, 1.0])], 0.04)
        truth = [points.truth for points in self.samples]
        if self.kind == "plane":
            return limits([*truth, self.values[-1]], 0.0)
        return limits(truth or [self.values[-1]], 0.1)

    @property
    def notes(self) -> list[str]:
        """Sentences about heads and outputs that are not shown."""
        count = self.predictions.shape[-1]
        shown = len(self.outputs)
        left_out = self.classes is None or self.kind == "curve"
        first = [f"Of several heads the first is shown: {self.head}."] if self.head else []
        return [*first, *[f"{shown} of {count} outputs are shown."] * (left_out and count > shown)]


def limits(values: Iterable[np.ndarray], margin: float) -> tuple[float, float]:
    """Return the least and the greatest of all values, further apart by a share of their distance at each end."""
    low, high = map(float, extremes(np.asarray(each, np.float64) for each in values))
    beyond = margin * (high - low) if high > low else 0.5
    return low - beyond, high + beyond


def recorded(run: Trained) -> Mapping[str, np.ndarray]:
    """Return what a run has recorded.

    Raises:
        PlotError: if that is nothing, or an older version recorded it.
    """
    if not run.record:
        raise PlotError("there is nothing to replay: the run keeps no record", help='let "record" be {}')
    if not run.record.keys() >= NEEDED:
        raise PlotError("this record is of an older version of specnet", help="train the spec again")
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
    images = names is not None and is_image(run.data.train.inputs.shape[1:])
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
    predictions = rows_of_numbers(predictions, 1)
    points = Points(split, len(run.data.splits[split].inputs), samples.inputs, truth(samples.targets, names))
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
    if names is not None:
        return Scene("verdicts", frames, predictions, names, outputs, [points])
    what = "position" if count == 1 else f"position in {count} sequences"
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
