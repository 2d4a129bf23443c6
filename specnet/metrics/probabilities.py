"""Metrics on probabilities of classes and labels."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from specnet.metrics.base import Metric
from specnet.metrics.classes import ClassMean, has_labels, predicted_classes, read_scored, true_scores
from specnet.task import TaskKind

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are limited to this and 1 minus this before a logarithm is taken, as in scikit-learn."""


class ProbabilityMetric(ClassMean):
    """A mean of a number for each sample, or each label of each sample, that depends on probabilities."""

    tasks: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass", "multilabel")
    needs_probabilities = True
    higher_is_better = False

    def own(self, scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the probability of the true class of each sample, or of the truth of each label."""
        p = scores.astype(np.float64, copy=False)
        if p.shape[1] == 1 or has_labels(self.task):
            return np.where(truth == 1, p, 1.0 - p)
        return true_scores(p, truth)


class LogLoss(ProbabilityMetric):
    """Mean of -log p, where p is the predicted probability of the true class; for labels, the mean over all of them."""

    def values(self, scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return -np.log(np.minimum(np.maximum(self.own(scores, truth), SMALLEST), 1.0 - SMALLEST))


class Perplexity(LogLoss):
    """exp(log loss): the number of equally likely classes that would be as hard to predict. 1 is perfect.

    Jelinek et al., "Perplexity: a measure of the difficulty of speech recognition tasks", 1977.
    """

    tasks = ("binary", "multiclass")

    def compute(self) -> float:
        return math.exp(super().compute())


class BitsPerCharacter(LogLoss):
    """The log loss in bits, log loss / log 2, for networks that predict the next character or byte of a text."""

    tasks = ("binary", "multiclass")

    def compute(self) -> float:
        return super().compute() / math.log(2.0)


class BrierScore(ProbabilityMetric):
    """Mean squared error of probabilities: (1 - p)^2 for two classes or a label, where p is that of the truth.

    For more classes it is the sum over them of (p_k - t_k)^2, with t one-hot, from 0 to 2. Brier, "Verification of
    forecasts expressed in terms of probability", 1950.
    """

    def values(self, scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
        if scores.shape[1] <= 2 or has_labels(self.task):
            return np.square(1.0 - self.own(scores, truth))
        one_hot = truth == np.arange(scores.shape[1])
        return np.square(scores - one_hot.astype(np.float64)).sum(axis=1, keepdims=True)


class CalibrationError(Metric):
    """Expected calibration error: sum over bins of n_bin / n |accuracy - confidence|, means over the bin's samples.

    The confidence is the probability of the predicted class, also with two classes; the bins divide it from 0 to 1 into
    equal parts. Each label counts as a sample of two classes. Guo et al., "On calibration of modern neural networks",
    2017.
    """

    higher_is_better = False
    tasks = ("binary", "multiclass", "multilabel")
    needs_probabilities = True
    examples = ({"n_bins": 4},)
    n_bins: PositiveInt = Field(default=15, le=100_000, description="number of bins of the confidence")

    def reset(self) -> None:
        self.keep(gap=np.zeros(self.n_bins), total=0.0)

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        p, truth, weights = read_scored(prediction, target, weight, self.task)
        labels = has_labels(self.task)
        hit = predicted_classes(p, labels) == truth
        p = p.astype(np.float64, copy=False)
        single = labels or p.shape[1] == 1
        confidence = np.minimum(np.maximum(p, 1.0 - p) if single else p.max(axis=1, keepdims=True), 1.0)
        bins = np.maximum(np.ceil(confidence * self.n_bins).astype(np.int64) - 1, 0)
        gap = hit - confidence
        self.total += float(truth.size if weights is None else weights.sum())
        if weights is not None:
            gap = gap * weights
        self.keep(gap=self.gap + np.bincount(bins.ravel(), gap.ravel(), self.n_bins))

    def compute(self) -> float:
        return float(np.abs(self.gap).sum()) / self.total if self.total else math.nan
