"""Fully connected layers."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import ShapeError
from specnet.initializers.base import Initializer
from specnet.layers.base import Layer, Shape


class Linear(Layer):
    r"""Affine map y = x W + b of the last axis.

    Input (..., in), output (..., units). With dy = dL/dy the chain rule gives dW = x^T dy, db = sum dy and
    dx = dy W^T, where leading axes count as batch.
    """

    gives = "numbers"
    keeps = ("x", "y", "dx")
    units: PositiveInt = Field(description="output features", examples=[64])
    use_bias: bool = Field(default=True, alias="bias", description="whether to add b")
    weight_init: Initializer = Field(default="glorot_uniform", description="initial W")  # type: ignore[assignment]
    bias_init: Initializer = Field(default="zeros", description="initial b")  # type: ignore[assignment]

    def build(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("needs inputs with at least one axis besides the batch")
        self.declare("weight", (input_shape[-1], self.units), self.weight_init)
        if self.use_bias:
            self.declare("bias", (self.units,), self.bias_init)
        return (*input_shape[:-1], self.units)

    def flops(self) -> int:
        return math.prod(self.output_shape) * (2 * self.input_shape[-1] + self.use_bias)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = rows = x.reshape(-1, x.shape[-1])
        # `dot`, not `matmul`, as that is ten times slower where x has a single feature.
        y = np.dot(rows, self.weight, out=self.workspace("y", (len(rows), self.units), x.dtype))
        if self.use_bias:
            y += self.bias
        return y.reshape(*x.shape[:-1], self.units)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.backward_parameters(dy)
        rows = dy.reshape(-1, self.units)
        dx = np.dot(rows, self.weight.T, out=self.workspace("dx", self.x.shape, dy.dtype))
        return dx.reshape(*dy.shape[:-1], -1)

    def backward_parameters(self, dy: np.ndarray) -> None:
        rows = dy.reshape(-1, self.units)
        np.dot(self.x.T, rows, out=self.grad.weight)
        if self.use_bias:
            # A product with ones takes a quarter of the time of a sum over the first axis.
            ones = self.workspace("ones", (len(rows),), dy.dtype)
            ones.fill(1.0)
            np.dot(ones, rows, out=self.grad.bias)
