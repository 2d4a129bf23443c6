"""Convolution as products of matrices: what windows see is gathered in the rows of a matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from specnet.kernels.numpy.blocks import BlockwiseWindows
from specnet.layers.convolution import Conv1d, Conv2d, Convolution
from specnet.layers.transposed import Conv1dTranspose, Conv2dTranspose, TransposedConvolution

FEW = 4
"""Channels up to which they are gathered one by one."""


class GatheringWindows(BlockwiseWindows):
    """A layer with windows that gathers what they see in a matrix, or adds a matrix to what they see."""

    def gather(self, x: np.ndarray) -> np.ndarray:
        """Return what windows see of a padded block: the rows of a matrix (windows, places * channels)."""
        windows, channels, shape = self.windows, x.shape[-1], (len(x), *self.windows.count)
        size = len(windows.places) * channels
        if channels <= FEW:
            columns = self.room("columns", (size, *shape))
            for number, place in enumerate(windows.places):
                columns[number * channels : (number + 1) * channels] = np.moveaxis(windows.part(x, place), -1, 0)
            return columns.reshape(size, -1).T
        neighbours = windows.dilation[-1] == 1 and x.strides[-2:] == (channels * x.itemsize, x.itemsize)
        together = windows.kernel[-1] if neighbours else 1  # places of the last axis that are adjacent in memory
        columns = self.room("columns", (*shape, len(windows.places) // together, together * channels))
        for number, place in enumerate(windows.places[::together]):
            part = windows.part(x, place)
            columns[..., number, :] = as_strided(part, (*shape, columns.shape[-1]), part.strides)
        return columns.reshape(-1, size)

    def scatter(self, dx: np.ndarray, dy: np.ndarray, weight: np.ndarray) -> None:
        """Add dy W^T, (windows, places * channels), to what the windows see of a padded block."""
        channels, shape = dx.shape[-1], (len(dx), *self.windows.count)
        if channels <= FEW:
            columns = np.dot(weight, dy.T, out=self.room("columns", (len(weight), len(dy))))
            parts = np.moveaxis(columns.reshape(-1, channels, *shape), 1, -1)
        else:
            by_place = weight.reshape(-1, channels, weight.shape[-1]).swapaxes(1, 2)
            rows = np.matmul(dy, by_place, out=self.room("columns", (len(by_place), len(dy), channels)))
            parts = rows.reshape(-1, *shape, channels)
        for place, part in zip(self.windows.places, parts, strict=True):
            self.windows.part(dx, place)[...] += part


class ConvolutionKernel(GatheringWindows, Convolution):
    """A convolution by one product of matrices for each block of samples and each group."""

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.disposable = True  # the next layer may write over y

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x, y = x, self.buffer("y", (len(x), *self.output_shape))
        for block in self.sample_blocks(x):
            padded = self.padded(x[block])
            for inside, outside in self.channel_groups():
                rows, part = self.gather(padded[..., inside]), y[block][..., outside]
                weight = self.weight.reshape(-1, self.filters)[:, outside]
                if self.groups == 1:
                    np.dot(rows, weight, out=part.reshape(len(rows), -1))
                else:
                    part[...] = np.dot(rows, weight).reshape(part.shape)
            if self.use_bias:  # a line of positions at a time, as short loops are slow
                lines = y[block].reshape(-1, y.shape[-2] * y.shape[-1])
                lines += np.tile(self.bias, y.shape[-2])
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        x, dx = self.x, self.buffer("dx", self.x.shape) if self.needs_dx else None
        self.grad.weight[...] = 0
        if self.use_bias:
            self.grad.bias[...] = 0
        for block in self.sample_blocks(x):
            padded = self.padded(x[block])
            if dx is not None:
                dpadded = dx[block] if padded.shape == x[block].shape else self.room("dpadded", padded.shape)
                dpadded.fill(0)
            for inside, outside in self.channel_groups():
                rows = dy[block][..., outside].reshape(-1, self.filters // self.groups)
                columns = self.gather(padded[..., inside])
                product = self.room("product", (columns.shape[1], rows.shape[1]))
                self.grad.weight.reshape(-1, self.filters)[:, outside] += np.dot(columns.T, rows, out=product)
                if self.use_bias:
                    ones = self.room("ones", (len(rows),))
                    ones.fill(1)
                    self.grad.bias[outside] += np.dot(ones, rows)
                if dx is not None:
                    self.scatter(dpadded[..., inside], rows, self.weight.reshape(-1, self.filters)[:, outside])
            if dx is not None and self.windows.padded != self.windows.sizes:
                dx[block] = self.windows.unpad(dpadded, self.padding_mode)
        return dx

    def padded(self, x: np.ndarray, value: float = 0) -> np.ndarray:
        """Return a block with its padding."""
        return super().padded(x) if self.padding_mode == "zeros" else self.windows.pad(x, mode=self.padding_mode)

    def sample_blocks(self, x: np.ndarray) -> Iterator[slice]:
        """Yield the samples of each block."""
        channels = self.fan_in + self.filters // self.groups
        return self.blocks(len(x), math.prod(self.windows.count) * channels)

    def channel_groups(self) -> Iterator[tuple[slice, slice]]:
        """Yield the channels of x and those of y of each group."""
        inside, outside = self.input_shape[-1] // self.groups, self.filters // self.groups
        for group in range(self.groups):
            yield (
                slice(group * inside, (group + 1) * inside),
                slice(group * outside, (group + 1) * outside),
            )


class Conv1dKernel(ConvolutionKernel, Conv1d):
    """conv1d by products of matrices."""


class Conv2dKernel(ConvolutionKernel, Conv2d):
    """conv2d by products of matrices."""


class TransposedKernel(GatheringWindows, TransposedConvolution):
    """The same matrices the other way round: x is multiplied and added to what windows see of y."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x, y = x, self.buffer("y", (len(x), *self.output_shape))
        padded = self.windows.padded != self.windows.sizes
        for block in self.sample_blocks(x):
            part = self.room("dpadded", (len(x[block]), *self.windows.padded, y.shape[-1])) if padded else y[block]
            part[...] = self.bias if self.use_bias else 0
            for inside, outside, weight in self.channel_groups():
                self.scatter(part[..., outside], x[block][..., inside].reshape(-1, weight.shape[1]), weight)
            if padded:
                y[block] = self.windows.unpad(part)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        x, dx = self.x, self.buffer("dx", self.x.shape) if self.needs_dx else None
        self.grad.weight[...] = 0
        if self.use_bias:
            self.write_bias_gradient(dy)
        grad = self.grad.weight.reshape(-1, *self.grad.weight.shape[-2:])
        for block in self.sample_blocks(x):
            padded = self.padded(dy[block])
            for inside, outside, weight in self.channel_groups():
                rows, columns = x[block][..., inside].reshape(-1, weight.shape[1]), self.gather(padded[..., outside])
                product = np.dot(rows.T, columns, out=self.room("product", weight.shape[::-1]))
                grad[..., outside] += product.reshape(len(product), len(grad), -1).swapaxes(0, 1)
                if dx is not None:
                    part = dx[block][..., inside]
                    part[...] = np.dot(columns, weight).reshape(part.shape)
        return dx

    def sample_blocks(self, x: np.ndarray) -> Iterator[slice]:
        """Yield the samples of each block."""
        numbers = len(self.windows.places) * self.filters + x.shape[-1]
        return self.blocks(len(x), math.prod(self.windows.count) * numbers)

    def channel_groups(self) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """Yield the channels of x and those of y of each group, and its weight (places * filters, channels of x)."""
        inside, outside = self.input_shape[-1] // self.groups, self.filters // self.groups
        for group in range(self.groups):
            filters = slice(group * outside, (group + 1) * outside)
            weight = np.ascontiguousarray(self.weight[..., filters].swapaxes(-1, -2)).reshape(-1, inside)
            yield slice(group * inside, (group + 1) * inside), filters, weight


class Conv1dTransposeKernel(TransposedKernel, Conv1dTranspose):
    """conv1d_transpose by products of matrices."""


class Conv2dTransposeKernel(TransposedKernel, Conv2dTranspose):
    """conv2d_transpose by products of matrices."""
