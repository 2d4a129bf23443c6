"""Pooling along one axis after the other, for a few samples at a time, so that they stay in the cache."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from specnet.kernels.numpy.blocks import BlockwiseWindows
from specnet.layers.pooling import AveragePool, AveragePool1d, AveragePool2d, MaxPool, MaxPool1d, MaxPool2d, Pool
from specnet.layers.windows import SlidingWindows
from specnet.task import Shape


@dataclass(frozen=True)
class Axis:
    """Windows along one axis: the shapes of a sample before and after them."""

    number: int
    before: Shape
    after: Shape
    kernel: int
    stride: int

    def parts(self, x: np.ndarray) -> list[np.ndarray]:
        """Return what windows of a batch see at each of their places."""
        long, ahead = (self.after[self.number - 1] - 1) * self.stride + 1, (slice(None),) * self.number
        return [x[(*ahead, slice(place, place + long, self.stride))] for place in range(self.kernel)]

    @property
    def apart(self) -> bool:
        """Whether windows do not overlap."""
        return self.stride >= self.kernel

    @property
    def tiled(self) -> bool:
        """Whether each position is in exactly one window."""
        return self.stride == self.kernel and self.before[self.number - 1] == self.after[self.number - 1] * self.kernel


def axes_of(windows: SlidingWindows, channels: int) -> list[Axis]:
    """Return each axis of windows, the last one first."""
    found, shape = [], (*windows.padded, channels)
    for index in reversed(range(len(windows.sizes))):
        after = (*shape[:index], windows.count[index], *shape[index + 1 :])
        found.append(Axis(index + 1, shape, after, windows.kernel[index], windows.strides[index]))
        shape = after
    return found


class PoolKernel(BlockwiseWindows, Pool):
    """A function of windows along the last axis, then of its values along the axis before that."""

    outside: ClassVar[float] = 0.0
    """Value of padding."""

    def build(self, input_shape: Shape) -> Shape:
        shape = super().build(input_shape)
        self.axes_of_windows = axes_of(self.windows, input_shape[-1])
        return shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        y = self.buffer("y", (len(x), *self.output_shape))
        for block in self.blocks(len(x), math.prod(self.input_shape)):
            part = self.padded(x[block], self.outside)
            for axis in self.axes_of_windows:
                out = y[block] if axis.number == 1 else self.room(f"y {axis.number}", (len(part), *axis.after))
                self.pool(axis, axis.parts(part), out, block)
                part = out
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx, padded = self.buffer("dx", (len(dy), *self.input_shape)), self.windows.padded != self.windows.sizes
        for block in self.blocks(len(dy), math.prod(self.input_shape)):
            part = dy[block]
            for axis in reversed(self.axes_of_windows):
                last = axis is self.axes_of_windows[0]
                out = dx[block] if last and not padded else self.room(f"dx {axis.number}", (len(part), *axis.before))
                if not axis.tiled:
                    out.fill(0)
                self.spread(axis, part, axis.parts(out), block)
                part = out
            if padded:
                dx[block] = self.windows.unpad(part)
        return dx

    @abstractmethod
    def pool(self, axis: Axis, parts: list[np.ndarray], y: np.ndarray, block: slice) -> None:
        """Write the function of these parts of a block to y."""

    @abstractmethod
    def spread(self, axis: Axis, dy: np.ndarray, parts: list[np.ndarray], block: slice) -> None:
        """Write dx to the parts of a block if windows are apart, else add it."""


class MaxPoolKernel(PoolKernel, MaxPool):
    """The first maximum along an axis, then the first of these along the next: `winners` are their places, in bytes."""

    outside = -np.inf

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.fast = max(self.windows.kernel) <= 256
        if not self.fast:
            return MaxPool.forward(self, x, training)
        self.winners = {
            axis.number: self.buffer(f"winners {axis.number}", (len(x), *axis.after), np.dtype(np.uint8))
            for axis in self.axes_of_windows
        }
        return super().forward(x, training)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return super().backward(dy) if self.fast else MaxPool.backward(self, dy)

    def pool(self, axis: Axis, parts: list[np.ndarray], y: np.ndarray, block: slice) -> None:
        winners, highest = self.winners[axis.number][block], parts[0]
        if len(parts) == 1:
            winners.fill(0)
            y[...] = highest
        for place, part in enumerate(parts[1:], 1):
            later = winners if place == 1 else self.room("later", y.shape, winners.dtype)
            np.greater(part, highest, out=later.view(bool))
            if place > 1:
                later *= np.uint8(place)
                np.maximum(winners, later, out=winners)
            highest = np.maximum(highest, part, out=y)

    def spread(self, axis: Axis, dy: np.ndarray, parts: list[np.ndarray], block: slice) -> None:
        winners, here = self.winners[axis.number][block], self.room("later", dy.shape, np.dtype(bool))
        for place, part in enumerate(parts):
            np.equal(winners, np.uint8(place), out=here)
            if axis.apart:
                np.multiply(dy, here, out=part)
            else:
                np.add(part, np.multiply(dy, here, out=self.room("product", dy.shape)), out=part)


class AveragePoolKernel(PoolKernel, AveragePool):
    """The sum along an axis, then along the next, divided by the number of positions."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.shares = 1 / self.counts(x)
        y = super().forward(x, training)
        y *= self.shares
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy *= self.shares
        return super().backward(dy)

    def pool(self, axis: Axis, parts: list[np.ndarray], y: np.ndarray, block: slice) -> None:
        total = parts[0]
        for part in parts[1:]:
            total = np.add(total, part, out=y)
        if total is not y:
            y[...] = total

    def spread(self, axis: Axis, dy: np.ndarray, parts: list[np.ndarray], block: slice) -> None:
        for part in parts:
            np.copyto(part, dy) if axis.apart else np.add(part, dy, out=part)


class MaxPool1dKernel(MaxPoolKernel, MaxPool1d):
    """max_pool1d along its axis."""


class MaxPool2dKernel(MaxPoolKernel, MaxPool2d):
    """max_pool2d along one axis after the other."""


class AveragePool1dKernel(AveragePoolKernel, AveragePool1d):
    """average_pool1d along its axis."""


class AveragePool2dKernel(AveragePoolKernel, AveragePool2d):
    """average_pool2d along one axis after the other."""
