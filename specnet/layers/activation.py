"""Activation functions: elementwise, except softmax.

Each keeps its output y (or its input, where the derivative needs it) and multiplies dy by dy/dx in place. A
derivative written in y costs no further transcendental function.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.functions import sigmoid, softmax
from specnet.layers.base import Layer, Shape

ROOT = math.sqrt(2.0 / math.pi)


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)), in (0, 1); dx = dy y (1 - y)."""

    gives = "probabilities"

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = sigmoid(x)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= self.y
        dy *= 1.0 - self.y
        return dy


class Tanh(Layer):
    """y = tanh(x), in (-1, 1); dx = dy (1 - y^2)."""

    gives = "numbers"

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= 1.0 - self.y * self.y
        return dy


class Relu(Layer):
    """y = max(x, 0); dx = dy where y > 0, else 0. Nair & Hinton, 2010."""

    gives = "numbers"

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = np.maximum(x, 0.0)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= self.y > 0
        return dy


class LeakyRelu(Layer):
    """y = x for x > 0, else slope x; dx = dy or slope dy. Maas et al., 2013."""

    gives = "numbers"
    keeps = ("x",)
    negative_slope: float = Field(default=0.01, ge=0, lt=1, description="slope for x < 0")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return np.maximum(x, self.negative_slope * x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        np.multiply(dy, self.negative_slope, out=dy, where=self.x <= 0)
        return dy


class Elu(Layer):
    """y = x for x > 0, else alpha (exp(x) - 1); dx = dy or dy (y + alpha). Clevert et al., 2016."""

    gives = "numbers"
    alpha: float = Field(default=1.0, gt=0, description="the limit -alpha for x to minus infinity")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0.0)))
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        np.multiply(dy, self.y + self.alpha, out=dy, where=self.y <= 0)
        return dy


class Gelu(Layer):
    """y = x (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3).

    The tanh form of x Phi(x), at most 5e-4 from it; NumPy has no error function. With t = tanh(u),
    dy/dx = (1 + t) / 2 + x (1 - t^2) u' / 2. Hendrycks & Gimpel, "Gaussian error linear units", 2016.
    """

    gives = "numbers"
    keeps = ("x", "near", "t")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        # Beyond 10 tanh is 1 to the last digit, and the cube of a large x would overflow.
        self.near = near = np.clip(x, -10.0, 10.0)
        self.t = np.tanh(ROOT * (near + 0.044715 * near * near * near))
        return 0.5 * x * (1.0 + self.t)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x, near, t = self.x, self.near, self.t
        du = ROOT * (1.0 + 3 * 0.044715 * near * near)
        dy *= 0.5 * (1.0 + t + x * (1.0 - t * t) * du)
        return dy


class Silu(Layer):
    """y = x s with s = sigmoid(x); dx = dy (s + y (1 - s)). Also called swish-1. Elfwing et al., 2017."""

    gives = "numbers"
    keeps = ("s", "y")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.s = sigmoid(x)
        self.y = x * self.s
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= self.s + self.y * (1.0 - self.s)
        return dy


class Softplus(Layer):
    """y = log(1 + exp(x)), computed without overflow; dx = dy sigmoid(x). Dugas et al., 2001."""

    gives = "numbers"
    keeps = ("x",)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        return np.logaddexp(x, x.dtype.type(0))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= sigmoid(self.x)
        return dy


class Softmax(Layer):
    """y = exp(x) / sum exp(x) over the last axis; dx = y (dy - sum(dy y)).

    In front of the loss `cross_entropy` it is not wanted: that loss takes logits and has its own softmax.
    """

    gives = "probabilities"

    def build(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("needs inputs with at least one axis besides the batch")
        return input_shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = softmax(x)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy -= np.sum(dy * self.y, axis=-1, keepdims=True)
        dy *= self.y
        return dy
