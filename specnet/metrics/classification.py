"""Shares of samples whose class is predicted."""

from __future__ import annotations

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import ShapeError
from specnet.metrics.classes import ClassMean, has_labels, predicted_classes, true_scores
from specnet.task import Task


class Accuracy(ClassMean):
    """Share of samples whose class is predicted correctly.

    Targets are class numbers, 0 and 1 where there is one output, or one-hot. With several labels, all of them must be
    right, as in scikit-learn; `hamming_loss` counts each label.
    """

    is_share = True
    examples = ({"threshold": 0.3},)
    threshold: float = Field(
        default=0.5, ge=0, le=1, description="least probability at which class 1 of two, or a label, is predicted"
    )

    def values(self, scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
        hits = predicted_classes(scores, has_labels(self.task), self.threshold) == truth
        return np.broadcast_to(hits.all(axis=1, keepdims=True), truth.shape) if has_labels(self.task) else hits

    def check_task(self, task: Task) -> None:
        super().check_task(task)
        check_threshold(self.threshold, task)


class TopKAccuracy(ClassMean):
    """Share of samples whose class is among the k with the largest scores.

    Among equal scores, those of later classes count as larger, as in scikit-learn.
    """

    is_share = True
    examples = ({"k": 1}, {"k": 2})
    tasks = ("binary", "multiclass")
    k: PositiveInt = Field(default=5, description="number of classes that may contain the right one")

    def values(self, scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
        if scores.shape[1] == 1:
            scores = np.concatenate([1.0 - scores, scores], axis=1)
        own, later = true_scores(scores, truth), np.arange(scores.shape[1]) > truth
        before = (scores > own) | ((scores == own) & later)
        return before.sum(axis=1, keepdims=True) < self.k

    def check_task(self, task: Task) -> None:
        super().check_task(task)
        if 0 < (count := len(task.only.classes)) <= self.k:
            message = f"the class is always among the {self.k} best of {count}"
            raise ShapeError(message, pointer=("k",), help=f'choose a "k" below {count}, or the metric accuracy')


class HammingLoss(ClassMean):
    """Share of labels that are wrong; for classes, the share of samples whose class is predicted wrongly.

    Hamming, "Error detecting and error correcting codes", 1950.
    """

    higher_is_better = False
    tasks = ("binary", "multiclass", "multilabel")

    def values(self, scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return predicted_classes(scores, has_labels(self.task)) != truth


def check_threshold(threshold: float, task: Task) -> None:
    """Check that there are labels, or two classes, if a threshold is chosen.

    Raises:
        ShapeError: if there are more classes.
    """
    if threshold != 0.5 and any(part.kind == "multiclass" and len(part.classes) > 2 for part in task.parts):
        message = "a threshold is for two classes or for labels: of more classes, the one with the largest score counts"
        raise ShapeError(message, pointer=("threshold",), help="leave it out")
