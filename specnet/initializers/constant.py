"""Initializers that draw nothing."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.initializers.base import Initializer


class Zeros(Initializer):
    """All zeros: the usual start of biases."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return np.zeros(shape)


class Ones(Initializer):
    """All ones: the usual start of the scales of a normalization."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return np.ones(shape)


class Constant(Initializer):
    """One value everywhere."""

    value: float = Field(description="the value")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return np.full(shape, self.value)
