"""Metrics on the order into which scores bring samples."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from specnet.metrics.classes import has_labels, names_of, read_scored
from specnet.metrics.samples import SampleMetric
from specnet.task import TaskKind


class Ranked(NamedTuple):
    """Scores (m,) of samples, whether each is positive, and their weights."""

    score: np.ndarray
    positive: np.ndarray
    weight: np.ndarray

    @property
    def positives(self) -> float:
        """The weight of all positive samples."""
        return float(self.weight[self.positive].sum())

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights of positive and of negative samples whose score is at least each of the scores.

        Scores descend from the largest; equal ones are one point.
        """
        order = np.argsort(-self.score, kind="stable")
        score, weight = self.score[order], self.weight[order]
        ends = np.append(np.flatnonzero(score[1:] != score[:-1]), len(score) - 1)
        positive = self.positive[order]
        return np.add.accumulate(weight * positive)[ends], np.add.accumulate(weight * ~positive)[ends]


class Ranking(SampleMetric):
    """A metric of the order of all samples by their scores.

    Of two classes it is about class 1. With several classes or labels each is compared with the rest, and `average` is
    "macro": the mean; "weighted": that mean, weighted by the positive samples; "micro": the scores of all of them are
    ranked together; "none": a number for each, by name.
    """

    tasks: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass", "multilabel")
    arrays: ClassVar[tuple[str, ...]] = ("scores", "truth", "weight")
    chance: ClassVar[float]
    """The metric where it is not defined."""
    average: Literal["macro", "micro", "weighted", "none"] = Field(
        default="macro", description="how the values of several classes or labels are averaged"
    )

    @abstractmethod
    def area(self, ranked: Ranked) -> float:
        """Return the metric for the scores of one class, which has positive and negative samples."""

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        scores, truth, weights = read_scored(prediction, target, weight, self.task)
        self.add(scores, truth, np.ones(truth.shape) if weights is None else weights)

    def each(self, scores: np.ndarray) -> Iterator[Ranked]:
        """Yield the samples as each class or label ranks them, for scores (m, k)."""
        several = self.truth.shape[1] > 1
        for number in range(scores.shape[1]):
            column = number if several else 0
            positive = self.truth[:, column] == (1 if several else number)
            yield Ranked(scores[:, number], positive, self.weight[:, column])

    def compute(self) -> float | dict[str, float]:
        if not self.kept["weight"].any():
            return {} if self.average == "none" else math.nan
        scores = self.scores
        if scores.shape[1] == 1:
            scores = np.concatenate([1.0 - scores, scores], axis=1)
        each = [*self.each(scores)]
        if self.average == "none":
            names = names_of(self.task, len(each))
            return {name: self.score(one) for name, one in zip(names, each, strict=True)}
        if len(each) == 2 and not has_labels(self.task):
            return self.score(each[1])
        if self.average == "micro":
            return self.score(Ranked(*(np.concatenate(parts) for parts in zip(*each, strict=True))))
        return self.averaged(each)

    def score(self, ranked: Ranked) -> float:
        """Return the metric for the scores of one class; `chance` if it is not defined."""
        return self.area(ranked) if 0 < ranked.positives < ranked.weight.sum() else self.chance

    def averaged(self, each: list[Ranked]) -> float:
        """Return the mean of the metrics of classes or labels."""
        weights = np.array([one.positives if self.average == "weighted" else 1.0 for one in each])
        return float(weights @ [self.score(one) for one in each] / weights.sum()) if weights.any() else self.chance


class RocAuc(Ranking):
    """Area under the receiver operating characteristic: how often a positive sample scores higher than a negative one.

    Equal scores count one half. 1 is perfect, and 0.5 is chance. With only positive or only negative samples it is
    0.5, where scikit-learn has NaN; such a class does not count in a mean. For several classes, "ovr" compares each
    class with all others; "ovo" compares each pair of classes on the samples of both, and does not depend on the
    number of samples in each: Hand & Till, "A simple generalisation of the area under the ROC curve for multiple class
    classification problems", 2001.
    """

    chance = 0.5
    examples = (
        {"average": "none"},
        {"average": "micro"},
        {"average": "weighted"},
        {"multi_class": "ovo"},
        {"multi_class": "ovo", "average": "weighted"},
    )
    multi_class: Literal["ovr", "ovo"] = Field(
        default="ovr", description="each class against the rest, or against each other class"
    )

    @model_validator(mode="after")
    def _pairs_are_averaged(self) -> Self:
        if self.multi_class == "ovo" and self.average in ("micro", "none"):
            raise ValueError(f'multi_class "ovo" has the averages macro and weighted, not {self.average}')
        return self

    def area(self, ranked: Ranked) -> float:
        tp, fp = ranked.curve()
        height = (tp + np.append(0.0, tp[:-1])) / 2
        return float(np.diff(fp, prepend=0.0) @ height / (tp[-1] * fp[-1]))

    def averaged(self, each: list[Ranked]) -> float:
        if self.multi_class == "ovr" or has_labels(self.task):
            return super().averaged([one for one in each if 0 < one.positives < one.weight.sum()])
        areas, weights = [], []
        for one, other in combinations([one for one in each if one.positives], 2):
            among = one.positive | other.positive
            pair = [Ranked(*(part[among] for part in ranked)) for ranked in (one, other)]
            areas.append(sum(map(self.area, pair)) / 2)
            weights.append(pair[0].weight.sum() if self.average == "weighted" else 1.0)
        return float(np.average(areas, weights=weights)) if areas else self.chance


class AveragePrecision(Ranking):
    """Mean precision over the positive samples, ranked by their scores: sum_n (R_n - R_(n-1)) P_n.

    P_n and R_n are precision and recall if all samples up to the n-th score are predicted to be positive. Without
    positive samples it is 0, without negative ones 1, and counts as that in a mean.
    """

    chance = 0.0
    examples = ({"average": "none"}, {"average": "micro"}, {"average": "weighted"})

    def score(self, ranked: Ranked) -> float:
        return self.area(ranked) if ranked.positives else self.chance

    def area(self, ranked: Ranked) -> float:
        tp, fp = ranked.curve()
        precision = np.divide(tp, tp + fp, out=np.zeros(len(tp)), where=tp > 0)
        return float(np.diff(tp, prepend=0.0) @ precision / tp[-1])
