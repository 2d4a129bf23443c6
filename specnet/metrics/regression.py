"""Means of errors, in the units of the targets unless they are said to be shares."""

from __future__ import annotations

import numpy as np

from specnet.metrics.outputs import OutputMean


class MeanSquaredError(OutputMean):
    """Mean squared error, in squared units of the target."""

    higher_is_better = False
    examples = ({"average": "none"},)

    def values(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.square(y - t)


class RootMeanSquaredError(MeanSquaredError):
    """Root of the mean squared error, in units of the target; with several outputs, the mean of their roots."""

    def compute(self) -> float | dict[str, float]:
        counted = self.count > 0
        return self.averaged(np.sqrt(self.total / np.where(counted, self.count, 1.0)), counted)


class MeanAbsoluteError(OutputMean):
    """Mean absolute error, in units of the target."""

    higher_is_better = False
    examples = ({"average": "none"},)

    def values(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.abs(y - t)


class MeanAbsolutePercentageError(OutputMean):
    """Mean absolute error relative to the target, mean |y - t| / |t|: a fraction, 0.1 is 10 percent.

    A target of 0 counts as 2.2e-16, as in scikit-learn, and makes the metric very large.
    """

    higher_is_better = False
    examples = ({"average": "none"},)

    def values(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.abs(y - t) / np.maximum(np.abs(t), np.finfo(np.float64).eps)


class SymmetricMape(OutputMean):
    """Mean absolute error relative to the mean of both sizes, mean |y - t| / ((|y| + |t|) / 2): a fraction from 0 to 2.

    It is 0 where prediction and target are both 0. Makridakis & Hibon, "The M3-competition: results, conclusions and
    implications", 2000.
    """

    higher_is_better = False
    examples = ({"average": "none"},)

    def values(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        size = np.abs(y) + np.abs(t)
        return np.divide(2.0 * np.abs(y - t), size, out=np.zeros_like(size), where=size > 0)
