"""Layers that only rearrange."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import ShapeError
from specnet.layers.base import Layer
from specnet.layers.windows import Sides, both_sides
from specnet.task import Shape


class Rearrangement(Layer):
    """A layer without arithmetic."""

    output = "same"

    def flops(self) -> int:
        return 0


class Flatten(Rearrangement):
    """y = x with all axes of a sample in one: (..., ) to (features,), row-major; dx = dy in the shape of x."""

    def build(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x.reshape(len(x), -1)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy.reshape(-1, *self.input_shape)


class Reshape(Rearrangement):
    """y = x in another shape, row-major; dx = dy in the shape of x."""

    examples = ({"target_shape": [-1, 1]}, {"target_shape": [1, -1, 1]})
    target_shape: list[Annotated[int, Field(ge=-1)]] = Field(
        min_length=1,
        max_length=16,
        description="sizes of the axes without the batch; one may be -1: the remaining size",
        examples=[[-1, 1]],
    )

    def build(self, input_shape: Shape) -> Shape:
        count, given = math.prod(input_shape), math.prod(size for size in self.target_shape if size != -1)
        free = self.target_shape.count(-1)
        if free > 1 or not given or count % given or (not free and count != given):
            raise ShapeError(f"cannot make {self.target_shape} from {count:,} numbers", pointer=("target_shape",))
        return tuple(count // given if size == -1 else size for size in self.target_shape)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x.reshape(len(x), *self.output_shape)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy.reshape(len(dy), *self.input_shape)


class Permute(Rearrangement):
    """y = x with its axes in another order: axis i of y is axis dims[i] of x; dx = dy in the order of x."""

    examples = ({"dims": [1, 0]}, {"dims": [2, 0, 1]})
    dims: list[Annotated[int, Field(ge=0)]] = Field(
        min_length=1,
        max_length=16,
        description="axes without the batch, from 0 (Keras counts from 1)",
        examples=[[1, 0]],
    )

    def build(self, input_shape: Shape) -> Shape:
        if sorted(self.dims) != list(range(len(input_shape))):
            raise ShapeError(f"has dims {self.dims}, not each axis from 0 once", pointer=("dims",))
        return tuple(input_shape[axis] for axis in self.dims)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x.transpose(0, *(axis + 1 for axis in self.dims))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy.transpose(0, *(int(axis) + 1 for axis in np.argsort(self.dims)))


class RepeatVector(Rearrangement):
    """The same vector n times, y_i = x, (features,) to (n, features); dx = sum of dy_i over the n copies."""

    axes = ("features",)
    examples = ({"n": 3},)
    n: PositiveInt = Field(description="copies")

    def build(self, input_shape: Shape) -> Shape:
        return (self.n, *input_shape)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return np.stack([x] * self.n, axis=1)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy.sum(axis=1)


class IdentityLayer(Rearrangement):
    """y = x, and dx = dy."""

    mask = "keep"

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy


class AlongAxis(Rearrangement):
    """A rearrangement of the positions along one axis."""

    axis: int = Field(default=0, description="axis without the batch, from 0; -1: the last")

    def build(self, input_shape: Shape) -> Shape:
        """Find the axis.

        Raises:
            ShapeError: if the input has no such axis.
        """
        if not -len(input_shape) <= self.axis < len(input_shape):
            raise ShapeError(f"has axis {self.axis}, which its input lacks", pointer=("axis",))
        self.along = self.axis % len(input_shape) + 1
        return input_shape

    def at(self, positions: slice) -> tuple[slice, ...]:
        """Return the index of these positions of a batch."""
        return (*[slice(None)] * self.along, positions)


class Slice(AlongAxis):
    """Some positions of an axis: y = x[start:stop:step] as in Python; dx = dy at these positions, else 0."""

    examples = ({"stop": 1}, {"start": -2, "axis": -1}, {"step": 2})
    start: int | None = Field(
        default=None, description="first position, from 0; below 0: from the end; null: the first"
    )
    stop: int | None = Field(default=None, description="end of the positions, exclusive; null: after the last")
    step: PositiveInt = Field(default=1, description="from one position to the next")

    def build(self, input_shape: Shape) -> Shape:
        super().build(input_shape)
        size = input_shape[self.axis]
        kept = len(range(*slice(self.start, self.stop, self.step).indices(size)))
        if not kept:
            raise ShapeError(f"keeps none of the {size} positions of axis {self.axis}")
        return (*input_shape[: self.along - 1], kept, *input_shape[self.along :])

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x[self.at(slice(self.start, self.stop, self.step))]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        # A product, as the notebook exporter cannot follow what is written into an array.
        chosen = np.eye(self.input_shape[self.axis], dtype=dy.dtype)[:, slice(self.start, self.stop, self.step)]
        rows = chosen @ dy.reshape(math.prod(dy.shape[: self.along]), chosen.shape[1], -1)
        return rows.reshape(len(dy), *self.input_shape)


class Reverse(AlongAxis):
    """The positions of an axis from the last to the first: y_t = x_(n-1-t), and dx likewise of dy."""

    mask = "use"
    examples = ({}, {"axis": -1})

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x[self.at(slice(None, None, -1))]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy[self.at(slice(None, None, -1))]

    def mask_out(self) -> np.ndarray | None:
        """Return the mask, reversed with the positions."""
        mask = super().mask_out()
        return np.flip(mask, 1) if mask is not None and self.along == 1 else mask


class Shift(AlongAxis):
    """y_t = x_(t - steps), and 0 where there is no such position; dx_t = dy_(t + steps)."""

    examples = ({"steps": 1}, {"steps": -2, "axis": -1})
    steps: int = Field(default=1, description="positions towards the end; below 0: towards the start")

    def moved(self, x: np.ndarray, steps: int) -> np.ndarray:
        """Return x shifted by a number of steps."""
        size = x.shape[self.along]
        before, after = min(max(steps, 0), size), min(max(-steps, 0), size)
        kept = x[self.at(slice(after, size - before))]
        return np.pad(kept, [(before, after) if axis == self.along else (0, 0) for axis in range(x.ndim)])

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return self.moved(x, self.steps)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.moved(dy, -self.steps)


class ZeroPad(Rearrangement):
    """y = x with zeros around the positions of each axis but the last: (..., channels); dx = dy without them."""

    axes = (..., "positions", "channels")
    examples = ({"padding": 1}, {"padding": [[0, 2]]}, {"padding": [1, [2, 0]]})
    padding: Sides = Field(
        default=1,
        description="zeros on each side, or for each axis a number or [before, after]",
        examples=[[1, [0, 2]]],
    )

    def build(self, input_shape: Shape) -> Shape:
        *sizes, channels = input_shape
        self.sides = both_sides(self, "padding", len(sizes))
        return (*(n + a + b for n, (a, b) in zip(sizes, self.sides, strict=True)), channels)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return np.pad(x, ((0, 0), *self.sides, (0, 0)))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        positions = zip(self.input_shape, self.sides, strict=False)
        return dy[(slice(None), *(slice(a, a + n) for n, (a, _) in positions))]


class Crop(Rearrangement):
    """y = x without some positions at the ends of each axis but the last: (..., channels); dx = dy with zeros there."""

    axes = (..., "positions", "channels")
    examples = ({"cropping": 1}, {"cropping": [[0, 2]]}, {"cropping": [1, [2, 0]]})
    cropping: Sides = Field(
        default=1, description="positions cut on each side, or for each axis a number or [before, after]"
    )

    def build(self, input_shape: Shape) -> Shape:
        *sizes, channels = input_shape
        self.sides = both_sides(self, "cropping", len(sizes))
        left = [n - a - b for n, (a, b) in zip(sizes, self.sides, strict=True)]
        if min(left) < 1:
            raise ShapeError("cuts off all positions", pointer=("cropping",))
        return (*left, channels)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        positions = zip(self.output_shape, self.sides, strict=False)
        return x[(slice(None), *(slice(a, a + n) for n, (a, _) in positions))]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.pad(dy, ((0, 0), *self.sides, (0, 0)))
