"""Layers made of layers. They nest."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.layers.base import Layer, Output, outputs_of, take_whole
from specnet.layers.stack import show_shape
from specnet.task import Shape


class Residual(Layer):
    """y = x + f(x), where f is a stack of layers that keeps the shape; dx = dy + (df/dx)^T dy.

    He et al., "Deep residual learning for image recognition", 2016.
    """

    output = "numbers"
    mask = "use"
    examples = (
        {"layers": ["tanh", {"type": "dropout", "rate": 0.3}, "gelu"]},
        {"layers": [{"type": "linear", "units": 4}, "silu", {"type": "linear", "units": 5}]},
    )
    layers: list[Layer] = Field(min_length=1, max_length=1000, description="f, one layer after the other")

    def build(self, input_shape: Shape) -> Shape:
        self.f = self.stack(self.layers, "layers")
        shape = self.f.build(input_shape)
        if shape != input_shape:
            raise ShapeError(f"adds its input to the output of its layers, but they return {show_shape(shape)}")
        return shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return x + self.f.forward(x, training)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dx = self.f.backward(dy.copy())
        return dy + dx if self.needs_dx else None


class Parallel(Layer):
    """Passes x to each of its branches and merges their outputs; dx is the sum of theirs.

    An empty branch is the identity. With `concat`, y = (f1(x), f2(x), ...) along the last axis, other axes must agree,
    and each branch gets its part of dy. With `add` y = f1(x) + f2(x) + ..., shapes must be equal, and each branch
    gets dy. Szegedy et al., "Going deeper with convolutions", 2015.
    """

    mask = "use"
    examples = (
        {"branches": [[{"type": "linear", "units": 3}, "tanh"], [], [{"type": "residual", "layers": ["dropout"]}]]},
        {"branches": [["tanh", {"type": "dropout", "rate": 0.3}], [], []], "merge": "add"},
        {"branches": [["flatten"], ["flatten", {"type": "linear", "units": 2}]]},
    )
    branches: list[Annotated[list[Layer], Field(max_length=1000)]] = Field(
        min_length=1, max_length=1000, description="f1, f2, ..., each a list of layers"
    )
    merge: Literal["concat", "add"] = Field(default="concat", description="how outputs become one")

    @property
    def takes(self) -> Literal["numbers", "whole"]:  # type: ignore[override]
        return "whole" if all(map(take_whole, self.branches)) else "numbers"

    @property
    def output(self) -> Output | None:  # type: ignore[override]
        if self.merge == "add":
            return "numbers"
        kinds = set(map(outputs_of, self.branches))
        return kinds.pop() if len(kinds) == 1 else None

    def build(self, input_shape: Shape) -> Shape:
        self.f = [self.stack(branch, "branches", number) for number, branch in enumerate(self.branches)]
        shapes = [f.build(input_shape) for f in self.f]
        concat = self.merge == "concat"
        how = "concatenates its branches along the last axis" if concat else "adds its branches"
        for number, shape in enumerate(shapes):
            if concat and not shape:
                raise ShapeError(f"{how}, but branches.{number} returns shape ()", pointer=("branches", number))
            if (shape[:-1] != shapes[0][:-1]) if concat else (shape != shapes[0]):
                found = f"branches.0 returns {show_shape(shapes[0])} and branches.{number} {show_shape(shape)}"
                raise ShapeError(f"{how}, but {found}", pointer=("branches", number))
        if not concat:
            return shapes[0]
        *self.joints, features = itertools.accumulate(shape[-1] for shape in shapes)
        return (*shapes[0][:-1], features)

    def flops(self) -> int:
        """Return a sum for each output and branch but the first; a copy of each output counts one."""
        return math.prod(self.output_shape) * (len(self.f) - 1 if self.merge == "add" else 1)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        ys = [f.forward(x, training) for f in self.f]
        return np.concatenate(ys, axis=-1) if self.merge == "concat" else np.sum(ys, axis=0)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dys = np.split(dy, self.joints, axis=-1) if self.merge == "concat" else [dy] * len(self.f)
        dxs = [f.backward(part.copy()) for f, part in zip(self.f, dys, strict=True)]
        return np.sum(dxs, axis=0) if self.needs_dx else None

    def mask_out(self) -> np.ndarray | None:
        return self.f[0].mask_out()


class Repeat(Layer):
    """A stack of layers repeated several times, each time with its own parameters."""

    mask = "use"
    examples = (
        {"times": 3, "layers": ["tanh", {"type": "dropout", "rate": 0.3}, "gelu"]},
        {"times": 2, "layers": [{"type": "parallel", "branches": [[{"type": "linear", "units": 3}], []]}]},
    )
    times: int = Field(ge=1, le=1000, description="number of times")
    layers: list[Layer] = Field(min_length=1, max_length=1000, description="layers to repeat, one after the other")

    @property
    def output(self) -> Output | None:  # type: ignore[override]
        return outputs_of(self.layers)

    def build(self, input_shape: Shape) -> Shape:
        self.f = self.stack(self.layers, "layers", times=self.times)
        return self.f.build(input_shape)

    def flops(self) -> int:
        return 0

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return self.f.forward(x, training)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        return self.f.backward(dy)

    def mask_out(self) -> np.ndarray | None:
        return self.f.mask_out()
