"""The contract of initializers."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from specnet.component import Component


class Initializer(Component):
    """Draws the initial values of a parameter.

    `fan_in` and `fan_out` are the numbers of inputs that feed one output and of outputs that one input feeds.
    """

    group: ClassVar[str] = "initializers"

    @abstractmethod
    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        """Return an array of `shape`; it is rounded to the network's dtype afterwards."""
