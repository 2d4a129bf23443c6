"""Activation functions."""

from __future__ import annotations

import numpy as np

from specnet.functions import constant, sigmoid
from specnet.layers.activation import Gelu, Relu, Sigmoid, Silu, Tanh
from specnet.layers.base import Activation


class Over(Activation):
    """An activation that writes to buffers, and y over x if `over` is set: its slope is a function of y alone.

    `scratch` are buffers that only the current call needs.
    """

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.over, self.scratch = False, self.buffers
        self.shape: tuple[int, ...] = ()

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if x.shape != self.shape:
            self.prepare(x)
        self.y = self.write(x, x if self.over else self.buffer("y", x.shape))
        return self.y

    def prepare(self, x: np.ndarray) -> None:
        """Allocate the buffers for inputs of this shape."""
        self.shape = x.shape

    def write(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Write f(x) to y, which may be x, and return it."""
        raise NotImplementedError


class SigmoidKernel(Over, Sigmoid):
    """A sigmoid that writes to buffers."""

    def prepare(self, x: np.ndarray) -> None:
        super().prepare(x)
        self.half, self.one = constant(0.5, x.dtype), constant(1.0, x.dtype)

    def write(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if x.dtype == np.float32:
            np.multiply(x, self.half, out=y)
            np.tanh(y, out=y)
            y *= self.half
            y += self.half
            return y
        np.negative(x, out=y)
        with np.errstate(over="ignore"):  # 1 / inf is 0, the limit
            np.exp(y, out=y)
        y += self.one
        return np.divide(self.one, y, out=y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = np.subtract(self.one, self.y, out=self.scratch["slope", dy.shape, dy.dtype])
        slope *= self.y
        dy *= slope
        return dy


class TanhKernel(Over, Tanh):
    """A tanh that writes to buffers."""

    def write(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.tanh(x, out=y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = np.multiply(self.y, self.y, out=self.scratch["slope", dy.shape, dy.dtype])
        dy *= np.subtract(constant(1.0, dy.dtype), slope, out=slope)
        return dy


class GeluKernel(Gelu):
    """A gelu that keeps Phi(x) for its slope."""

    def f(self, x: np.ndarray) -> np.ndarray:
        self.p = super().phi(x)
        return x * self.p

    def phi(self, x: np.ndarray) -> np.ndarray:
        return self.p


class SiluKernel(Silu):
    """A silu that keeps the sigmoid of x for its slope."""

    def f(self, x: np.ndarray) -> np.ndarray:
        self.s = sigmoid(x)
        return x * self.s

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.s + y * (1 - self.s)


class ReluKernel(Over, Relu):
    """A rectifier that writes to buffers, and compares arrays with arrays, which NumPy does faster."""

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.room = np.zeros(0)

    def prepare(self, x: np.ndarray) -> None:
        super().prepare(x)
        if self.room.size < x.size:
            self.room = np.zeros(x.size, x.dtype)
        self.zeros = self.room[: x.size].reshape(x.shape)
        self.positive = self.buffer("positive", x.shape, np.dtype(bool))

    def write(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.maximum(x, self.zeros, out=y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= np.greater(self.y, self.zeros, out=self.positive)
        return dy
