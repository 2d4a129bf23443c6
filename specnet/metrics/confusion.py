"""Metrics that are computed from a confusion matrix."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from specnet.metrics.base import Metric
from specnet.metrics.classes import has_labels, predicted_classes, read_scored
from specnet.task import TaskKind


class ConfusionMetric(Metric):
    """A metric of a confusion matrix, which has a row for each true class and a column for each predicted one.

    `matrix` (1, k, k) contains weights of samples. Each of l labels has its own: (l, 2, 2).
    """

    tasks: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass")

    def reset(self) -> None:
        self.keep(matrix=np.zeros((1, 0, 0)))

    def predicted(self, scores: np.ndarray) -> np.ndarray:
        """Return the class numbers or labels for scores (m, k)."""
        return predicted_classes(scores, has_labels(self.task))

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        scores, truth, weights = read_scored(prediction, target, weight, self.task)
        predicted, labels = self.predicted(scores), truth.shape[1]
        count = max(scores.shape[1], 2) if labels == 1 else 2
        if scores.dtype.kind in "iu":  # class numbers
            count = max(count, int(truth.max(initial=0)) + 1, int(predicted.max(initial=0)) + 1)
        cell = count * truth + predicted
        if labels > 1:
            cell += count * count * np.arange(labels)
        shape = (labels, count, count)
        found = np.bincount(cell.ravel(), None if weights is None else weights.ravel(), math.prod(shape))
        self._add(found.reshape(shape))

    def merge(self, other: Metric) -> None:
        self._add(other.matrix)

    def _add(self, matrix: np.ndarray) -> None:
        mine = self.matrix
        if mine.shape != matrix.shape:
            shape = tuple(map(max, mine.shape, matrix.shape))
            mine, matrix = _grown(mine, shape), _grown(matrix, shape)
        self.keep(matrix=mine + matrix)


def _grown(matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a matrix with further classes of weight 0."""
    grown = np.zeros(shape)
    grown[tuple(map(slice, matrix.shape))] = matrix
    return grown


class BalancedAccuracy(ConfusionMetric):
    """Mean over classes of the share of their samples that is predicted correctly: the macro average of recall.

    Classes without samples do not count. Brodersen et al., "The balanced accuracy and its posterior distribution",
    2010.
    """

    def compute(self) -> float:
        if not self.matrix.any():
            return math.nan
        true = self.matrix[0].sum(axis=1)
        return float(np.mean(self.matrix[0].diagonal()[true > 0] / true[true > 0]))


class MatthewsCorrelation(ConfusionMetric):
    """Correlation of true and predicted classes, from -1 to 1; 0 is no better than chance.

    (c s - t.p) / sqrt((s^2 - p.p) (s^2 - t.t)), where t and p are the numbers of true and predicted samples of each
    class, s is the number of all samples and c that of right predictions. It is 0 if all samples belong to one class,
    or are predicted to. Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient",
    2004.
    """

    def compute(self) -> float:
        if not self.matrix.any():
            return math.nan
        matrix = self.matrix[0] / self.matrix.sum()
        t, p = matrix.sum(axis=1), matrix.sum(axis=0)
        if min(np.count_nonzero(t), np.count_nonzero(p)) < 2:
            return 0.0
        covariance = matrix.trace() - t @ p
        return max(-1.0, min(1.0, float(covariance) / math.sqrt((1 - t @ t) * (1 - p @ p))))


class CohenKappa(ConfusionMetric):
    """Agreement of true and predicted classes beyond chance: 1 - sum w C / sum w E, from -1 to 1; 0 is chance.

    C is the confusion matrix, E the one expected if true and predicted classes were independent. w is 1 where the
    classes i and j differ; with weights |i - j| or (i - j)^2. It is 0 if all samples belong to one class and are
    predicted to; scikit-learn has NaN there. Cohen, "A coefficient of agreement for nominal scales", 1960, and
    "Weighted kappa", 1968.
    """

    examples = ({"weights": "linear"}, {"weights": "quadratic"})
    weights: Literal["linear", "quadratic"] | None = Field(
        default=None, description="how the distance between classes counts; null: not at all"
    )

    def compute(self) -> float:
        if not self.matrix.any():
            return math.nan
        matrix = self.matrix[0]
        number = np.arange(len(matrix))
        w = np.abs(number[:, np.newaxis] - number) ** (2.0 if self.weights == "quadratic" else 1.0)
        if self.weights is None:
            w = np.minimum(w, 1.0)
        expected = float(np.sum(w * np.outer(matrix.sum(axis=1), matrix.sum(axis=0)) / matrix.sum()))
        return 1.0 - float(np.sum(w * matrix)) / expected if expected else 0.0
