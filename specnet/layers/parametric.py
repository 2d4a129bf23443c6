"""Activation functions with parameters."""

from __future__ import annotations

import numpy as np
from pydantic import Field, NonNegativeInt

from specnet.errors import ShapeError
from specnet.initializers.base import Initializer
from specnet.layers.weighted import TrainableLayer
from specnet.task import Shape


class Prelu(TrainableLayer):
    """y = x for x > 0, else alpha x; dx = dy or alpha dy, dalpha = sum(dy min(x, 0)). He et al., 2015.

    Each feature has its own alpha, unless axes share it.
    """

    axes = (..., "features")
    output = "numbers"
    mask = "keep"
    examples = ({}, {"shared_axes": [0]})
    alpha_init: Initializer = Field(  # type: ignore[assignment]
        default={"type": "constant", "value": 0.25}, description="initial alpha"
    )
    shared_axes: list[NonNegativeInt] = Field(
        default=[], max_length=32, description="axes of a sample, counted from 0, along which alpha is the same"
    )

    def build(self, input_shape: Shape) -> Shape:
        if any(axis >= len(input_shape) for axis in self.shared_axes):
            raise ShapeError(f"has the shared axes {self.shared_axes}, but its input lacks one of them")
        shape = [1 if axis in self.shared_axes else size for axis, size in enumerate(input_shape)]
        self.declare("alpha", tuple(shape), self.alpha_init, fan_in=1, fan_out=1, decay=False)
        self.summed = (0, *(axis + 1 for axis in sorted({*self.shared_axes})))
        return input_shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.grad.alpha[...] = np.sum(dy * np.minimum(self.x, 0), axis=self.summed, keepdims=True)[0]
        return np.where(self.x > 0, dy, self.alpha * dy)
