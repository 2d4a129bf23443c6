"""Transforms that change how a feature is distributed by a formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import Field

from specnet.functions import summarize
from specnet.transforms.base import SameShape, refuse_features
from specnet.transforms.scaling import EPSILON, nonzero

GOLDEN = (math.sqrt(5) - 1) / 2
SMALLEST, LARGEST = -12.0, 300.0
"""Limits of p log(1 + x): below, (1 + x)^p has few digits left beside 1, and above its square may overflow."""


class Log(SameShape):
    """y = log(x + offset), with the natural logarithm; x = exp(y) - offset.

    Refuses samples with x + offset <= 0.
    """

    dtypes = (np.integer, np.floating)
    examples = ({"offset": 1.0},)
    offset: float = Field(default=0.0, description="added before the logarithm, such as 1 for counts")

    def apply(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            shifted = x + np.float64(self.offset)
        refuse_features(shifted <= 0, "has a number without a logarithm, x + offset <= 0,")
        return np.log(shifted)

    def invert(self, y: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.exp(y.astype(np.float64)) - self.offset


class Power(SameShape):
    """A power of each feature that brings it as close to a normal distribution as possible, then standardized.

    y = ((1 + x)^p - 1) / p where x >= 0, and y = -((1 - x)^(2 - p) - 1) / (2 - p) elsewhere; for an exponent of 0 the
    quotient is the logarithm. For each feature, p maximizes the likelihood of the training split under a normal
    distribution. Yeo & Johnson, "A new family of power transformations to improve normality or symmetry", 2000.
    """

    examples = ({"method": "yeo_johnson"},)
    fitted = ("exponent", "shift", "scale")
    method: Literal["yeo_johnson"] = Field(default="yeo_johnson", description="family of powers")

    def fit(self, x: np.ndarray) -> None:
        values = x.astype(np.float64)
        found = summarize([values], 0)
        varies = nonzero(found.std, found, x.dtype) == found.std
        exponent = np.ones(varies.size)
        exponent[varies.ravel()] = _most_likely_exponents(values.reshape(len(x), -1)[:, varies.ravel()])
        self.exponent = exponent.reshape(x.shape[1:])
        found = summarize([_yeo_johnson(values, self.exponent)], 0)
        self.shift, self.scale = found.mean, nonzero(found.std, found, x.dtype)

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.check_shape(x, self.exponent.shape)
        with np.errstate(over="ignore"):
            return (_yeo_johnson(x.astype(np.float64), self.exponent) - self.shift) / self.scale

    def invert(self, y: np.ndarray) -> np.ndarray:
        y = y * self.scale + self.shift
        p = np.where(y >= 0, self.exponent, 2 - self.exponent)
        divisor = np.where(p == 0, 1.0, p)
        # No x has y >= -1 / p if p < 0: what lies beyond becomes very large.
        inner = np.maximum(p * np.abs(y), EPSILON - 1)
        with np.errstate(over="ignore"):
            return np.copysign(np.expm1(np.where(p == 0, np.abs(y), np.log1p(inner) / divisor)), y)


def _yeo_johnson(x: np.ndarray, exponent: np.ndarray | float) -> np.ndarray:
    p = np.where(x >= 0, exponent, 2 - exponent)
    logarithm = np.log1p(np.abs(x))
    divisor = np.where(p == 0, 1.0, p)
    return np.copysign(np.where(p == 0, logarithm, np.expm1(p * logarithm) / divisor), x)


def _most_likely_exponents(x: np.ndarray) -> np.ndarray:
    """Return the exponents (k,) of the largest likelihood for features (n, k), none of them constant.

    With y's variance v, the logarithm of the likelihood is -n/2 log(v) + (p - 1) sum(sign(x) log(1 + |x|)).
    """
    jacobian = np.sum(np.copysign(np.log1p(np.abs(x)), x), axis=0)

    def log_likelihood(p: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", under="ignore"):
            return (p - 1) * jacobian - len(x) / 2 * np.log(np.var(_yeo_johnson(x, p), axis=0))

    positive, negative = (np.log1p(np.maximum(end, 1e-300)) for end in (x.max(axis=0), -x.min(axis=0)))
    low = np.maximum(SMALLEST / positive, 2 - LARGEST / negative)
    high = np.minimum(LARGEST / positive, 2 - SMALLEST / negative)
    return _maximize(log_likelihood, low, high)


def _maximize(f: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the places (k,) of the maxima of k functions, each with one in its interval, by golden section."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = f(left), f(right)
    for _ in range(60):  # the intervals shrink to 3e-13 of their length
        lower = at_left >= at_right
        low, high = np.where(lower, low, left), np.where(lower, right, high)
        new = np.where(lower, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        at_new = f(new)
        left, right = np.where(lower, new, right), np.where(lower, left, new)
        at_left, at_right = np.where(lower, at_new, at_right), np.where(lower, at_left, at_new)
    return (low + high) / 2
