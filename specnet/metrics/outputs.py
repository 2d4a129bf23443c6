"""Metrics that have a number for each output."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Literal

import numpy as np
from pydantic import Field

from specnet.metrics.base import Metric, as_numbers
from specnet.weights import aligned, weighted


class OutputMetric(Metric):
    """A number for each output, and their mean over outputs. Outputs without any weight do not count."""

    average: Literal["uniform", "none"] = Field(
        default="uniform", description="uniform: the mean over outputs; none: a number for each, by name"
    )

    def averaged(self, scores: np.ndarray, counted: np.ndarray) -> float | dict[str, float]:
        """Return the metric for the scores (k,) of outputs; `counted` (k,) marks those that count."""
        if self.average == "none":
            names = self.task.parts[0].names if self.task is not None else ()
            known = names if len(names) == len(scores) else [*map(str, range(len(scores)))]
            return {name: float(score) for name, score, one in zip(known, scores, counted, strict=True) if one}
        return float(np.mean(scores[counted])) if counted.any() else math.nan


def read_outputs(
    prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return predictions, targets and weights (n, k) of all outputs in float64; no weights if they are all 1.

    Raises:
        ShapeError: if predictions and targets cannot be compared element by element.
    """
    y, t = as_numbers(prediction, target)
    shape = len(t), math.prod(t.shape[1:])
    if weight is not None:
        weight = np.broadcast_to(aligned(weight, t.shape), t.shape).reshape(shape)
    return y.reshape(shape), t.reshape(shape), weight


class OutputMean(OutputMetric):
    """The mean of a number for each element of each output, returned by `values`."""

    @abstractmethod
    def values(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the number of each element, for predictions and targets (n, k)."""

    def reset(self) -> None:
        self.keep(total=np.zeros(1), count=np.zeros(1))

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        y, t, w = read_outputs(prediction, target, weight)
        self.add(self.values(y, t), w)

    def add(self, values: np.ndarray, weight: np.ndarray | None) -> None:
        """Add values (n, k) with weights (n, k)."""
        count = np.full(values.shape[1], float(len(values)))
        if weight is not None:
            count, values = np.add.reduce(weight, axis=0), weighted(values, weight)
        self.keep(total=self.total + np.add.reduce(values, axis=0), count=self.count + count)

    def compute(self) -> float | dict[str, float]:
        counted = self.count > 0
        if self.average == "uniform":
            return float(self.total.sum() / self.count.sum()) if counted.any() else math.nan
        return self.averaged(self.total / np.where(counted, self.count, 1.0), counted)
