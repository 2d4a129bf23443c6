"""What came out of a run, with the parameters of its best checkpoint."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from specnet.datasets.sampling import samples_at
from specnet.functions import distinct, evenly_spaced, format_number
from specnet.recording.classes import Confusion, class_names, class_pairs, padded
from specnet.recording.scene import shown_of
from specnet.report.base import Reported
from specnet.task import are_probabilities, class_scores, own_scores

_CLASSES = 2000
"""Classes above which they are not counted in pairs."""
RESIDUALS = 2000
"""Samples whose residuals are shown one by one at most, evenly chosen, besides the worst."""
EXAMPLES = 12
"""Examples that are shown at most."""
_NUMBERS = 7
"""Numbers of a truth or a prediction that are shown at most."""


class ClassCounts(NamedTuple):
    """How often which class is taken for which: `counts` (k, k) has true classes in rows, predicted ones in columns.

    `head` is the name of the part of the task, "" if it is the only one.
    """

    split: str
    names: list[str]
    counts: np.ndarray
    head: str = ""


class PredictedNumbers(NamedTuple):
    """Truth (n,) and prediction (n,) of some samples, in float64 and finite; `label` says how many of a split.

    `counts` (bins,) are those of the residuals of all samples from -`edge` to `edge`; the `beyond` that are larger are
    in the outermost bins.
    """

    split: str
    label: str
    truth: np.ndarray
    prediction: np.ndarray
    counts: np.ndarray
    edge: float
    beyond: int


class Example(NamedTuple):
    """A sample: its row in the split, its inputs in the dataset's units, and what is true and predicted in words."""

    row: int
    inputs: np.ndarray
    truth: str
    prediction: str
    error: float


class Worst(NamedTuple):
    """The samples of a split with the largest error, and in words what an error is.

    `mistakes` is how many of the `total` samples are taken for another class, or None where there are no classes.
    """

    split: str
    measure: str
    examples: list[Example]
    total: int
    mistakes: int | None


def scores(run: Reported) -> dict[str, dict[str, float]]:
    """Return loss and metrics of each split."""
    return {split: run.evaluate(split) for split in run.data.splits}


def confusions(run: Reported) -> list[ClassCounts]:
    """Return which classes are taken for which: of each split, the last first, and each head that learns classes."""
    splits, found = run.data.splits, []
    heads = [part for part in run.task.parts if part.has_classes and len(part.classes) <= _CLASSES]
    for split, samples in reversed(splits.items()):
        if not heads or len(samples.targets.shape) > 2:
            continue
        counted = [Confusion() for _ in heads]
        for piece in samples.pieces():
            y = run.predict(piece.inputs, piece.mask)
            for part, each in zip(heads, counted, strict=True):
                each.update(*run.task.select(part, y, piece.targets))
        for part, each in zip(heads, counted, strict=True):
            head = part.name if len(run.task.parts) > 1 else ""
            found.append(ClassCounts(split, *each.of([*part.classes]), head))
    return found


def residuals(run: Reported) -> PredictedNumbers | None:
    """Return what is true and predicted in the last split, or nothing where that is not one number for each sample."""
    split, samples = run.data.last_split
    if samples.targets.shape[1:] not in [(), (1,)] or class_names(run) is not None:
        return None
    pairs = [(piece.targets, run.predict(piece.inputs, piece.mask)) for piece in samples.pieces()]
    truth, prediction = (np.concatenate(parts).reshape(-1).astype(np.float64) for parts in zip(*pairs, strict=True))
    if truth.shape != prediction.shape or not np.isfinite(prediction).any():
        return None
    finite = np.isfinite(prediction)
    truth, prediction = truth[finite], prediction[finite]
    far = np.argsort(-np.abs(truth - prediction), kind="stable")[:EXAMPLES]
    shown = distinct(np.concatenate([evenly_spaced(len(truth), RESIDUALS), far]))
    label = split + shown_of(len(shown), len(samples.inputs))
    return PredictedNumbers(split, label, truth[shown], prediction[shown], *histogram(truth - prediction))


def histogram(residuals: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Return counts of residuals (n,) in bins about 0, the outer edge of these, and how many lie beyond it.

    The edge is twice as far as 99 % of all are, or as the largest one: a few outliers leave the others their shape.
    """
    sizes = np.abs(residuals)
    edge = min(float(sizes.max()), 2.0 * float(np.quantile(sizes, 0.99))) or float(sizes.max()) or 1.0
    bins = min(41, max(7, 2 * round(len(residuals) ** 0.5 / 2) + 1))
    counts, _ = np.histogram(np.clip(residuals, -edge, edge), bins, (-edge, edge))
    return counts, edge, int(np.sum(sizes > edge))


def worst(run: Reported) -> Worst | None:
    """Return the samples of the last split with the largest error, largest first, or nothing where errors are unknown.

    Where there are classes, only samples that are taken for another class count. A prediction that is not a number
    has an infinite error.
    """
    (split, samples), names = run.data.last_split, class_names(run)
    error, wrong = np.empty(0), np.empty(0, bool)
    for piece in samples.pieces():
        found = errors(names, piece.targets, run.predict(piece.inputs, piece.mask))
        if found is None:
            return None
        error, wrong = np.append(error, found[0]), np.append(wrong, found[1])
    error[np.isnan(error)] = np.inf
    mistakes, total = None if names is None else int(wrong.sum()), len(error)
    rows = np.argsort(-error, kind="stable")
    rows = rows[(wrong & (error > 0))[rows]][:EXAMPLES]
    if not len(rows):
        return Worst(split, "", [], total, mistakes) if mistakes == 0 else None
    ascending = np.sort(rows)
    inputs, targets, _, mask = samples_at(samples, ascending)
    measure, truth, prediction = in_words(names, targets, run.predict(inputs, mask))
    examples = [
        Example(row, inputs[place], truth[place], prediction[place], float(error[row]))
        for row, place in zip(rows.tolist(), np.searchsorted(ascending, rows).tolist(), strict=True)
    ]
    return Worst(split, measure, examples, total, mistakes)


def errors(
    names: list[str] | None, targets: np.ndarray, predictions: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the error of each prediction (n,) and whether it is wrong (n,), or None where there is no error.

    Of numbers all are wrong, and the error is their distance. Of classes it is how far from 1 the score is of what a
    sample is; where classes have no scores it is 1 or 0.
    """
    count = len(targets)
    if names is None:
        y, t = (x.reshape(count, -1).astype(np.float64) for x in (predictions, targets))
        if max(predictions.ndim, targets.ndim) > 2 or y.shape != t.shape:
            return None
        return np.linalg.norm(y - t, axis=1), np.ones(count, bool)
    if (pair := class_pairs(targets, predictions)) is None:
        return None
    truth, wrong = pair[0], pair[0] != pair[1]
    if np.issubdtype(predictions.dtype, np.integer):
        return wrong.astype(np.float64), wrong
    return np.abs(1.0 - own_scores(class_scores(predictions), truth)), wrong


def in_words(names: list[str] | None, targets: np.ndarray, predictions: np.ndarray) -> tuple[str, list[str], list[str]]:
    """Return what the error of these predictions (n, ...) is, and what is true and predicted of each sample."""
    if names is None:
        measure = "|prediction − truth|" if predictions.size == len(targets) else "the distance of prediction and truth"
        return measure, format_numbers(targets, predictions), format_numbers(predictions, targets)
    pair = class_pairs(targets, predictions)
    assert pair is not None
    names = padded(names, pair)
    truth, found = ([names[number] for number in numbers] for numbers in pair.tolist())
    if np.issubdtype(predictions.dtype, np.integer):
        return "1 where the class is wrong", truth, found
    y = class_scores(predictions)
    if not are_probabilities(y):
        return "|1 − score of the true class|", truth, found
    found = [f"{name} ({100 * share:.0f} %)" for name, share in zip(found, y.max(axis=1).tolist(), strict=True)]
    return "1 − probability of the true class", truth, found


def format_numbers(values: np.ndarray, others: np.ndarray) -> list[str]:
    """Return numbers (n, ...) as texts (n,), the first of each sample: with the digits that tell them from others."""
    rows, far = (x.reshape(len(x), -1).astype(np.float64) for x in (values, others))
    more = " …" if rows.shape[1] > _NUMBERS else ""
    return [
        ", ".join(format_number(number, digits(number, other)) for number, other in zip(row, away, strict=True)) + more
        for row, away in zip(rows[:, :_NUMBERS].tolist(), far[:, :_NUMBERS].tolist(), strict=True)
    ]


def digits(one: float, other: float) -> int:
    """Return how many digits of two numbers show two of their difference; four at least."""
    size, difference = max(abs(one), abs(other)), abs(one - other)
    if not (math.isfinite(size) and difference > 0.0):
        return 4
    return min(max(math.floor(math.log10(size)) - math.floor(math.log10(difference)) + 2, 4), 15)
