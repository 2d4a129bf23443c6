"""Layers that make sequences of vectors, and mark which of their positions count."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import DataError, ShapeError
from specnet.faults import describe_component
from specnet.initializers.base import Initializer
from specnet.layers.shape import Rearrangement
from specnet.layers.weighted import TrainableLayer, WeightedLayer
from specnet.task import Shape


class Embedding(WeightedLayer):
    """y = W[x]: for each whole number x, from 0 to input_dim - 1, row x of a table W.

    dW[k] is the sum of dy where x = k. With `mask_zero`, positions with the number 0 are masked. Bengio et al., "A
    neural probabilistic language model", 2003.
    """

    takes = "whole"
    output = "numbers"
    mask: ClassVar[Any] = "use"
    examples = ({"input_dim": 4, "output_dim": 3}, {"input_dim": 2, "output_dim": 1, "mask_zero": True})
    input_dim: PositiveInt | None = Field(
        default=None, description="size of the vocabulary: numbers are less than it; null: the dataset's", examples=[4]
    )
    output_dim: PositiveInt = Field(description="numbers in a row of W", examples=[3])
    mask_zero: bool = Field(
        default=False, description="whether 0 is padding, which layers that take masks ignore; inputs are then (time,)"
    )
    weight_init: Initializer = Field(  # type: ignore[assignment]
        default={"type": "uniform", "low": -0.05, "high": 0.05}, description="initial W"
    )

    @property
    def whole_below(self) -> int | None:  # type: ignore[override]
        return self.input_dim

    def build(self, input_shape: Shape) -> Shape:
        if self.mask_zero and len(input_shape) != 1:
            raise ShapeError("can mask zeros only in sequences of numbers (time,)", pointer=("mask_zero",))
        if self.input_dim is None:
            raise ShapeError("needs input_dim, the size of the vocabulary", pointer=("input_dim",))
        self.declare("weight", (self.input_dim, self.output_dim), self.weight_init)
        return (*input_shape, self.output_dim)

    def example_inputs(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        return rng.integers(self.input_dim or 1, size=shape)

    def flops(self) -> int:
        return 0

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if ((x < 0) | (x >= len(self.weight)) | (x != np.floor(x))).any():
            what = f"expects whole numbers from 0 to {len(self.weight) - 1}, but gets others"
            error = DataError(f"{describe_component(self, self.place)} {what}", pointer=self.place)
            error.complete = True
            raise error
        self.x = x.astype(np.intp)
        self.counts = None
        if self.mask_zero:
            self.counts = self.x != 0 if self.mask is None else (self.x != 0) & self.mask
        return self.weight[self.x]

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        x, dy = self.x.reshape(-1), dy.reshape(-1, self.output_dim)
        order = np.argsort(x, kind="stable")
        rows, starts = np.unique(x[order], return_index=True)
        self.grad.weight[...] = 0
        self.grad.weight[rows] = np.add.reduceat(dy[order], starts)
        return np.zeros(self.x.shape, dy.dtype) if self.needs_dx else None

    def mask_out(self) -> np.ndarray | None:
        return self.counts if self.mask_zero else self.mask


class PositionalEncoding(TrainableLayer):
    """y = x + p with a vector p_t for each position t; dx = dy.

    Sinusoidal: p_t = (sin(t w_0), cos(t w_0), sin(t w_1), ...) with w_i = 10000^(-2 i / features). Learned: p is a
    parameter, and dp_t is the sum of dy_t over the batch. Vaswani et al., "Attention is all you need", 2017.
    """

    axes = ("time", "features")
    output = "numbers"
    mask = "keep"
    examples = ({}, {"kind": "learned", "max_length": 6}, {"kind": "learned"})
    kind: Literal["sinusoidal", "learned"] = Field(default="sinusoidal", description="kind of p")
    max_length: PositiveInt | None = Field(
        default=None, description="longest sequence, and positions of a learned p; null: the length of the inputs"
    )
    weight_init: Initializer = Field(  # type: ignore[assignment]
        default={"type": "normal", "std": 0.02}, description="initial p, if it is learned"
    )

    def build(self, input_shape: Shape) -> Shape:
        time, features = input_shape
        length = self.max_length or time
        if time > length:
            raise ShapeError(f"encodes {length} positions", pointer=("max_length",))
        if self.kind == "learned":
            self.declare("weight", (length, features), self.weight_init, decay=False)
        return input_shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        time, features = self.input_shape
        if self.kind == "learned":
            return x + self.weight[:time]
        angle = angles(time, (features + 1) // 2, features)
        waves = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(time, -1)
        return x + waves[:, :features].astype(x.dtype)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        if self.kind == "learned":
            unused = len(self.weight) - self.input_shape[0]
            self.grad.weight[...] = np.pad(np.sum(dy, axis=0), ((0, unused), (0, 0)))
        return dy


class Masking(Rearrangement):
    """y = x, and positions whose features all equal `mask_value` are masked; dx = dy.

    Later layers that use masks ignore such positions, and so do losses and metrics that have a value for each position.
    """

    axes = ("time", "features")
    mask: ClassVar[Any] = "use"
    examples = ({}, {"mask_value": -1.0})
    mask_value: float = Field(default=0.0, description="number that marks padding")

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        counts = np.sum(x != x.dtype.type(self.mask_value), axis=-1) > 0
        self.counts = counts if self.mask is None else counts & self.mask
        return x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy

    def mask_out(self) -> np.ndarray:
        return self.counts


def angles(time: int, count: int, features: int) -> np.ndarray:
    """Return t w_i (time, count) for positions t and i = 0, 1, ..., with w_i = 10000^(-2 i / features)."""
    return np.arange(time)[:, np.newaxis] * 10000.0 ** (-2 * np.arange(count) / features)
