"""Losses on classes in one pass over the outputs."""

from __future__ import annotations

import math

import numpy as np

from specnet.kernels.numpy import classification
from specnet_numba.compiling import compiled
from specnet_numba.functions import exp


@compiled
def softmax_cross_entropy(y, target, slope):
    """Return the sum of -log softmax(y) at the targets, and write its derivative; y (n, k), targets (n,).

    Raises:
        IndexError: if a target is not from 0 to k - 1: compiled code would write beyond the array.
    """
    total, one = 0.0, y.dtype.type(1)
    for i in range(y.shape[0]):
        if not 0 <= target[i] < y.shape[1]:
            raise IndexError("a target is not the number of a class")
        most = y[i, 0]
        for j in range(1, y.shape[1]):
            most = max(most, y[i, j])
        for j in range(y.shape[1]):
            slope[i, j] = exp(y[i, j] - most)
        weight = y.dtype.type(0)
        for j in range(y.shape[1]):
            weight += slope[i, j]
        for j in range(y.shape[1]):
            slope[i, j] /= weight
        slope[i, target[i]] -= one
        total += math.log(weight) - (y[i, target[i]] - most)
    return total


@compiled
def log_or_tangent(p, limited, epsilon):
    """Return log p, or its tangent at epsilon below that; `limited` is at least epsilon."""
    return math.log(limited) + (p - limited) / epsilon


@compiled
def binary_cross_entropy(y, target, slope, epsilon):
    """Return the sum of -(t log y + (1 - t) log(1 - y)), and write its derivative; all arrays are flat."""
    total, kind = 0.0, y.dtype.type
    epsilon, one = kind(epsilon), kind(1)
    for i in range(y.size):
        yes, no, t = y[i], one - y[i], target[i]
        yes_limited, no_limited = (epsilon if yes < epsilon else yes), (epsilon if no < epsilon else no)
        total -= t * log_or_tangent(yes, yes_limited, epsilon) + (one - t) * log_or_tangent(no, no_limited, epsilon)
        slope[i] = (one - t) / no_limited - t / yes_limited
    return total


class CrossEntropyKernel(classification.CrossEntropyKernel):
    """Cross-entropy of class numbers in one pass. Weights, smoothing and distributions are left to the definition."""

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        numbers = target.shape == y.shape[:-1] and target.dtype.kind in "iu"
        self.one_pass = numbers and not self.label_smoothing and self.weigh(target, weight) is None
        if not self.one_pass:
            return super().forward(y, target, weight)
        self.y, k = np.ascontiguousarray(y), y.shape[-1]
        self.slope, classes = self.like("slope", self.y), np.ascontiguousarray(target).reshape(-1)
        total = softmax_cross_entropy(self.y.reshape(-1, k), classes, self.slope.reshape(-1, k))
        return total * self._set_factor(classes.size)

    def backward(self) -> np.ndarray:
        if not self.one_pass:
            return super().backward()
        return np.multiply(self.slope, self._factor, out=self.like("dy", self.slope))


class BceKernel(classification.BceKernel):
    """Binary cross-entropy in one pass. Weights are left to the definition."""

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        self.one_pass = target.shape == y.shape and self.weigh(target, weight) is None
        if not self.one_pass:
            return super().forward(y, target, weight)
        y, target = np.ascontiguousarray(y), np.ascontiguousarray(target)
        self.slope = self.like("slope", y)
        total = binary_cross_entropy(y.reshape(-1), target.reshape(-1), self.slope.reshape(-1), self.epsilon)
        return total * self._set_factor(y.size)

    def backward(self) -> np.ndarray:
        if not self.one_pass:
            return super().backward()
        return np.multiply(self.slope, self._factor, out=self.like("dy", self.slope))
