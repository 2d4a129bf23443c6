"""Layers made of layers. They nest."""

from __future__ import annotations

import math
from functools import reduce
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.layers.base import INPUT, Layer, Output
from specnet.layers.merging import How, Merge, merge, merged_shape, parts_of, show_shape
from specnet.layers.stack import outputs_of, take_whole
from specnet.layers.weighted import TrainableLayer
from specnet.task import Shape


class Residual(TrainableLayer):
    """y = x + f(x), where f is a stack of layers; dx = dy + (df/dx)^T dy.

    If f changes the shape, a projection p gives x that shape, too: y = p(x) + f(x), dx = (dp/dx)^T dy + (df/dx)^T dy.
    He et al., "Deep residual learning for image recognition", 2016.
    """

    output = "numbers"
    mask = "use"
    examples = (
        {"layers": ["tanh", {"type": "dropout", "rate": 0.3}, "gelu"]},
        {"layers": [{"type": "linear", "units": 4}, "silu", {"type": "linear", "units": 5}]},
        {"layers": [{"type": "linear", "units": 2}, "tanh"], "projection": {"type": "linear", "units": 2}},
    )
    layers: list[Layer] = Field(min_length=1, max_length=1000, description="f, one layer after the other")
    projection: Layer | None = Field(default=None, description="p; null: x itself")

    def build(self, input_shape: Shape) -> Shape:
        self.f = self.stack(self.layers, "layers")
        self.p = self.stack(self.projection or [], "projection")
        shape, kept = self.f.build(input_shape), self.p.build(input_shape)
        if shape != kept:
            what, found = ("projection" if self.projection else "input"), show_shape(shape)
            help = None if self.projection else 'set "projection" to a layer that returns this shape'
            raise ShapeError(f"adds its {what} to the output of its layers, but they return {found}", help=help)
        return shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return self.p.forward(x, training) + self.f.forward(x, training)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dx = self.f.backward(dy.copy())
        straight = self.p.backward(dy)
        return straight + dx if self.needs_dx else None


class Parallel(TrainableLayer):
    """Passes x to each of its branches and merges their outputs; dx is the sum of theirs.

    An empty branch is the identity. With `concat`, y = (f1(x), f2(x), ...) along the last axis, other axes must agree,
    and each branch gets its part of dy. Otherwise shapes must be equal, and y is the sum of all outputs, their average,
    product or maximum: dy is multiplied by 1, by 1 / branches, by the other outputs, or by 1 for the first of the
    largest outputs and 0 for the others. Szegedy et al., "Going deeper with convolutions", 2015.
    """

    mask = "use"
    examples = (
        {"branches": [[{"type": "linear", "units": 3}, "tanh"], [], [{"type": "residual", "layers": ["dropout"]}]]},
        {"branches": [["tanh", {"type": "dropout", "rate": 0.3}], [], []], "merge": "add"},
        {"branches": [["tanh"], ["sine"], []], "merge": "average"},
        {"branches": [["tanh"], ["sine"], []], "merge": "multiply"},
        {"branches": [["tanh"], ["sine"], []], "merge": "maximum"},
        {"branches": [["flatten"], ["flatten", {"type": "linear", "units": 2}]]},
    )
    branches: list[Annotated[list[Layer], Field(max_length=1000)]] = Field(
        min_length=1, max_length=1000, description="f1, f2, ..., each a list of layers"
    )
    merge: How = Field(default="concat", description="how the outputs are combined")

    @property
    def takes(self) -> Literal["numbers", "whole"]:  # type: ignore[override]
        return "whole" if all(map(take_whole, self.branches)) else "numbers"

    @property
    def whole_below(self) -> int | None:  # type: ignore[override]
        bounds = [branch[0].whole_below for branch in self.branches if branch]
        return min((bound for bound in bounds if bound is not None), default=None)

    @property
    def output(self) -> Output | None:  # type: ignore[override]
        if self.merge == "add":
            return "numbers"
        kinds = set(map(outputs_of, self.branches))
        return kinds.pop() if len(kinds) == 1 else None

    def build(self, input_shape: Shape) -> Shape:
        self.f = [self.stack(branch, "branches", number) for number, branch in enumerate(self.branches)]
        shapes = [f.build(input_shape) for f in self.f]
        names = [f"branches.{number}" for number in range(len(shapes))]
        try:
            return merged_shape(self.merge, "its branches", names, shapes)
        except ShapeError as error:
            error.pointer = ("branches", *error.pointer)
            raise

    def flops(self) -> int:
        """Return an operation for each output and branch but the first; a copy of each output counts one."""
        return math.prod(self.output_shape) * (1 if self.merge == "concat" else len(self.f) - 1)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.ys = [f.forward(x, training) for f in self.f]
        return merge(self.merge, self.ys)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dxs = [f.backward(part.copy()) for f, part in zip(self.f, parts_of(self.merge, self.ys, dy), strict=True)]
        return reduce(np.add, dxs) if self.needs_dx else None

    def mask_out(self) -> np.ndarray | None:
        return self.f[0].mask_out()


class Sequential(TrainableLayer):
    """Layers f_1, ..., f_n, one after the other, as one layer y = f_n(... f_1(x)), such as a branch or a named part."""

    mask: ClassVar[Any] = "use"
    examples: ClassVar[Any] = ({"layers": [{"type": "linear", "units": 3}, "tanh"]},)
    layers: list[Layer] = Field(min_length=1, max_length=1000, description="layers, one after the other")

    @property
    def takes(self) -> Literal["numbers", "whole"]:  # type: ignore[override]
        return "whole" if take_whole(self.layers) else "numbers"

    @property
    def whole_below(self) -> int | None:  # type: ignore[override]
        return self.layers[0].whole_below

    @property
    def output(self) -> Output | None:  # type: ignore[override]
        return outputs_of(self.layers)

    def build(self, input_shape: Shape) -> Shape:
        self.f = self.stack(self.layers, "layers")
        return self.f.build(input_shape)

    def flops(self) -> int:
        return 0

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return self.f.forward(x, training)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        return self.f.backward(dy)

    def mask_out(self) -> np.ndarray | None:
        return self.f.mask_out()


class Repeat(Sequential):
    """A stack f of layers repeated n times, each time with its own parameters: y = f_n(... f_1(x))."""

    examples: ClassVar[Any] = (
        {"times": 3, "layers": ["tanh", {"type": "dropout", "rate": 0.3}, "gelu"]},
        {"times": 2, "layers": [{"type": "parallel", "branches": [[{"type": "linear", "units": 3}], []]}]},
    )
    times: int = Field(ge=1, le=1000, description="number of times")

    def build(self, input_shape: Shape) -> Shape:
        self.f = self.stack(self.layers, "layers", times=self.times)
        return self.f.build(input_shape)


class Concat(Merge):
    """Outputs of several layers side by side along an axis, y = (x_1, ..., x_n); dx_i = the part of dy of x_i."""

    how = "concat"
    examples = ({"from": [INPUT, INPUT], "axis": 0}, {"from": [INPUT]})
    axis: int = Field(default=-1, description="axis of a sample, counted from 0; -1 is the last")

    def refuses_mask(self) -> bool:
        return super().refuses_mask() or self.along() == -len(self.output_shape)


class Add(Merge):
    """The sum y = x_1 + ... + x_n of the outputs of several layers; dx_i = dy for each."""

    how = "add"


class Average(Merge):
    """The mean y = (x_1 + ... + x_n) / n of the outputs of n layers; dx_i = dy / n for each."""

    how = "average"


class Multiply(Merge):
    """The product y = x_1 ... x_n of the outputs of several layers; dx_i = dy times the other outputs."""

    how = "multiply"


class Maximum(Merge):
    """The largest of the outputs of several layers, y = max(x_1, ..., x_n); dx_i = dy for the first of them, else 0."""

    how = "maximum"


class TimeDistributed(Sequential):
    """The same layers at each position of a sequence, separately: y_t = f(x_t), with one f for all t; dx_t likewise.

    Input (time, ...). f gets the positions of all sequences as one batch, without masked ones, where y is 0.
    """

    examples: ClassVar[Any] = (
        {"layers": [{"type": "linear", "units": 3}, "batch_norm"]},
        {"layers": ["flatten", {"type": "linear", "units": 2}, "tanh"]},
    )

    def build(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("expects inputs with the axes (time, ...)")
        self.f = self.stack(self.layers, "layers")
        return (input_shape[0], *self.f.build(input_shape[1:]))

    def take_mask(self, mask: np.ndarray | None) -> None:
        super().take_mask(mask)
        for stack in self.stacks:
            stack.mask = None

    def _counted(self) -> np.ndarray | None:
        """Return the mask if it has positions that count; None stands for all positions."""
        mask: np.ndarray | None = self.mask
        return mask if mask is not None and mask.any() else None  # layers may not take a batch of none

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if (mask := self._counted()) is None:
            y = self.f.forward(x.reshape(-1, *x.shape[2:]), training).reshape(-1, *self.output_shape)
            return y if self.mask is None else np.zeros_like(y)
        y = np.zeros((*x.shape[:2], *self.output_shape[1:]), self.dtype)
        y[mask] = self.f.forward(x[mask], training)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if (mask := self._counted()) is None:
            dy = dy if self.mask is None else np.zeros_like(dy)
            dx = self.f.backward(dy.reshape(-1, *dy.shape[2:]))
            return dx.reshape(-1, *self.input_shape) if self.needs_dx else None
        part = self.f.backward(dy[mask])
        if not self.needs_dx:
            return None
        dx = np.zeros((len(dy), *self.input_shape), self.dtype)
        dx[mask] = part
        return dx

    def mask_out(self) -> np.ndarray | None:
        return self.mask
