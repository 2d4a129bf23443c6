"""Activation functions of several numbers at once."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.functions import log_softmax, sigmoid, softmax
from specnet.layers.base import Layer
from specnet.task import Shape


class OfAxis(Layer):
    """A function of all numbers along one axis. It takes masks unless that is the axis of time."""

    mask = "keep"
    axis: int = Field(default=-1, description="axis of a sample, counted from 0; -1 is the last")

    def build(self, input_shape: Shape) -> Shape:
        if not -len(input_shape) <= self.axis < len(input_shape):
            raise ShapeError(f"has axis {self.axis}, which its input lacks", pointer=("axis",))
        self.along = self.axis % len(input_shape) - len(input_shape)
        return input_shape

    def refuses_mask(self) -> bool:
        return super().refuses_mask() or self.along == -len(self.input_shape)


class Softmax(OfAxis):
    """y = exp(x / T) / sum exp(x / T) over an axis, T the temperature; dx = y (dy - sum(dy y)) / T.

    Do not put it before the loss `cross_entropy`: that loss takes logits and has its own softmax.
    """

    output = "probabilities"
    examples = ({"axis": 0}, {"temperature": 2.0})
    temperature: float = Field(default=1.0, gt=0, description="above 1 the outputs are more even, below 1 less")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = softmax(x / self.temperature, self.along)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.y * (dy - np.sum(dy * self.y, axis=self.along, keepdims=True)) / self.temperature


class LogSoftmax(OfAxis):
    """y = x - log sum exp(x) over an axis; dx = dy - exp(y) sum(dy)."""

    output = "numbers"
    examples = ({"axis": 0}, {})

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = log_softmax(x, self.along)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy - np.exp(self.y) * np.sum(dy, axis=self.along, keepdims=True)


class Gate(OfAxis):
    """y = a g(b), where a and b are the two halves of x along an axis; da = dy g(b), db = dy a g'(b)."""

    output = "numbers"

    @abstractmethod
    def g(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return g(b) and g'(b)."""

    def build(self, input_shape: Shape) -> Shape:
        shape = [*super().build(input_shape)]
        half, odd = divmod(shape[self.along], 2)
        if odd:
            raise ShapeError(f"divides axis {self.axis} into halves, but its length is {shape[self.along]}")
        shape[self.along] = half
        return tuple(shape)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.a, b = np.split(x, 2, axis=self.along)
        self.gate, self.slope = self.g(b)
        return self.a * self.gate

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.concatenate([dy * self.gate, dy * self.a * self.slope], axis=self.along)


class Glu(Gate):
    """y = a sigmoid(b), where a and b are the two halves of x along an axis.

    With s = sigmoid(b): da = dy s, db = dy a s (1 - s). Dauphin et al., "Gated convolutional networks", 2017.
    """

    examples = ({"axis": 0}, {})

    def g(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        s = sigmoid(b)
        return s, s * (1 - s)


class SwiGlu(Gate):
    """y = a b sigmoid(b), where a and b are the two halves of x along an axis.

    With s = sigmoid(b): da = dy b s, db = dy a (s + b s (1 - s)). Shazeer, "GLU variants improve transformer", 2020.
    """

    examples = ({"axis": 0}, {})

    def g(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        s = sigmoid(b)
        return b * s, s + b * s * (1 - s)
