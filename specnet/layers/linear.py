"""Fully connected layers."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import ShapeError
from specnet.initializers.base import Initializer
from specnet.layers.base import Layer, Shape

NARROW = 32
"""Input features up to which copying x, with a further feature for the bias, is faster than adding the bias."""


class Linear(Layer):
    r"""Affine map y = x W + b of the last axis.

    Input (..., in), output (..., units). With dy = dL/dy the chain rule gives dW = x^T dy, db = sum dy and
    dx = dy W^T, where leading axes count as batch.
    """

    gives = "numbers"
    disposable = True
    examples = ({"units": 3}, {"units": 1, "bias": False})
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
        self.x: np.ndarray
        self.narrow = self.use_bias and input_shape[-1] <= NARROW
        self.rows = -1
        return (*input_shape[:-1], self.units)

    def flops(self) -> int:
        return math.prod(self.output_shape) * (2 * self.input_shape[-1] + self.use_bias)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        flat = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
        if len(flat) != self.rows or x.dtype != self.y.dtype:
            self._allocate(len(flat), x.dtype)
        # `dot`, not `matmul`, as that is ten times slower where x has a single feature.
        if self.narrow:
            self.x[:, :-1] = flat
            y = self.x.dot(self.affine, out=self.y)
        else:
            self.x = flat
            y = flat.dot(self.weight, out=self.y)
            if self.use_bias:
                y += self.bias
        return y if x.ndim == 2 else y.reshape(*x.shape[:-1], self.units)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.backward_parameters(dy)
        flat = dy if dy.ndim == 2 else dy.reshape(-1, self.units)
        dx = flat.dot(self.weight.T, out=self.workspace("dx", (self.rows, self.input_shape[-1]), dy.dtype))
        return dx if dy.ndim == 2 else dx.reshape(*dy.shape[:-1], self.input_shape[-1])

    def backward_parameters(self, dy: np.ndarray) -> None:
        flat = dy if dy.ndim == 2 else dy.reshape(-1, self.units)
        if self.narrow:
            self.x.T.dot(flat, out=self.grad_affine)
        else:
            self.x.T.dot(flat, out=self.grad.weight)
            if self.use_bias:
                # This takes a quarter of the time of a sum over the first axis.
                self.ones.dot(flat, out=self.grad.bias)

    def _allocate(self, rows: int, dtype: np.dtype) -> None:
        """Make what is written to in each step on so many rows."""
        features = self.input_shape[-1]
        self.rows = rows
        self.y = self.workspace("y", (rows, self.units), dtype)
        if self.narrow:
            # A further feature that is always 1 adds the bias, which lies behind the weight like a row of it.
            shape = (features + 1, self.units)
            self.affine = self.flat[: math.prod(shape)].reshape(shape)
            self.grad_affine = self.grad.flat[: math.prod(shape)].reshape(shape)
            self.x = self.workspace("x", (rows, features + 1), dtype)
            self.x[:, -1] = 1.0
        elif self.use_bias:
            self.ones = self.workspace("ones", (rows,), dtype)
            self.ones[...] = 1.0
