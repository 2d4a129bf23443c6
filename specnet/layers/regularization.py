"""Layers that behave differently in training, to generalise better."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from specnet.layers.base import Layer, Output
from specnet.schedules.base import scheduled


def draw_kept(rng: np.random.Generator, rate: float, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return m of this shape: 0 with probability `rate`, else 1 / (1 - rate)."""
    return (rng.random(shape, dtype) >= rate) * dtype.type(1 / (1 - rate))


class Dropout(Layer):
    """Sets each input to 0 with probability `rate` in training; the identity otherwise.

    Kept inputs are divided by 1 - rate, so the expected value does not change ("inverted" dropout). With m in
    {0, 1 / (1 - rate)} for each input: y = m x, dx = m dy. Srivastava et al., "Dropout", 2014.
    """

    mask = "keep"
    examples = ({"rate": 0.3}, {"rate": 0.0}, {"rate": {"type": "linear", "initial": 0.5, "final": 0.0}})
    rate: Annotated[float, scheduled(ge=0, lt=1)] = Field(
        default=0.5, description="share of inputs that is dropped: a number or a schedule"
    )

    @property
    def output(self) -> Output:  # type: ignore[override]
        return "numbers" if self.rate else "same"

    def together(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of m for a batch of this shape: inputs along an axis of length 1 share their m."""
        return shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.m = None
        if not training or self.rate == 0:
            return x
        self.m = draw_kept(self.rng, self.rate, self.together(x.shape), x.dtype)
        return self.m * x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy if self.m is None else self.m * dy


class SpatialDropout(Dropout):
    """Sets whole features of a sample to 0, at all positions, with probability `rate` in training.

    With one m in {0, 1 / (1 - rate)} for each feature of a sample: y = m x, dx = m dy. Tompson et al., "Efficient
    object localization using convolutional networks", 2015.
    """

    axes = (..., "features")

    def together(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], *(1 for _ in shape[1:-1]), shape[-1])


class DropPath(Dropout):
    """Sets all inputs of a sample to 0 with probability `rate` in training: as the last layer of a residual block.

    With one m in {0, 1 / (1 - rate)} for each sample: y = m x, dx = m dy. Also called stochastic depth. Huang et al.,
    "Deep networks with stochastic depth", 2016.
    """

    def together(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], *(1 for _ in shape[1:]))


class AdditiveNoise(Layer):
    """Adds normal noise e of mean 0 to each input in training, y = x + e; the identity otherwise. dx = dy."""

    output = "numbers"
    mask = "keep"
    examples = ({"std": 0.3}, {"std": 0.0})
    std: Annotated[float, scheduled(ge=0)] = Field(
        default=0.1, description="standard deviation of the noise: a number or a schedule"
    )

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x + x.dtype.type(self.std) * self.rng.standard_normal(x.shape, x.dtype) if training else x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy
