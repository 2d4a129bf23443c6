"""Activation functions: elementwise, except softmax.

Each keeps its output y (or its input, where the derivative needs it) and multiplies dy by dy/dx, the slope, in place.
A derivative written in y costs no further transcendental function. All arrays come from the layer's workspace and the
network's scratch, or x itself is written over.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.functions import constant, maximum, sigmoid, softmax
from specnet.layers.base import Layer, Shape

ROOT = math.sqrt(2.0 / math.pi)


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)), in (0, 1); dx = dy y (1 - y)."""

    gives = "probabilities"
    elementwise = True
    in_place = True

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = sigmoid(x, out=self.output_like(x))
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        one = constant(1.0, dy.dtype)
        slope = np.subtract(one, self.y, out=self.scratch("slope", dy.shape, dy.dtype))
        slope *= self.y
        dy *= slope
        return dy


class Tanh(Layer):
    """y = tanh(x), in (-1, 1); dx = dy (1 - y^2)."""

    gives = "numbers"
    elementwise = True
    in_place = True

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = np.tanh(x, out=self.output_like(x))
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = np.square(self.y, out=self.scratch("slope", dy.shape, dy.dtype))
        np.subtract(constant(1.0, dy.dtype), slope, out=slope)
        dy *= slope
        return dy


class Relu(Layer):
    """y = max(x, 0); dx = dy where y > 0, else 0. Nair & Hinton, 2010."""

    gives = "numbers"
    elementwise = True
    in_place = True

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = maximum(x, 0.0, self.scratch("slope", x.shape, x.dtype), out=self.output_like(x))
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= np.greater(self.y, 0.0, out=self.scratch("positive", dy.shape, np.dtype(bool)))
        return dy


class LeakyRelu(Layer):
    """y = x for x > 0, else slope x; dx = dy or slope dy. Maas et al., 2013."""

    gives = "numbers"
    elementwise = True
    examples = ({"negative_slope": 0.3},)
    negative_slope: float = Field(default=0.01, ge=0, lt=1, description="slope for x < 0")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        y = np.multiply(x, self.negative_slope, out=self.workspace("y", x.shape, x.dtype))
        return np.maximum(x, y, out=y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = self.scratch("slope", dy.shape, dy.dtype)
        np.greater(self.x, 0.0, out=slope)
        dy *= np.maximum(slope, self.negative_slope, out=slope)
        return dy


class Elu(Layer):
    """y = x for x > 0, else alpha (exp(x) - 1); dx = dy or dy (y + alpha). Clevert et al., 2016."""

    gives = "numbers"
    elementwise = True
    in_place = True
    examples = ({"alpha": 0.7},)
    alpha: float = Field(default=1.0, gt=0, description="the limit -alpha for x to minus infinity")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        # Of the two terms max(x, 0) and alpha (exp(min(x, 0)) - 1) one is 0.
        room = self.scratch("slope", x.shape, x.dtype)
        positive = maximum(x, 0.0, room, out=room)
        self.y = y = np.minimum(x, 0.0, out=self.output_like(x))
        np.expm1(y, out=y)
        y *= self.alpha
        y += positive
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = np.add(self.y, self.alpha, out=self.scratch("slope", dy.shape, dy.dtype))
        positive = np.greater(self.y, 0.0, out=self.scratch("positive", dy.shape, np.dtype(bool)))
        np.copyto(slope, 1.0, where=positive)
        dy *= slope
        return dy


class Gelu(Layer):
    """y = x (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3).

    The tanh form of x Phi(x), at most 5e-4 from it; NumPy has no error function. With t = tanh(u),
    dy/dx = (1 + t) / 2 + x (1 - t^2) u' / 2. Hendrycks & Gimpel, "Gaussian error linear units", 2016.
    """

    gives = "numbers"
    elementwise = True

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        # Beyond 10 tanh is 1 to the last digit, and the cube of a large x would overflow.
        self.near = near = np.clip(x, -10.0, 10.0, out=self.workspace("near", x.shape, x.dtype))
        self.t = t = np.square(near, out=self.workspace("t", x.shape, x.dtype))
        t *= 0.044715
        t += 1.0
        t *= near
        t *= ROOT
        np.tanh(t, out=t)
        y = np.add(t, 1.0, out=self.workspace("y", x.shape, x.dtype))
        y *= 0.5
        y *= x
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        near, t = self.near, self.t
        slope = np.square(t, out=self.scratch("slope", dy.shape, dy.dtype))
        np.subtract(1.0, slope, out=slope)
        slope *= self.x
        du = np.square(near, out=self.scratch("du", dy.shape, dy.dtype))
        du *= 3 * 0.044715 * ROOT
        du += ROOT
        slope *= du
        slope += t
        slope += 1.0
        slope *= 0.5
        dy *= slope
        return dy


class Silu(Layer):
    """y = x s with s = sigmoid(x); dx = dy (s + y (1 - s)). Also called swish-1. Elfwing et al., 2017."""

    gives = "numbers"
    elementwise = True
    in_place = True

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.s = sigmoid(x, out=self.workspace("s", x.shape, x.dtype))
        self.y = np.multiply(x, self.s, out=self.output_like(x))
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = np.subtract(1.0, self.s, out=self.scratch("slope", dy.shape, dy.dtype))
        slope *= self.y
        slope += self.s
        dy *= slope
        return dy


class Softplus(Layer):
    """y = log(1 + exp(x)), computed without overflow; dx = dy sigmoid(x). Dugas et al., 2001."""

    gives = "numbers"
    elementwise = True

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return np.logaddexp(x, x.dtype.type(0), out=self.workspace("y", x.shape, x.dtype))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= sigmoid(self.x, out=self.scratch("slope", dy.shape, dy.dtype))
        return dy


class Softmax(Layer):
    """y = exp(x) / sum exp(x) over the last axis; dx = y (dy - sum(dy y)).

    In front of the loss `cross_entropy` it is not wanted: that loss takes logits and has its own softmax.
    """

    gives = "probabilities"
    in_place = True

    def build(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("needs inputs with at least one axis besides the batch")
        return input_shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = softmax(x, out=self.output_like(x))
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        product = np.multiply(dy, self.y, out=self.scratch("product", dy.shape, dy.dtype))
        dy -= np.sum(product, axis=-1, keepdims=True)
        dy *= self.y
        return dy
