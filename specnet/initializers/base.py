"""The contract of initializers."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from specnet.component import Component
from specnet.functions import normal_cdf, normal_quantile


class Initializer(Component):
    """Draws the initial values of a parameter.

    `fan_in` and `fan_out` are the numbers of inputs that feed one output and of outputs that one input feeds.
    """

    group: ClassVar[str] = "initializers"

    @abstractmethod
    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        """Return an array of `shape`; it is rounded to the network's dtype afterwards."""


def truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers of a standard normal distribution between -2 and 2, by the inverse of its distribution."""
    low, high = normal_cdf(np.array([-2.0, 2.0]))
    return normal_quantile(np.asarray(rng.uniform(low, high, shape)))
