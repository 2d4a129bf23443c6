"""Layers that are used less often."""

from __future__ import annotations

import numpy as np
from pydantic import Field, PositiveInt

from specnet import Layer
from specnet.errors import ShapeError


class PixelShuffle(Layer):
    """Channels become positions, (h, w, c f^2) to (f h, f w, c): y[f i + a, f j + b, k] = x[i, j, (k f + a) f + b].

    dx is dy moved back. The order of channels is PyTorch's. Shi et al., "Real-time single image and video
    super-resolution using an efficient sub-pixel convolutional neural network", 2016.
    """

    axes = ("height", "width", "channels")
    output = "same"
    factor: PositiveInt = Field(description="f, how many times as high and as wide")

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        height, width, channels = input_shape
        if channels % self.factor**2:
            message = f"makes {self.factor} x {self.factor} positions of as many channels"
            raise ShapeError(f"{message}, which do not divide {channels}", pointer=("factor",))
        return (height * self.factor, width * self.factor, channels // self.factor**2)

    def flops(self) -> int:
        return 0

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        height, width, _ = self.input_shape
        parts = x.reshape(len(x), height, width, self.output_shape[-1], self.factor, self.factor)
        return parts.transpose(0, 1, 4, 2, 5, 3).reshape(len(x), *self.output_shape)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        height, width, _ = self.input_shape
        parts = dy.reshape(len(dy), height, self.factor, width, self.factor, self.output_shape[-1])
        return parts.transpose(0, 1, 3, 5, 2, 4).reshape(len(dy), *self.input_shape)
