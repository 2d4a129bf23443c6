"""Fully connected layers."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import ShapeError
from specnet.initializers.base import Initializer
from specnet.layers.weighted import WeightedLayer
from specnet.task import Shape


class Linear(WeightedLayer):
    r"""Affine map y = x W + b of the last axis.

    Input (..., in), output (..., units). With dy = dL/dy the chain rule gives dW = x^T dy, db = sum dy and
    dx = dy W^T, where leading axes count as batch.
    """

    axes = (..., "features")
    output = "numbers"
    mask = "keep"
    examples = ({"units": 3}, {"units": 1, "use_bias": False})
    units: PositiveInt | None = Field(
        default=None,
        description="output features; null, only in the last linear layer: as many as the task needs",
        examples=[64],
    )
    use_bias: bool = Field(default=True, description="whether to add b")
    weight_init: Initializer = Field(default="glorot_uniform", description="initial W")  # type: ignore[assignment]
    bias_init: Initializer = Field(default="zeros", description="initial b")  # type: ignore[assignment]

    def build(self, input_shape: Shape) -> Shape:
        if self.units is None:
            raise ShapeError('has no "units"', help="add them: only the last linear layer of a spec may leave them out")
        self.declare("weight", (input_shape[-1], self.units), self.weight_init)
        if self.use_bias:
            self.declare("bias", (self.units,), self.bias_init, fan_in=input_shape[-1])
        return (*input_shape[:-1], self.units)

    def flops(self) -> int:
        return math.prod(self.output_shape) * (2 * self.input_shape[-1] + self.use_bias)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x.reshape(-1, x.shape[-1])
        y = self.x.dot(self.weight)  # `matmul` is ten times slower for a single feature
        if self.use_bias:
            y += self.bias
        return y.reshape(*x.shape[:-1], y.shape[-1])

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        rows = dy.reshape(-1, dy.shape[-1])
        self.x.T.dot(rows, out=self.grad.weight)
        if self.use_bias:
            rows.sum(axis=0, out=self.grad.bias)
        return rows.dot(self.weight.T).reshape(*dy.shape[:-1], -1) if self.needs_dx else None
