"""Layers that only rearrange."""

from __future__ import annotations

import math

import numpy as np

from specnet.layers.base import Layer
from specnet.task import Shape


class Flatten(Layer):
    """All axes of a sample in one: (..., ) to (features,), row-major."""

    output = "same"

    def build(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def flops(self) -> int:
        return 0

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x.reshape(len(x), -1)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy.reshape(-1, *self.input_shape)
