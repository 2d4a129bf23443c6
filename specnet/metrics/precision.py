"""Precision, recall and others: fractions of the counts in a confusion matrix, and averages of them over classes."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from specnet.component import NameOrNumber
from specnet.errors import ShapeError
from specnet.metrics.classes import has_labels, names_of, predicted_classes
from specnet.metrics.classification import check_threshold
from specnet.metrics.confusion import ConfusionMetric
from specnet.names import suggest
from specnet.task import Task
from specnet.words import quote


class Counts(NamedTuple):
    """True positives, false positives, false negatives and true negatives (k,) of each class or label."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray


class Averaged(ConfusionMetric):
    """A metric num / den of counts of each class, of that class against all others: one number, or an average of them.

    `average` is "binary": of the positive class; "macro": the mean over classes; "weighted": that mean, weighted by
    the weights of the true classes; "micro": the counts of all classes added first; "none": a number for each class, by
    name. As in scikit-learn, 0 / 0 is 0, and a class of which there is neither a sample nor a prediction does not count
    in a mean, unlike a label.
    """

    tasks = ("binary", "multiclass", "multilabel")
    examples = (
        {"average": "none"},
        {"average": "micro"},
        {"average": "weighted"},
        {"average": "macro", "threshold": 0.3},
        {"positive": 0, "threshold": 0.7},
    )
    average: Literal["binary", "macro", "micro", "weighted", "none"] | None = Field(
        default=None, description="null: binary for two classes or if `positive` is given, else macro"
    )
    threshold: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="least probability at which the positive class of two, or a label, is predicted",
    )
    positive: NameOrNumber | None = Field(
        default=None, description="name or number of the class that binary measures; null: class 1 of two"
    )

    @abstractmethod
    def fraction(self, n: Counts) -> tuple[np.ndarray, np.ndarray]:
        """Return numerator and denominator for the counts of each class."""

    def predicted(self, scores: np.ndarray) -> np.ndarray:
        labels, numbered = has_labels(self.task), scores.dtype.kind in "iu"
        positive = self.number(2) if scores.shape[1] <= 2 and not labels and not numbered else 1
        return predicted_classes(scores, labels, self.threshold, positive)

    def number(self, count: int) -> int:
        """Return the number of the positive class or label.

        Raises:
            ShapeError: if there is no such class, or more than two from which to choose.
        """
        names, positive = names_of(self.task, count), self.positive
        if positive is None and (count > 2 or has_labels(self.task)):
            message = f'"binary" measures one class, but there are {count}'
            raise ShapeError(message, pointer=("average",), help='name it as "positive", or choose another average')
        positive = positive or "1"
        if positive in names:
            return names.index(positive)
        if positive in map(str, range(count)):
            return int(positive)
        raise ShapeError(f"there is no class {quote(positive)}", pointer=("positive",), help=suggest(positive, names))

    def check_task(self, task: Task) -> None:
        super().check_task(task)
        check_threshold(self.threshold, task)
        if task.only.classes and (self.positive is not None or self.average == "binary"):
            checked = self.model_copy()
            checked.task = task  # type: ignore[misc]
            checked.number(len(task.only.classes))

    def counts(self) -> Counts:
        """Return the counts of each class or label."""
        if len(self.matrix) > 1:
            (tn, fp), (fn, tp) = np.moveaxis(self.matrix, 0, -1)
            return Counts(tp, fp, fn, tn)
        tp, true = self.matrix[0].diagonal(), self.matrix[0].sum(axis=1)
        fp = self.matrix[0].sum(axis=0) - tp
        return Counts(tp, fp, true - tp, np.maximum(true.sum() - true - fp, 0.0))

    def compute(self) -> float | dict[str, float]:
        n = self.counts()
        labels, count = len(self.matrix) > 1, len(n.tp)
        average = self.average
        if average is None:
            average = "binary" if self.positive is not None or (count == 2 and not labels) else "macro"
        if average == "micro":
            n = Counts(*(each.sum(keepdims=True) for each in n))
        numerator, denominator = self.fraction(n)
        scores = np.divide(numerator, denominator, out=np.zeros(len(n.tp)), where=denominator > 0)
        if average == "none":
            return dict(zip(names_of(self.task, count), scores.tolist(), strict=True))
        if not self.matrix.any():
            return math.nan
        if average == "binary":
            return float(scores[self.number(count)])
        weight = (n.tp + n.fp + n.fn > 0) | labels | (average == "micro")
        if average == "weighted" and (n.tp + n.fn).any():
            weight = n.tp + n.fn
        return float(weight @ scores / weight.sum())


class Precision(Averaged):
    """Share of the samples predicted to belong to a class that do belong to it: tp / (tp + fp)."""

    def fraction(self, n: Counts) -> tuple[np.ndarray, np.ndarray]:
        return n.tp, n.tp + n.fp


class Recall(Averaged):
    """Share of the samples of a class that are predicted to belong to it: tp / (tp + fn). Also called sensitivity."""

    def fraction(self, n: Counts) -> tuple[np.ndarray, np.ndarray]:
        return n.tp, n.tp + n.fn


class F1(Averaged):
    """Harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn). Van Rijsbergen, "Information retrieval", 1979."""

    def fraction(self, n: Counts) -> tuple[np.ndarray, np.ndarray]:
        return 2 * n.tp, 2 * n.tp + n.fp + n.fn


class Specificity(Averaged):
    """Share of the samples outside a class that are not predicted to belong to it: tn / (tn + fp)."""

    def fraction(self, n: Counts) -> tuple[np.ndarray, np.ndarray]:
        return n.tn, n.tn + n.fp


class Jaccard(Averaged):
    """Correct predictions of a class, divided by the samples in it or predicted to be in it: tp / (tp + fp + fn).

    Also called intersection over union. Jaccard, "The distribution of the flora in the alpine zone", 1912.
    """

    def fraction(self, n: Counts) -> tuple[np.ndarray, np.ndarray]:
        return n.tp, n.tp + n.fp + n.fn
