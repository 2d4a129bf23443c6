"""What there is to see of a network's predictions, as data that the page and the plots paint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from specnet.functions import extremes
from specnet.task import class_scores, classes, own_scores


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
    "images" and "verdicts", which have classes, of "numbers" and of "restored" images are (samples,): the one item of
    `samples`, while over a grid there are samples of each split. `classes` are None where numbers are predicted.
    `outputs` are the names of the first predictions, which are shown. `function` (points,) is the truth without noise.
    `head` is the name of the head, the first of several, "" if there is one alone.
    """

    kind: Literal["plane", "curve", "images", "restored", "verdicts", "numbers"]
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

        These are the limits of the truth, in a plane those of truth and last predictions together. Where the truth is
        not known, they are those of the last predictions.
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
        left_out = (self.classes is None and shown > 0) or self.kind == "curve"
        first = [f"Only the first of several heads is shown: {self.head}."] if self.head else []
        return [*first, *[f"{shown} of {count} outputs are shown."] * (left_out and count > shown)]


def limits(values: Iterable[np.ndarray], margin: float) -> tuple[float, float]:
    """Return the least and the greatest of all values, further apart by a share of their distance at each end."""
    low, high = map(float, extremes(np.asarray(each, np.float64) for each in values))
    beyond = margin * (high - low) if high > low else 0.5
    return low - beyond, high + beyond
