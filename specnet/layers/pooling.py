"""Layers that summarise parts of images and sequences, or enlarge them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.layers.base import Layer
from specnet.layers.windows import Padding, Sizes, WindowLayer, multiply_axes, per_axis
from specnet.task import Shape


class Pool(WindowLayer):
    """A function of each window of each channel. Padding is left out: it never counts."""

    output = "same"
    examples: ClassVar[Sequence[Mapping[str, Any]]] = (
        {"pool_size": 3, "strides": 2, "padding": "same"},
        {"pool_size": 3, "strides": 1, "padding": 1},
    )
    pool_size: Sizes = Field(default=2, description="size of a window, a number or one for each axis")
    strides: Sizes | None = Field(default=None, description="positions from a window to the next; null: pool_size")
    padding: Padding = "valid"

    def build(self, input_shape: Shape) -> Shape:
        self.windows = self.slide(input_shape[:-1], "pool_size")
        if any(max(sides) >= k for sides, k in zip(self.windows.padding, self.windows.kernel, strict=True)):
            raise ShapeError("has windows that contain only padding", pointer=("padding",))
        return (*self.windows.count, input_shape[-1])

    def flops(self) -> int:
        return math.prod((*self.windows.kernel, *self.output_shape))


class MaxPool(Pool):
    """y_p = max of x over window p, for each channel.

    dx_q = sum of dy_p over the windows p whose maximum is at q, the first one if several are equal.
    """

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        padded = self.windows.pad(x, -np.inf)
        parts = np.stack([self.windows.part(padded, place) for place in self.windows.places])
        self.winner = parts.argmax(axis=0)
        return parts.max(axis=0)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        parts = (dy * (self.winner == number) for number, _ in enumerate(self.windows.places))
        return self.windows.unpad(self.windows.collect(parts))


class AveragePool(Pool):
    """y_p = mean of x over window p, for each channel: with n_p positions that are not padding, dx_q = sum dy_p / n_p.

    The sum is over the windows p that contain q. As in Keras, but not by default in PyTorch, padding does not count.
    """

    def counts(self, x: np.ndarray) -> np.ndarray:
        """Return n_p, the positions of each window that are not padding."""
        ones = self.windows.pad(np.ones((1, *self.windows.sizes, 1), x.dtype))
        return sum(self.windows.part(ones, place) for place in self.windows.places)  # type: ignore[return-value]

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        padded = self.windows.pad(x)
        return sum(self.windows.part(padded, place) for place in self.windows.places) / self.counts(x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        share = dy / self.counts(dy)
        return self.windows.unpad(self.windows.collect(share for _ in self.windows.places))


class MaxPool1d(MaxPool):
    """Maximum of windows of a sequence: (time, features) to (windows, features), for each feature separately.

    y = max of x over the positions of a window; dx = sum of dy over the windows whose first maximum is x.
    Padding is never the maximum.
    """

    axes = ("time", "features")
    examples = Pool.examples[:1]


class MaxPool2d(MaxPool):
    """Maximum of windows of an image: (height, width, channels) to (rows, columns, channels), each channel separately.

    y = max of x over the positions of a window; dx = sum of dy over the windows whose first maximum is x.
    Padding is never the maximum. Weng et al., "Learning recognition and segmentation of 3-D objects from 2-D
    images", 1993.
    """

    axes = ("height", "width", "channels")


class AveragePool1d(AveragePool):
    """Mean of windows of a sequence: (time, features) to (windows, features), for each feature separately.

    y = sum of x / n over the n positions of a window; dx = sum of dy / n over the windows that contain x. As in
    Keras, but not by default in PyTorch, padding does not count.
    """

    axes = ("time", "features")
    examples = Pool.examples[:1]


class AveragePool2d(AveragePool):
    """Mean of windows of an image: (height, width, channels) to (rows, columns, channels), for each channel separately.

    y = sum of x / n over the n positions of a window; dx = sum of dy / n over the windows that contain x. As in
    Keras, but not by default in PyTorch, padding does not count. LeCun et al., 1998.
    """

    axes = ("height", "width", "channels")


class GlobalPool(Layer):
    """A function of all positions of each channel. Masked ones do not count."""

    axes = (..., "positions", "channels")
    output = "same"
    mask = "use"
    examples = ({"keepdims": False}, {"keepdims": True})
    keepdims: bool = Field(default=False, description="whether axes are kept, with size 1")

    def build(self, input_shape: Shape) -> Shape:
        *positions, channels = input_shape
        return (*[1] * len(positions), channels) if self.keepdims else (channels,)

    def flops(self) -> int:
        return math.prod(self.input_shape)

    def counted(self, x: np.ndarray) -> np.ndarray:
        """Return which positions count, (n, positions, 1) of bool."""
        if (mask := vars(self)["mask"]) is None:
            return np.ones((1, math.prod(self.input_shape[:-1]), 1), bool)
        return np.repeat(mask, math.prod(x.shape[2:-1]), axis=1)[:, :, np.newaxis]

    def mask_out(self) -> None:
        """Return None: no positions are left."""


class GlobalAveragePool(GlobalPool):
    """y = mean of x over all positions, for each channel separately: (..., channels) to (channels,).

    dx = dy / n at each of the n positions that are not masked. If all are masked, y is 0.
    Lin et al., "Network in network", 2014.
    """

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        counted = self.counted(x)
        self.parts = (counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)).astype(x.dtype)
        return (x.reshape(len(x), -1, x.shape[-1]) * self.parts).sum(axis=1).reshape(-1, *self.output_shape)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return (dy.reshape(len(dy), 1, -1) * self.parts).reshape(-1, *self.input_shape)


class GlobalMaxPool(GlobalPool):
    """y = max of x over all positions, for each channel separately: (..., channels) to (channels,).

    dx = dy at the first maximum, else 0. Masked positions do not count. If all are masked, y is 0.
    """

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        counted = self.counted(x)
        self.some: np.ndarray = np.any(counted, axis=1)
        x = np.where(counted, x.reshape(len(x), -1, x.shape[-1]), -np.inf)
        self.first = x.argmax(axis=1)[:, np.newaxis]
        return np.where(self.some, x.max(axis=1), 0).astype(x.dtype).reshape(-1, *self.output_shape)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        positions = np.arange(math.prod(self.input_shape[:-1]))[:, np.newaxis]
        dx = (dy.reshape(len(dy), 1, -1) * self.some[:, np.newaxis]) * (positions == self.first)
        return dx.reshape(-1, *self.input_shape)


class Upsample(Layer):
    """Each axis but the channels `size` times as long."""

    output = "same"
    examples = ({"size": 2}, {"size": 3, "interpolation": "bilinear"})
    size: Sizes = Field(default=2, description="factor, a number or one for each axis")
    interpolation: Literal["nearest", "bilinear"] = Field(
        default="nearest", description="copies of the nearest position, or linear interpolation"
    )

    def build(self, input_shape: Shape) -> Shape:
        *sizes, channels = input_shape
        self.factors = per_axis(self, "size", len(sizes))
        return (*(n * factor for n, factor in zip(sizes, self.factors, strict=True)), channels)

    def flops(self) -> int:
        return math.prod(self.output_shape) * (1 if self.interpolation == "nearest" else 3 * len(self.factors))

    def weights(self, n: int, factor: int, dtype: np.dtype) -> np.ndarray:
        """Return the matrix U (n factor, n) of one axis."""
        there = (np.arange(n * factor) + 0.5) / factor - 0.5  # centres of new positions, among the old ones
        if self.interpolation == "nearest":
            there = np.round(there)
        near = 1 - np.abs(np.clip(there, 0, n - 1)[:, np.newaxis] - np.arange(n))
        return np.maximum(near, 0).astype(dtype)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.u = [self.weights(*each, x.dtype) for each in zip(self.input_shape, self.factors, strict=False)]
        return multiply_axes(x, self.u)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return multiply_axes(dy, [u.T for u in self.u])


class Upsample1d(Upsample):
    """Longer sequences, (time, features) to (size time, features): y = U x and dx = U^T dy along the time axis.

    A row of U has one 1 ("nearest"), or the weights of two neighbours, at distance d and 1 - d, which are 1 - d and d
    ("bilinear"). Positions are centres of equal parts, as in Keras and with `align_corners=False` in PyTorch.
    """

    axes = ("time", "features")


class Upsample2d(Upsample):
    """Larger images, (height, width, channels) to (size height, size width, channels): y = U x V^T and dx = U^T dy V.

    A row of U or V has one 1 ("nearest"), or the weights of two neighbours, at distance d and 1 - d, which are 1 - d
    and d ("bilinear"). Positions are centres of equal parts, as in Keras and with `align_corners=False` in PyTorch.
    """

    axes = ("height", "width", "channels")
