"""Layers made of layers. They nest.

Each builds copies of the layers it is given, so parameters and state are never shared, even where one instance is
given twice.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.layers.base import Kind, Layer, Shape, connect, show_shape


class Residual(Layer):
    """y = x + f(x), where f is a stack of layers that keeps the shape; dx = dy + (df/dx)^T dy.

    He et al., "Deep residual learning for image recognition", 2016.
    """

    gives = "numbers"
    examples = (
        {"layers": ["tanh", {"type": "dropout", "rate": 0.3}, "gelu"]},
        {"layers": [{"type": "linear", "units": 4}, "silu", {"type": "linear", "units": 5}]},
    )
    layers: list[Layer] = Field(min_length=1, max_length=1000, description="f, one layer after the other")

    def build(self, input_shape: Shape) -> Shape:
        self.stack = _copies(self.layers)
        shape = connect(self.stack, input_shape, *self.place, "layers")
        if shape != input_shape:
            raise ShapeError(f"adds what its layers give to its input, but they give {show_shape(shape)}")
        return shape

    def children(self) -> Iterator[tuple[str, Layer]]:
        return _numbered("layers", self.stack)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        y = _forward(self.stack, x, training)
        return np.add(x, y, out=self.workspace("y", x.shape, x.dtype))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        copied = self.workspace("dx", dy.shape, dy.dtype)
        copied[...] = dy
        dy += _backward(self.stack, copied)
        return dy


class Parallel(Layer):
    """Gives x to each of its branches and merges what they give; dx is the sum of what they give back.

    An empty branch is the identity. With `concat` y = (f1(x), f2(x), ...) along the last axis, other axes must agree,
    and each branch gets its own part of dy. With `add` y = f1(x) + f2(x) + ..., shapes must be equal, and each branch
    gets dy. Szegedy et al., "Going deeper with convolutions", 2015.
    """

    examples = (
        {"branches": [[{"type": "linear", "units": 3}, "tanh"], [], [{"type": "residual", "layers": ["dropout"]}]]},
        {"branches": [["tanh", {"type": "dropout", "rate": 0.3}], [], []], "merge": "add"},
        {"branches": [["flatten"], ["flatten", {"type": "linear", "units": 2}]]},
    )
    branches: list[Annotated[list[Layer], Field(max_length=1000)]] = Field(
        min_length=1, max_length=1000, description="f1, f2, ..., each a list of layers"
    )
    merge: Literal["concat", "add"] = Field(default="concat", description="how outputs become one")

    def build(self, input_shape: Shape) -> Shape:
        self.stacks = [_copies(branch) for branch in self.branches]
        shapes = [
            connect(stack, input_shape, *self.place, "branches", number) for number, stack in enumerate(self.stacks)
        ]
        concat = self.merge == "concat"
        how = "joins its branches along their last axis" if concat else "adds up its branches"
        for number, shape in enumerate(shapes):
            if concat and not shape:
                raise ShapeError(f"{how}, but branches[{number}] has none", pointer=("branches", number))
            if (shape[:-1] != shapes[0][:-1]) if concat else (shape != shapes[0]):
                found = f"branches[0] gives {show_shape(shapes[0])} and branches[{number}] {show_shape(shape)}"
                raise ShapeError(f"{how}, but {found}", pointer=("branches", number))
        if not concat:
            return shapes[0]
        *self.joints, features = itertools.accumulate(shape[-1] for shape in shapes)
        return (*shapes[0][:-1], features)

    def children(self) -> Iterator[tuple[str, Layer]]:
        for number, stack in enumerate(self.stacks):
            yield from _numbered(f"branches.{number}", stack)

    def output_kind(self, kind: Kind | None) -> Kind | None:
        if self.merge == "add":
            return "numbers"
        kinds = {_output_kind(branch, kind) for branch in self.branches}
        return kinds.pop() if len(kinds) == 1 else None

    def flops(self) -> int:
        """A sum for each output and branch but the first; a copy of each output counts one."""
        return math.prod(self.output_shape) * (len(self.stacks) - 1 if self.merge == "add" else 1)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        ys = [_forward(stack, x, training) for stack in self.stacks]
        y = self.workspace("y", (len(x), *self.output_shape), x.dtype)
        return _add(ys, y) if self.merge == "add" else np.concatenate(ys, axis=-1, out=y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        parts = [dy] * len(self.stacks) if self.merge == "add" else np.split(dy, self.joints, axis=-1)
        # A branch may overwrite what it gets.
        copies = [self.workspace(f"dy {number}", part.shape, dy.dtype) for number, part in enumerate(parts)]
        for copied, part in zip(copies, parts, strict=True):
            copied[...] = part
        dxs = [_backward(stack, part) for stack, part in zip(self.stacks, copies, strict=True)]
        return _add(dxs, self.workspace("dx", dxs[0].shape, dy.dtype))


class Repeat(Layer):
    """A stack of layers several times over, one after the other, each time with parameters of its own."""

    examples = (
        {"times": 3, "layers": ["tanh", {"type": "dropout", "rate": 0.3}, "gelu"]},
        {"times": 2, "layers": [{"type": "parallel", "branches": [[{"type": "linear", "units": 3}], []]}]},
    )
    times: int = Field(ge=1, le=1000, description="how many times")
    layers: list[Layer] = Field(
        min_length=1, max_length=1000, description="what is repeated, one layer after the other"
    )

    def build(self, input_shape: Shape) -> Shape:
        self.stack: list[Layer] = []
        shape = input_shape
        for number in range(self.times):
            layers = _copies(self.layers)
            try:
                shape = connect(layers, shape, *self.place, "layers")
            except ShapeError as error:
                # The place in the spec is the same for all copies.
                error.message += f", in copy {number + 1} of {self.times}" if number else ""
                raise
            self.stack += layers
        return shape

    def children(self) -> Iterator[tuple[str, Layer]]:
        length = len(self.layers)
        for number in range(self.times):
            yield from _numbered(f"times.{number}.layers", self.stack[number * length : (number + 1) * length])

    def output_kind(self, kind: Kind | None) -> Kind | None:
        return _output_kind(self.layers, kind)  # a second copy leaves what the first made of it

    def flops(self) -> int:
        return 0

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return _forward(self.stack, x, training)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _backward(self.stack, dy)


def _copies(layers: Sequence[Layer]) -> list[Layer]:
    return [copy.copy(layer) for layer in layers]


def _numbered(place: str, layers: Sequence[Layer]) -> Iterator[tuple[str, Layer]]:
    for number, layer in enumerate(layers):
        yield f"{place}.{number}", layer


def _output_kind(layers: Sequence[Layer], kind: Kind | None) -> Kind | None:
    for layer in layers:
        kind = layer.output_kind(kind)
    return kind


def _forward(layers: Sequence[Layer], x: np.ndarray, training: bool) -> np.ndarray:
    for layer in layers:
        x = layer.forward(x, training)
    return x


def _add(arrays: Sequence[np.ndarray], out: np.ndarray) -> np.ndarray:
    out[...] = arrays[0]
    for array in arrays[1:]:
        out += array
    return out


def _backward(layers: Sequence[Layer], dy: np.ndarray) -> np.ndarray:
    for layer in reversed(layers):
        dy = layer.backward(dy)
    return dy
