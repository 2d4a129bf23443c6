"""How metrics on classes and labels read predictions and targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from specnet.errors import ShapeError
from specnet.metrics.base import MeanMetric, drop_column
from specnet.task import Task, class_numbers
from specnet.weights import aligned


class Scored(NamedTuple):
    """Samples of classes or labels, the positions of sequences one by one.

    `scores` (m, k) have a column for each class or label, or a single one, the probability of class 1. `truth` are
    class numbers (m, 1), or labels of 0 and 1 (m, k). `weight` fits `truth`; None means 1 each.
    """

    scores: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None


def read_scored(
    prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None, task: Task | None = None
) -> Scored:
    """Return the samples of a batch.

    Raises:
        ShapeError: if targets are neither classes nor, where the task says so, labels.
    """
    truth = true_classes(prediction, target, task)
    if weight is not None:
        weight = np.broadcast_to(aligned(weight, truth.shape), truth.shape)
    columns = prediction.shape[-1] if prediction.ndim > 1 and prediction.dtype.kind not in "iu" else 1
    width = columns if has_labels(task) else 1
    return Scored(
        prediction.reshape(-1, columns), truth.reshape(-1, width), None if weight is None else weight.reshape(-1, width)
    )


class ClassMean(MeanMetric):
    """The mean of a number for each sample of classes, or each label: `values` of scores and truth, as in `Scored`."""

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        super().update(*read_scored(prediction, target, weight, self.task))


def has_labels(task: Task | None) -> bool:
    """Return whether a task is about several labels, each of them 0 or 1."""
    return task is not None and task.parts[0].kind == "multilabel"


def true_classes(prediction: np.ndarray, target: np.ndarray, task: Task | None) -> np.ndarray:
    """Return the class numbers (n, ...) for predictions (n, ..., k), or all labels (n, ..., k).

    Targets are class numbers, 0 and 1 where there is one output, or one-hot. Labels need a task that says so, since the
    targets of a batch could be both.

    Raises:
        ShapeError: if they are something else.
    """
    if has_labels(task):
        labels = _as_classes(target, 2)
        if target.shape != prediction.shape or labels is None:
            raise ShapeError(
                f"predictions have shape {prediction.shape[1:]}, labels {target.shape[1:]}, or a label is not 0 or 1"
            )
        return labels
    scored = prediction.ndim > 1 and prediction.dtype.kind not in "iu"
    shape = prediction.shape[:-1] if scored else prediction.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    wanted = drop_column(target)
    if wanted.shape != shape:
        one_hot = class_numbers(target)
        wanted = wanted if one_hot is None else drop_column(one_hot)
    numbers = _as_classes(wanted, _count(prediction)) if wanted.shape == shape else None
    if numbers is None:
        raise ShapeError(
            "this metric takes 0 and 1 for one output, class numbers or one-hot targets for several; targets "
            f"have shape {target.shape[1:]}, predictions {prediction.shape[1:]}, or a target is not a class",
            help="for numbers there are the metrics mse, mae and r2",
        )
    return numbers


def predicted_classes(scores: np.ndarray, labels: bool, threshold: float = 0.5, positive: int = 1) -> np.ndarray:
    """Return class numbers (m, 1) or labels (m, k) for scores (m, k), or for class numbers (m, 1).

    With more than two classes, the one with the largest score is predicted. With two, the positive one is predicted
    where its probability is at least the threshold.
    """
    if scores.dtype.kind in "iu":
        return scores
    count = scores.shape[-1]
    if not labels and (count > 2 or (count == 2 and threshold == 0.5)):
        return scores.argmax(axis=1)[:, np.newaxis]
    p = scores if labels else scores[:, -1:]
    if positive == 0 and threshold != 0.5:
        return (1.0 - p < threshold).astype(np.int64)
    return (p >= threshold).astype(np.int64)


def true_scores(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the score (m, 1) of each sample's class, for scores (m, k) and class numbers (m, 1)."""
    return scores[np.arange(len(scores)), truth[:, 0]][:, np.newaxis]  # np.take_along_axis takes four times as long


def names_of(task: Task | None, count: int) -> list[str]:
    """Return the names of classes or labels; their numbers where they have none."""
    known: Sequence[str] = task.parts[0].classes[:count] if task is not None else ()
    return [*known, *map(str, range(len(known), count))]


def _count(prediction: np.ndarray) -> int | None:
    """Return how many classes scores stand for; None for class numbers."""
    if prediction.dtype.kind in "iu":
        return None
    return max(prediction.shape[-1] if prediction.ndim > 1 else 1, 2)  # one probability means two classes


def _as_classes(targets: np.ndarray, count: int | None) -> np.ndarray | None:
    """Return targets as class numbers 0 to count - 1, or from 0 on without a count; None if they are something else."""
    if targets.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # NaN becomes a number, which differs from it
            numbers = targets.astype(np.int64)
        if not (numbers == targets).all():
            return None
    else:
        numbers = targets.astype(np.int64, copy=False)
    largest = np.maximum.reduce(numbers.view(np.uint64), axis=None) if numbers.size else 0  # that of -1 is large
    return numbers if largest < (count or 2**63) else None
