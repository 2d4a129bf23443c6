"""Convolution of sequences and images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import ShapeError
from specnet.initializers.base import Initializer
from specnet.layers.weighted import WeightedLayer
from specnet.layers.windows import Padding, PaddingMode, Sizes, WindowLayer
from specnet.task import Shape


class FilterLayer(WindowLayer, WeightedLayer):
    """A layer whose outputs are products of windows and weights."""

    output = "numbers"
    kernel_size: Sizes = Field(description="size of a window, a number or one for each axis", examples=[2])
    strides: Sizes = Field(default=1, description="positions from a window to the next")
    padding: Padding = "valid"
    use_bias: bool = Field(default=True, description="whether to add b")
    weight_init: Initializer = Field(default="glorot_uniform", description="initial W")  # type: ignore[assignment]
    bias_init: Initializer = Field(default="zeros", description="initial b")  # type: ignore[assignment]

    def add_bias(self, y: np.ndarray) -> np.ndarray:
        """Add b to y if there is one."""
        if self.use_bias:
            y += self.bias
        return y

    def write_bias_gradient(self, dy: np.ndarray) -> None:
        """Write db = sum dy, over samples and positions."""
        if self.use_bias:
            self.grad.bias[...] = dy.sum(axis=tuple(range(dy.ndim - self.grad.bias.ndim)))


class DilatedLayer(FilterLayer):
    """A layer with the same weights W_k in all windows, for each place k of the window.

    Channels are in groups g, with weights of their own: y_(p,g) = sum_k x_(p,k,g) W_(k,g), where the windows are
    numbered by p.
    """

    dilation_rate: Sizes = Field(default=1, description="positions from one place of a window to the next")

    def declare_filters(self, channels: int, filters: int, groups: int, bias: bool) -> None:
        """Declare W, and b if there is one.

        Raises:
            ShapeError: if groups do not divide channels and filters.
        """
        for count, name in ((channels, "channels"), (filters, "filters")):
            if count % groups:
                raise ShapeError(f"has {groups} groups, which do not divide {count} {name}", pointer=("groups",))
        self.parts = groups
        shape = (*self.windows.kernel, channels // groups, filters)
        self.fan_in = self.declare("weight", shape, self.weight_init).fan_in
        if bias:
            self.declare("bias", (filters,), self.bias_init, fan_in=self.fan_in)

    def flops(self) -> int:
        return math.prod(self.output_shape) * (2 * self.fan_in + self.use_bias)

    def write_weight_gradient(self, pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
        """Write dW_k = sum x^T dy, given x and dy in groups for each place k."""
        rows = ([each.reshape(-1, *each.shape[-2:]) for each in pair] for pair in pairs)
        products = np.stack([np.einsum("pgi,pgo->igo", *each) for each in rows])
        self.grad.weight[...] = products.reshape(self.weight.shape)

    def split(self, x: np.ndarray) -> np.ndarray:
        """Return x with its last axis as two, (groups, channels of a group)."""
        return x.reshape(*x.shape[:-1], self.parts, x.shape[-1] // self.parts)

    def join(self, x: np.ndarray) -> np.ndarray:
        """Return x with its last two axes, (groups, channels of a group), as one."""
        return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


class Correlation(DilatedLayer):
    """y_p = sum_k x_(s p + d k) W_k for windows p and places k, with strides s and dilation d; x is padded."""

    padding_mode: PaddingMode = Field(
        default="zeros", description="content of the padding: zeros, x mirrored at its ends, or x repeated"
    )

    def lay_windows(self, input_shape: Shape) -> None:
        """Set the windows.

        Raises:
            ShapeError: if they do not fit.
        """
        self.windows = self.slide(input_shape[:-1], "kernel_size", dilation="dilation_rate")
        limits = {"zeros": math.inf, "reflect": min(self.windows.sizes) - 1, "circular": min(self.windows.sizes)}
        if max(map(max, self.windows.padding)) > limits[self.padding_mode]:
            raise ShapeError(f"has {self.padding_mode} padding, longer than its input", pointer=("padding",))

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return self.add_bias(self.correlate(x))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        self.write_bias_gradient(dy)
        return self.correlate_backward(dy)

    def correlate(self, x: np.ndarray) -> np.ndarray:
        """Return y, without b."""
        self.x = self.windows.pad(x, mode=self.padding_mode)
        x, weight = self.split(self.x), self.split(self.weight)
        places = self.windows.places
        y: Any = sum(np.einsum("...gi,igo->...go", self.windows.part(x, k), weight[k]) for k in places)
        return self.join(y)

    def correlate_backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Write dW_k = sum_p x_(s p + d k)^T dy_p and return dx, dx_(s p + d k) = sum of dy_p W_k^T."""
        x, dy, weight = map(self.split, (self.x, dy, self.weight))
        self.write_weight_gradient((self.windows.part(x, k), dy) for k in self.windows.places)
        if not self.needs_dx:
            return None
        parts = (self.join(np.einsum("...go,igo->...gi", dy, weight[k])) for k in self.windows.places)
        return self.windows.unpad(self.windows.collect(parts), self.padding_mode)


class Convolution(Correlation):
    """A convolution with b, over the axes that a subclass names. Masks pass if each window is one position."""

    mask = "keep"
    examples: ClassVar[Sequence[Mapping[str, Any]]] = (
        {"filters": 3, "kernel_size": 1},
        {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False},
        {"filters": 2, "kernel_size": 2, "padding": 2, "dilation_rate": 2},
        {"filters": 3, "kernel_size": 3, "padding": 1, "padding_mode": "circular"},
    )
    filters: PositiveInt = Field(description="channels of the output")
    groups: PositiveInt = Field(
        default=1, description="parts of the channels, each of which only sees its part of the input"
    )

    def build(self, input_shape: Shape) -> Shape:
        self.lay_windows(input_shape)
        self.declare_filters(input_shape[-1], self.filters, self.groups, self.use_bias)
        return (*self.windows.count, self.filters)

    def refuses_mask(self) -> bool:
        alone = max(self.windows.kernel) == 1 and self.windows.count == self.windows.sizes == self.windows.padded
        return super().refuses_mask() or not alone


class Conv1d(Convolution):
    """Cross-correlation along time, (time, in) to (windows, filters): y_p = b + sum_k x_(s p + d k) W_k.

    Windows p are s = `strides` steps apart, their places k d = `dilation_rate` steps. The chain rule gives db = sum
    dy_p, dW_k = sum_p x_(s p + d k)^T dy_p, and dx_q is the sum of dy_p W_k^T over all p and k with s p + d k = q.
    W has shape (kernel_size, in / groups, filters). Waibel et al., "Phoneme recognition using time-delay neural
    networks", 1989.
    """

    axes = ("time", "features")
    examples = (Convolution.examples[0], Convolution.examples[2])


class Conv2d(Convolution):
    """Cross-correlation of images, (height, width, in) to (rows, columns, filters): y_p = b + sum_k x_(s p + d k) W_k.

    Windows p are s = `strides` positions apart, their places k d = `dilation_rate` positions; p, k, s and d are pairs.
    The chain rule gives db = sum dy_p, dW_k = sum_p x_(s p + d k)^T dy_p, and dx_q is the sum of dy_p W_k^T over all p
    and k with s p + d k = q. W has shape (height, width, in / groups, filters), as in Keras. LeCun et al.,
    "Backpropagation applied to handwritten zip code recognition", 1989.
    """

    axes = ("height", "width", "channels")


class Depthwise(Correlation):
    """A convolution of each channel separately."""

    depth_multiplier: PositiveInt = Field(default=1, description="outputs of each channel")

    def declare_depthwise(self, input_shape: Shape, bias: bool) -> Shape:
        """Set the windows, declare W, and b if there is one, and return the output shape."""
        self.lay_windows(input_shape)
        self.declare_filters(input_shape[-1], input_shape[-1] * self.depth_multiplier, input_shape[-1], bias)
        return (*self.windows.count, input_shape[-1] * self.depth_multiplier)


class DepthwiseConv2d(Depthwise):
    """Each channel c of an image separately, (height, width, in) to (rows, columns, m in): y_pc = b + sum_k x_qc W_kc.

    Here q = s p + d k with `strides` s and `dilation_rate` d, and m is `depth_multiplier`. db = sum dy_p,
    dW_kc = sum_p x_qc dy_pc, dx_qc = sum of dy_pc W_kc over all p and k of q. W has shape (height, width, 1, m in).
    Chollet, "Xception", 2017.
    """

    axes = ("height", "width", "channels")
    examples = ({"kernel_size": 3, "padding": "same"}, {"kernel_size": 2, "strides": 2, "depth_multiplier": 3})

    def build(self, input_shape: Shape) -> Shape:
        return self.declare_depthwise(input_shape, self.use_bias)


class SeparableConv2d(Depthwise):
    """A depthwise convolution h of an image, then a product at each position, y = h P + b: fewer weights than conv2d.

    (height, width, in) to (rows, columns, filters). dP = sum h^T dy and db = sum dy over all positions, dh = dy P^T;
    from dh on as in depthwise_conv2d. W has shape (height, width, 1, m in), P (m in, filters), m = `depth_multiplier`.
    Chollet, "Xception", 2017.
    """

    axes = ("height", "width", "channels")
    examples = (
        {"filters": 3, "kernel_size": 3, "padding": "same"},
        {"filters": 2, "kernel_size": 2, "strides": 2, "depth_multiplier": 2, "use_bias": False},
    )
    filters: PositiveInt = Field(description="channels of the output")

    def build(self, input_shape: Shape) -> Shape:
        *counts, depth = self.declare_depthwise(input_shape, bias=False)
        self.declare("pointwise_weight", (depth, self.filters), self.weight_init)
        if self.use_bias:
            self.declare("bias", (self.filters,), self.bias_init, fan_in=depth)
        return (*counts, self.filters)

    def flops(self) -> int:
        depth = self.input_shape[-1] * self.depth_multiplier
        return math.prod(self.windows.count) * (2 * depth * (math.prod(self.windows.kernel) + self.filters)) + (
            math.prod(self.output_shape) * self.use_bias
        )

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.h = self.correlate(x)
        return self.add_bias(self.h @ self.pointwise_weight)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        self.write_bias_gradient(dy)
        rows = dy.reshape(-1, self.filters)
        self.grad.pointwise_weight[...] = self.h.reshape(len(rows), -1).T @ rows
        return self.correlate_backward((rows @ self.pointwise_weight.T).reshape(self.h.shape))
