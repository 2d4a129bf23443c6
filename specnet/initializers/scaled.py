"""Initializers whose spread keeps the variance of signals from layer to layer.

Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, balances the
forward and the backward pass of linear-like units: variance 2 / (fan_in + fan_out). He et al., "Delving deep into
rectifiers", 2015, compensates for the half that a rectifier drops: variance 2 / fan_in. LeCun et al., "Efficient
backprop", 1998, keeps the variance in the forward pass: 1 / fan_in. A uniform distribution on [-a, a] has variance
a^2 / 3.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from specnet.initializers.base import Initializer, truncated_normal


class GlorotUniform(Initializer):
    """Uniform on [-a, a] with a = sqrt(6 / (fan_in + fan_out)); Glorot & Bengio, 2010."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = np.sqrt(6.0 / (fan_in + fan_out))
        return rng.uniform(-limit, limit, shape)


class GlorotNormal(Initializer):
    """Normal with standard deviation sqrt(2 / (fan_in + fan_out)); Glorot & Bengio, 2010."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, np.sqrt(2.0 / (fan_in + fan_out)), shape)


class HeUniform(Initializer):
    """Uniform on [-a, a] with a = sqrt(6 / fan_in); He et al., 2015."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = np.sqrt(6.0 / fan_in)
        return rng.uniform(-limit, limit, shape)


class HeNormal(Initializer):
    """Normal with standard deviation sqrt(2 / fan_in); He et al., 2015."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, np.sqrt(2.0 / fan_in), shape)


class LecunUniform(Initializer):
    """Uniform on [-a, a] with a = sqrt(3 / fan_in); LeCun et al., 1998."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = np.sqrt(3.0 / fan_in)
        return rng.uniform(-limit, limit, shape)


class LecunNormal(Initializer):
    """Normal with standard deviation sqrt(1 / fan_in); LeCun et al., 1998."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0.0, np.sqrt(1.0 / fan_in), shape)


class TorchDefault(Initializer):
    """Uniform on [-a, a] with a = 1 / sqrt(fan_in), as PyTorch initializes weights and biases of linear layers.

    Use it for `weight_init` and `bias_init` to begin as PyTorch does.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = np.sqrt(1.0 / fan_in)
        return rng.uniform(-limit, limit, shape)


class VarianceScaling(Initializer):
    """Variance scale / n, where n is fan_in, fan_out or their mean: the other initializers are special cases.

    A "truncated_normal" distribution ends at two standard deviations, and is scaled up so that its variance is right.
    """

    examples = ({"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"}, {"distribution": "normal"})
    scale: float = Field(default=1.0, gt=0, description="variance times n")
    mode: Literal["fan_in", "fan_out", "fan_avg"] = Field(default="fan_in", description="what n is")
    distribution: Literal["truncated_normal", "normal", "uniform"] = Field(
        default="truncated_normal", description="kind of distribution"
    )

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        std = np.sqrt(self.scale / n)
        if self.distribution == "uniform":
            return rng.uniform(-np.sqrt(3.0) * std, np.sqrt(3.0) * std, shape)
        if self.distribution == "normal":
            return rng.normal(0.0, std, shape)
        return truncated_normal(rng, shape) * (std / TRUNCATED_STD)


TRUNCATED_STD = 0.8796256610342398
"""Standard deviation of a standard normal distribution cut off at -2 and 2."""
