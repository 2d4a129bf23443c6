"""Initializers whose spread keeps the variance of signals from layer to layer.

Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, balances the
forward and the backward pass of linear-like units: variance 2 / (fan_in + fan_out). He et al., "Delving deep into
rectifiers", 2015, compensates for the half that a rectifier drops: variance 2 / fan_in. A uniform distribution on
[-a, a] has variance a^2 / 3.
"""

from __future__ import annotations

import numpy as np

from specnet.initializers.base import Initializer


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
