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
    keeps = ("x",)
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
        self.x = x
        y: np.ndarray = x @ self.weight
        if self.use_bias:
            y += self.bias
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.backward_parameters(dy)
        dx: np.ndarray = dy @ self.weight.T
        return dx

    def backward_parameters(self, dy: np.ndarray) -> None:
        x, dy = self.x.reshape(-1, self.x.shape[-1]), dy.reshape(-1, self.units)
        np.matmul(x.T, dy, out=self.grad.weight)
        if self.use_bias:
            np.sum(dy, axis=0, out=self.grad.bias)
