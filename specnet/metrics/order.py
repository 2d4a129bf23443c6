"""Metrics on numbers that need them in order."""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np

from specnet.metrics.outputs import OutputMetric, read_outputs
from specnet.metrics.samples import SampleMetric


class Ordered(SampleMetric, OutputMetric):
    """A metric of all predictions and targets of an output, which it keeps."""

    arrays = ("predictions", "targets", "weight")

    @abstractmethod
    def score(self, y: np.ndarray, t: np.ndarray, weight: np.ndarray) -> float:
        """Return the metric of one output, for samples (n,) of weights above 0."""

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        y, t, w = read_outputs(prediction, target, weight)
        self.add(y, t, np.ones(t.shape) if w is None else w)

    def compute(self) -> float | dict[str, float]:
        y, t, weight = self.kept.values()
        counted = (weight > 0).any(axis=0)
        scores = np.full(len(counted), math.nan)
        for output in np.flatnonzero(counted):
            rows = weight[:, output] > 0
            scores[output] = self.score(y[rows, output], t[rows, output], weight[rows, output])
        return self.averaged(scores, counted)


class MedianAbsoluteError(Ordered):
    """Median of |y - t|, in units of the target: half of the weight has a smaller error. Single large errors, such as
    those of outliers, do not change it.
    """

    higher_is_better = False
    examples = ({"average": "none"},)

    def score(self, y: np.ndarray, t: np.ndarray, weight: np.ndarray) -> float:
        error = np.abs(y - t)
        order = np.argsort(error, kind="stable")
        below = np.add.accumulate(weight[order])
        half = below[-1] / 2
        middle = error[order[[np.searchsorted(below, half), np.searchsorted(below, half, side="right")]]]
        return float(middle.mean())


class Spearman(Ordered):
    """Correlation of the ranks of predictions and targets, from -1 to 1; equal numbers have the mean of their ranks.

    It is 0 for an output whose predictions, or whose targets, are all equal. Spearman, "The proof and measurement of
    association between two things", 1904.
    """

    examples = ({"average": "none"},)

    def score(self, y: np.ndarray, t: np.ndarray, weight: np.ndarray) -> float:
        a, b = (centred_ranks(x, weight) for x in (y, t))
        size = math.sqrt(weight @ np.square(a)) * math.sqrt(weight @ np.square(b))
        return max(-1.0, min(1.0, float(weight @ (a * b)) / size)) if size else 0.0


def centred_ranks(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the ranks of numbers (n,) with weights (n,), less the mean of all ranks.

    A rank is the weight of all smaller numbers and half of that of equal ones; a weight of 2 is two numbers.
    """
    order = np.argsort(x, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(x[order])), len(x) - 1)
    below = np.add.accumulate(weight[order])[ends]
    middle = (below + np.append(0.0, below[:-1])) / 2 - below[-1] / 2
    ranks = np.empty(len(x))
    ranks[order] = np.repeat(middle, np.diff(ends, prepend=-1))
    return ranks
