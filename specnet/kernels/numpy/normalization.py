"""Normalization in few passes over blocks of rows: sums are products with ones."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np

from specnet.functions import constant
from specnet.kernels.numpy.blocks import BlockwiseLayer
from specnet.layers.normalization import BatchNorm, LayerNorm, Normalization, RmsNorm

ARRAYS = 8
"""Arrays of a block that share the cache."""
LINE = 256
"""Most numbers of a line of positions."""


@cache
def side_by_side(positions: int, features: int) -> int:
    """Return the most positions that fit in a line and divide all of them into lines of the same length."""
    return next(count for count in range(max(1, LINE // features), 0, -1) if positions % count == 0)


class NormKernel(BlockwiseLayer, Normalization):
    """A normalization in buffers."""

    def repeated(self, name: str, vector: np.ndarray, rows: int) -> np.ndarray:
        """Return rows that are all this vector: NumPy would read a single one in many short loops."""
        found = self.room(name, (rows, vector.size))
        found[...] = vector
        return found

    def ones(self, size: int) -> np.ndarray:
        """Return ones, whose product with rows is their sum."""
        found = self.room("ones", (size,))
        found.fill(1)
        return found


class RowNormKernel(NormKernel):
    """A normalization of each row by itself, y = gamma z + beta, with z in a buffer."""

    centred: ClassVar[bool]
    """Whether the mean of a row is subtracted."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        features, one = x.shape[-1], constant(1.0, x.dtype)
        y, self.z = self.buffer("y", x.shape), self.buffer("z", (x.size // features, features))
        self.inverse = self.buffer("inverse", (len(self.z), 1))  # of the standard deviation
        rows, outputs = x.reshape(self.z.shape), y.reshape(self.z.shape)
        size, share = self.block_size(len(rows), ARRAYS * features), np.full(features, 1 / features, x.dtype)
        one_share = constant(1 / features, x.dtype)
        gamma = self.repeated("gamma", self.gamma, size) if self.scale else one
        beta = self.repeated("beta", self.beta, size) if self.center else None
        for block in self.blocks(len(rows), ARRAYS * features):
            c, z, inverse, part = rows[block], self.z[block], self.inverse[block], outputs[block]
            if self.centred:
                c = np.subtract(c, c.dot(share)[:, np.newaxis], out=z)
            np.vecdot(c, c, out=inverse[:, 0])
            inverse *= one_share
            inverse += self.epsilon
            np.divide(one, np.sqrt(inverse, out=inverse), out=inverse)
            np.multiply(c, inverse, out=z)
            np.multiply(z, gamma[: len(z)] if self.scale else one, out=part)
            if beta is not None:
                part += beta[: len(z)]
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        for gradient in vars(self.grad).values():
            gradient.fill(0)
        features, rows = dy.shape[-1], dy.reshape(self.z.shape)
        gamma = self.gamma if self.scale else np.ones(features, dy.dtype)
        size, share = self.block_size(len(rows), ARRAYS * features), gamma * constant(1 / features, dy.dtype)
        t, ones, gammas = self.room("t", (size, features)), self.ones(size), self.repeated("gamma", gamma, size)
        for block in self.blocks(len(rows), ARRAYS * features):
            dx, z, n = rows[block], self.z[block], len(rows[block])
            products = np.multiply(dx, z, out=t[:n])
            if self.scale:
                self.grad.gamma += ones[:n].dot(products)
            if self.center:
                self.grad.beta += ones[:n].dot(dx)
            mean, along = dx.dot(share)[:, np.newaxis], products.dot(share)[:, np.newaxis]
            np.multiply(z, along, out=products)
            if self.centred:
                products += mean
            dx *= gammas[:n]
            dx -= products
            dx *= self.inverse[block]
        return dy


class LayerNormKernel(RowNormKernel, LayerNorm):
    """layer_norm in blocks of rows."""

    centred = True


class RmsNormKernel(RowNormKernel, RmsNorm):
    """rms_norm in blocks of rows."""

    centred = False


class BatchNormKernel(NormKernel, BatchNorm):
    """batch_norm in training without a mask or shards to add up, in blocks of lines of positions; else the definition.

    With c = x - mean and a = gamma / std: y = a c + beta and dx = a (dy - mean(dy) - c mean(dy c) / std^2).
    """

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.fast = training and self.mask is None and self.over_shards is None
        if not self.fast:
            return super().forward(x, training)
        y, self.count = self.buffer("y", x.shape), x.dtype.type(x.size // x.shape[-1])
        rows, outputs, self.c = (self.lines(each) for each in (x, y, self.buffer("c", x.shape)))
        size, squares = self.block_size(len(rows), ARRAYS * rows.shape[-1]), np.zeros_like(rows[0])
        t, ones = self.room("t", (size, rows.shape[-1])), self.ones(len(rows))
        mean = self.add_up(ones.dot(rows)) / self.count
        wide_mean = self.wide(mean)
        for block in self.blocks(len(rows), ARRAYS * len(squares)):
            c = np.subtract(rows[block], wide_mean, out=self.c[block])
            squares += ones[: len(c)].dot(np.multiply(c, c, out=t[: len(c)]))
        variance = self.add_up(squares) / self.count
        self.moving_mean += (1 - self.momentum) * (mean - self.moving_mean)
        self.moving_variance += (1 - self.momentum) * (variance - self.moving_variance)
        self.std = np.sqrt(variance + self.epsilon)
        self.a = self.wide(self.gamma / self.std if self.scale else 1 / self.std)
        beta = self.wide(self.beta) if self.center else None
        for block in self.blocks(len(rows), ARRAYS * len(squares)):
            part = np.multiply(self.c[block], self.a, out=outputs[block])
            if beta is not None:
                part += beta
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        if not self.fast:
            return super().backward(dy)
        rows = self.lines(dy)
        size, along = self.block_size(len(rows), ARRAYS * rows.shape[-1]), np.zeros_like(rows[0])
        t, ones = self.room("t", (size, rows.shape[-1])), self.ones(len(rows))
        total = self.add_up(ones.dot(rows))
        for block in self.blocks(len(rows), ARRAYS * len(along)):
            part = rows[block]
            along += ones[: len(part)].dot(np.multiply(part, self.c[block], out=t[: len(part)]))
        slope = self.add_up(along) / self.std
        if self.scale:
            self.grad.gamma[...] = slope
        if self.center:
            self.grad.beta[...] = total
        mean, share = self.wide(total / self.count), self.wide(slope / (self.count * self.std))
        for block in self.blocks(len(rows), ARRAYS * len(along)):
            dx = rows[block]
            dx -= np.multiply(self.c[block], share, out=t[: len(dx)])
            dx -= mean
            dx *= self.a
        return dy

    def lines(self, x: np.ndarray) -> np.ndarray:
        """Return x with some positions side by side: NumPy would go through few features in short loops."""
        features = x.shape[-1]
        return x.reshape(-1, side_by_side(x.size // features, features) * features)

    def wide(self, features: np.ndarray) -> np.ndarray:
        """Return a line with the same features at each position."""
        times = self.c.shape[-1] // len(features)
        return features if times == 1 else np.tile(features, times)

    def add_up(self, line: np.ndarray) -> np.ndarray:
        """Return the sum over the positions of a line."""
        count = self.input_shape[-1]
        return line if len(line) == count else line.reshape(-1, count).sum(axis=0)
