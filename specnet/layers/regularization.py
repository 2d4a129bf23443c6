"""Layers that behave differently in training, to generalise better."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.layers.base import Kind, Layer


class Dropout(Layer):
    """Sets each input to 0 with probability `rate` in training; the identity otherwise.

    What is kept is divided by 1 - rate, so the expected value does not change ("inverted" dropout). With the mask
    m in {0, 1 / (1 - rate)}: y = m x, dx = m dy. Srivastava et al., "Dropout", 2014.
    """

    in_place = True
    examples = ({"rate": 0.3}, {"rate": 0.0})
    rate: float = Field(default=0.5, ge=0, lt=1, description="share of inputs that is dropped")

    def output_kind(self, kind: Kind | None) -> Kind | None:
        return "numbers" if self.rate else kind

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if not training or self.rate == 0:
            self.mask = None
            return x
        self.mask = mask = self.rng.random(dtype=x.dtype, out=self.workspace("mask", x.shape, x.dtype))
        np.greater_equal(mask, self.rate, out=mask)
        mask *= 1 / (1 - self.rate)
        return np.multiply(x, mask, out=self.output_like(x))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        if self.mask is not None:
            dy *= self.mask
        return dy
