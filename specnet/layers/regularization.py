"""Layers that behave differently in training, to generalise better."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.layers.base import Layer, Output


class Dropout(Layer):
    """Sets each input to 0 with probability `rate` in training; the identity otherwise.

    Kept inputs are divided by 1 - rate, so the expected value does not change ("inverted" dropout). With m in
    {0, 1 / (1 - rate)} for each input: y = m x, dx = m dy. Srivastava et al., "Dropout", 2014.
    """

    mask = "keep"
    examples = ({"rate": 0.3}, {"rate": 0.0})
    rate: float = Field(default=0.5, ge=0, lt=1, description="share of inputs that is dropped")

    @property
    def output(self) -> Output:  # type: ignore[override]
        return "numbers" if self.rate else "same"

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.m = None
        if not training or self.rate == 0:
            return x
        self.m = (self.rng.random(x.shape, x.dtype) >= self.rate) * x.dtype.type(1 / (1 - self.rate))
        return self.m * x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy if self.m is None else self.m * dy
