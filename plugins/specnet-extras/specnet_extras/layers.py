"""Layers that are used less often."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field, PositiveInt

from specnet import Activation, Initializer, Layer, scheduled
from specnet.errors import ShapeError
from specnet.layers.shape import Rearrangement
from specnet.layers.weighted import WeightedLayer


class Celu(Activation):
    """y = x for x > 0, else alpha (exp(x / alpha) - 1); dy/dx = 1 or exp(x / alpha).

    Its slope has no jump at 0, as that of `elu` has with another alpha than 1. Barron, "Continuously differentiable
    exponential linear units", 2017.
    """

    examples = ({"alpha": 0.7}, {"alpha": 2.0})
    alpha: float = Field(default=1.0, gt=0, description="y approaches -alpha as x goes to minus infinity")

    def f(self, x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0) / self.alpha))

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.exp(np.minimum(x, 0) / self.alpha)


class AlphaDropout(Layer):
    """Sets each input to the lower limit of `selu` with probability `rate` in training; the identity otherwise.

    With m 1 where an input is kept and else 0, q = 1 - rate and the limit u = -1.758: y = a (m x + (1 - m) u) + b and
    dx = a m dy, where a = (q + u^2 q (1 - q))^(-1/2) and b = -a (1 - q) u. So inputs of mean 0 and variance 1 stay
    that. Klambauer et al., "Self-normalizing neural networks", 2017.
    """

    mask = "keep"
    output = "numbers"
    examples = ({"rate": 0.3}, {"rate": 0.0})
    rate: Annotated[float, scheduled(ge=0, lt=1)] = Field(
        default=0.5, description="share of inputs that is dropped: a number or a schedule"
    )

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.slope = None
        if not training or self.rate == 0:
            return x
        q, limit = 1 - self.rate, -1.7580993408473766
        a = (q + limit**2 * q * (1 - q)) ** -0.5
        kept = self.rng.random(x.shape, x.dtype) < q
        self.slope = kept * x.dtype.type(a)
        return self.slope * x + np.where(kept, 0, a * limit).astype(x.dtype) - x.dtype.type(a * (1 - q) * limit)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy if self.slope is None else self.slope * dy


class Maxout(WeightedLayer):
    """y = max of the pieces x W_k + b_k, for each unit separately: a convex function of straight pieces.

    dy goes to the largest piece of a unit, the first one if several are equal: with dz = dy there, else 0,
    dW = x^T dz, db = sum dz, dx = dz W^T. Columns of W are the pieces of the first unit, of the second and so on.
    Goodfellow et al., "Maxout networks", 2013.
    """

    axes = (..., "features")
    mask = "keep"
    output = "numbers"
    examples = ({"units": 3}, {"units": 2, "pieces": 3, "use_bias": False})
    units: PositiveInt = Field(description="output features")
    pieces: PositiveInt = Field(default=2, description="affine maps of a unit")
    use_bias: bool = Field(default=True, description="whether to add b")
    weight_init: Initializer = Field(default="glorot_uniform", description="initial weight")  # type: ignore[assignment]
    bias_init: Initializer = Field(default="zeros", description="initial bias")  # type: ignore[assignment]

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        columns = self.units * self.pieces
        self.declare("weight", (input_shape[-1], columns), self.weight_init)
        if self.use_bias:
            self.declare("bias", (columns,), self.bias_init)
        return (*input_shape[:-1], self.units)

    def flops(self) -> int:
        return 2 * self.input_shape[-1] * self.pieces * math.prod(self.output_shape)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        z = x @ self.weight
        if self.use_bias:
            z = z + self.bias
        self.x, self.z = x, z.reshape(*x.shape[:-1], self.units, self.pieces)
        return self.z.max(axis=-1)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        largest = self.z.argmax(axis=-1)[..., np.newaxis] == np.arange(self.pieces)
        dz = (dy[..., np.newaxis] * largest).reshape(-1, self.units * self.pieces)
        np.dot(self.x.reshape(len(dz), -1).T, dz, out=self.grad.weight)
        if self.use_bias:
            np.sum(dz, axis=0, out=self.grad.bias)
        return (dz @ self.weight.T).reshape(self.x.shape)


class PixelShuffle(Rearrangement):
    """Channels become positions, (h, w, c f^2) to (f h, f w, c): y[f i + a, f j + b, k] = x[i, j, (k f + a) f + b].

    dx is dy moved back. The order of channels is PyTorch's. Shi et al., "Real-time single image and video
    super-resolution using an efficient sub-pixel convolutional neural network", 2016.
    """

    axes = ("height", "width", "channels")
    factor: PositiveInt = Field(description="f, the factor of height and width")

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        height, width, channels = input_shape
        if channels % self.factor**2:
            message = f"makes {self.factor} x {self.factor} positions of as many channels"
            raise ShapeError(f"{message}, which do not divide {channels}", pointer=("factor",))
        return (height * self.factor, width * self.factor, channels // self.factor**2)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        height, width, _ = self.input_shape
        parts = x.reshape(len(x), height, width, self.output_shape[-1], self.factor, self.factor)
        return parts.transpose(0, 1, 4, 2, 5, 3).reshape(len(x), *self.output_shape)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        height, width, _ = self.input_shape
        parts = dy.reshape(len(dy), height, self.factor, width, self.factor, self.output_shape[-1])
        return parts.transpose(0, 1, 3, 5, 2, 4).reshape(len(dy), *self.input_shape)
