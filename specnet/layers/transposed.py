"""Convolutions of other kinds: transposed, and with weights of their own at each position."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import ShapeError
from specnet.layers.convolution import DilatedLayer, FilterLayer
from specnet.layers.windows import CountOrCounts, per_axis
from specnet.task import Shape


class TransposedConvolution(DilatedLayer):
    """y_(s p + d k) = sum of x_p W_k: each position p of x adds a window to y, which loses its padding."""

    examples: ClassVar[Sequence[Mapping[str, Any]]] = (
        {"filters": 3, "kernel_size": 2},
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False},
        {"filters": 2, "kernel_size": 2, "strides": 2, "padding": 1, "output_padding": 1, "dilation_rate": 2},
    )
    filters: PositiveInt = Field(description="channels of the output")
    groups: PositiveInt = Field(
        default=1, description="parts of the channels, each of which only sees its part of the input"
    )
    output_padding: CountOrCounts = Field(
        default=0, description='positions added at the end of the output, fewer than strides; not with "same"'
    )

    def build(self, input_shape: Shape) -> Shape:
        *sizes, channels = input_shape
        rank, more = len(sizes), per_axis(self, "output_padding", len(sizes))
        steps = per_axis(self, "strides", rank)
        if any(add >= step for add, step in zip(more, steps, strict=True)) or (self.padding == "same" and any(more)):
            message = 'has an "output_padding" that is not below "strides", or that is combined with "same"'
            raise ShapeError(message, pointer=("output_padding",))
        if self.padding == "same":
            outputs = [n * step for n, step in zip(sizes, steps, strict=True)]
        else:
            kernel, apart = per_axis(self, "kernel_size", rank), per_axis(self, "dilation_rate", rank)
            cut = (0,) * rank if self.padding == "valid" else per_axis(self, "padding", rank)
            along = zip(sizes, steps, kernel, apart, cut, more, strict=True)
            outputs = [(n - 1) * s + (k - 1) * d + 1 - 2 * p + add for n, s, k, d, p, add in along]
            if min(outputs) < 1:
                raise ShapeError("cuts off all outputs", pointer=("padding",))
        self.windows = self.slide(tuple(outputs), "kernel_size", dilation="dilation_rate")
        self.declare_filters(channels, self.filters, self.groups, self.use_bias)
        return (*outputs, self.filters)

    def flops(self) -> int:
        products = 2 * self.fan_in * self.filters
        return math.prod(self.windows.count) * products + math.prod(self.output_shape) * self.use_bias

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x = x
        x, weight = self.split(x), self.split(self.weight)
        parts = (self.join(np.einsum("...gi,igo->...go", x, weight[k])) for k in self.windows.places)
        return self.add_bias(self.windows.unpad(self.windows.collect(parts)))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        self.write_bias_gradient(dy)
        x, dy, weight = self.split(self.x), self.split(self.windows.pad(dy)), self.split(self.weight)
        parts = [self.windows.part(dy, k) for k in self.windows.places]
        self.write_weight_gradient((x, part) for part in parts)
        weights = (weight[k] for k in self.windows.places)
        dx = sum(np.einsum("...go,igo->...gi", part, w) for part, w in zip(parts, weights, strict=True))
        return dx.reshape(self.x.shape)


class Conv1dTranspose(TransposedConvolution):
    """The transpose of conv1d, for longer sequences, (time, in) to (steps, filters): y_(s p + d k) = b + sum x_p W_k.

    Steps p of x are s = `strides` steps of y apart, places k of the window d = `dilation_rate`; `padding` is cut off
    y, and "same" leaves s times as many steps. db = sum dy, dW_k = sum_p x_p^T dy_(s p + d k),
    dx_p = sum_k dy_(s p + d k) W_k^T. W has shape (kernel_size, in / groups, filters).
    """

    axes = ("time", "features")
    examples = TransposedConvolution.examples[2:]


class Conv2dTranspose(TransposedConvolution):
    """The transpose of conv2d, for larger images, to (rows, columns, filters): y_(s p + d k) = b + sum x_p W_k.

    Positions p of x are s = `strides` positions of y apart, places k of the window d = `dilation_rate`; `padding` is
    cut off y, and "same" leaves s times as many rows and columns. db = sum dy, dW_k = sum_p x_p^T dy_(s p + d k),
    dx_p = sum_k dy_(s p + d k) W_k^T. W has shape (height, width, in / groups, filters). Zeiler et al.,
    "Deconvolutional networks", 2010.
    """

    axes = ("height", "width", "channels")


class LocallyConnected2d(FilterLayer):
    """Like conv2d, but with separate weights at each position: y_p = b_p + sum_k x_(s p + k) W_pk.

    (height, width, in) to (rows, columns, filters). db_p = sum dy_p and dW_pk = sum x_(s p + k)^T dy_p over samples;
    dx_q is the sum of dy_p W_pk^T over all p and k with s p + k = q. W has shape (rows, columns, height, width, in,
    filters), b (rows, columns, filters). LeCun, "Generalization and network design strategies", 1989.
    """

    axes = ("height", "width", "channels")
    examples = (
        {"filters": 2, "kernel_size": 3},
        {"filters": 3, "kernel_size": [2, 3], "strides": 2, "padding": "same", "use_bias": False},
    )
    filters: PositiveInt = Field(description="channels of the output")

    def build(self, input_shape: Shape) -> Shape:
        self.windows = self.slide(input_shape[:-1], "kernel_size")
        count, kernel, channels = self.windows.count, self.windows.kernel, input_shape[-1]
        fan_in, fan_out = math.prod(kernel) * channels, math.prod(kernel) * self.filters
        shape = (*count, *kernel, channels, self.filters)
        self.declare("weight", shape, self.weight_init, fan_in=fan_in, fan_out=fan_out)
        if self.use_bias:
            self.declare("bias", (*count, self.filters), self.bias_init, fan_in=fan_in, decay=False)
        return (*count, self.filters)

    def flops(self) -> int:
        positions, seen = math.prod(self.windows.count), math.prod(self.windows.kernel) * self.input_shape[-1]
        return 2 * positions * seen * self.filters + math.prod(self.output_shape) * self.use_bias

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        padded = self.windows.pad(x)
        self.seen = {place: self.windows.part(padded, place) for place in self.windows.places}
        y = sum(np.einsum("nrci,rcio->nrco", part, self.weight[:, :, a, b]) for (a, b), part in self.seen.items())
        return self.add_bias(y)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        self.write_bias_gradient(dy)
        products = np.stack([np.einsum("nrci,nrco->rcio", part, dy) for part in self.seen.values()], axis=2)
        self.grad.weight[...] = products.reshape(self.weight.shape)
        parts = (np.einsum("nrco,rcio->nrci", dy, self.weight[:, :, a, b]) for a, b in self.windows.places)
        return self.windows.unpad(self.windows.collect(parts))
