"""Norms of x (sets, positions, features), normalized over the positions of a set and a group of features.

A set is a sample for group_norm, and the whole batch for batch_norm, where each feature is a group. Sums over positions
are kept for each feature, so that vector instructions go along the features.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from specnet.kernels.numpy import normalization
from specnet.layers.normalization import GroupNorm, Normalization
from specnet_numba.compiling import compiled

FEW = 8
"""Features below which a row is too short for vector instructions."""


@partial(compiled, reordered=True)
def average(sums, count, means):
    """Write the mean of each group, which has `count` numbers, to `means`, and to its features instead of sums."""
    size = sums.size // means.size
    for g in range(means.size):
        group, total = sums[g * size : (g + 1) * size], sums.dtype.type(0)
        for j in range(size):
            total += group[j]
        means[g] = total / sums.dtype.type(count)
        group[:] = means[g]


@compiled
def spread_inverse(variances, epsilon, inverse):
    """Write 1 / sqrt(variance + epsilon) of each group to its features."""
    size, kind = inverse.size // variances.size, inverse.dtype.type
    for g in range(variances.size):
        inverse[g * size : (g + 1) * size] = kind(1) / np.sqrt(variances[g] + kind(epsilon))


@compiled
def normalize(x, gamma, beta, epsilon, z, means, variances, y):
    """Write z = (x - mean) / sqrt(variance + epsilon), y = gamma z + beta, and the statistics (sets, groups)."""
    positions, features = x.shape[1:]
    count = positions * (features // means.shape[1])
    mean, square, inverse = np.empty((3, features), x.dtype)
    for i in range(x.shape[0]):
        mean[:] = 0
        for p in range(positions):
            for j in range(features):
                mean[j] += x[i, p, j]
        average(mean, count, means[i])
        square[:] = 0
        for p in range(positions):
            for j in range(features):
                c = x[i, p, j] - mean[j]
                square[j] += c * c
        average(square, count, variances[i])
        spread_inverse(variances[i], epsilon, inverse)
        for p in range(positions):
            for j in range(features):
                z[i, p, j] = (x[i, p, j] - mean[j]) * inverse[j]
                y[i, p, j] = gamma[j] * z[i, p, j] + beta[j]


@compiled
def normalize_back(dy, z, gamma, epsilon, variances, dgamma, dbeta):
    """Write dx = (dz - mean(dz) - z mean(dz z)) / sqrt(variance + epsilon) over dy, where dz = gamma dy."""
    positions, features = dy.shape[1:]
    count, ignored = positions * (features // variances.shape[1]), np.empty(variances.shape[1], dy.dtype)
    mean, along, inverse = np.empty((3, features), dy.dtype)
    dgamma[:] = 0
    dbeta[:] = 0
    for i in range(dy.shape[0]):
        mean[:] = 0
        along[:] = 0
        for p in range(positions):
            for j in range(features):
                dgamma[j] += dy[i, p, j] * z[i, p, j]
                dbeta[j] += dy[i, p, j]
            for j in range(features):
                dy[i, p, j] *= gamma[j]
                mean[j] += dy[i, p, j]
                along[j] += dy[i, p, j] * z[i, p, j]
        average(mean, count, ignored)
        average(along, count, ignored)
        spread_inverse(variances[i], epsilon, inverse)
        for p in range(positions):
            for j in range(features):
                dy[i, p, j] = (dy[i, p, j] - mean[j] - z[i, p, j] * along[j]) * inverse[j]


class OnePassNorm(Normalization):
    """A norm of sets of positions and groups of features."""

    def run(self, x: np.ndarray, sets: int, groups: int) -> np.ndarray:
        """Return y, for x as a number of sets."""
        features = x.shape[-1]
        self.shape = sets, x.size // (sets * features), features
        x, y = np.ascontiguousarray(x), self.buffer("y", x.shape)
        self.z, self.means, self.variances = (
            self.buffer(name, shape)
            for name, shape in (("z", self.shape), ("means", (sets, groups)), ("variances", (sets, groups)))
        )
        self.gain = self.gamma if self.scale else np.ones(features, x.dtype)
        beta = self.beta if self.center else np.zeros(features, x.dtype)
        arrays = self.z, self.means, self.variances, y.reshape(self.shape)
        normalize(x.reshape(self.shape), self.gain, beta, self.epsilon, *arrays)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = np.ascontiguousarray(dy)
        dgamma = self.grad.gamma if self.scale else np.empty_like(self.gain)
        dbeta = self.grad.beta if self.center else np.empty_like(self.gain)
        normalize_back(dy.reshape(self.shape), self.z, self.gain, self.epsilon, self.variances, dgamma, dbeta)
        return dy


class GroupNormKernel(OnePassNorm, GroupNorm):
    """group_norm, sample by sample."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        return self.run(x, len(x), self.groups)


class BatchNormKernel(OnePassNorm, normalization.BatchNormKernel):
    """batch_norm of many features in training without a mask or shards to add up; else the default kernel."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.one_pass = training and self.mask is None and self.over_shards is None and x.shape[-1] >= FEW
        if not self.one_pass:
            return normalization.BatchNormKernel.forward(self, x, training)
        y, share = self.run(x, 1, x.shape[-1]), 1 - self.momentum
        self.moving_mean += share * (self.means[0] - self.moving_mean)
        self.moving_variance += share * (self.variances[0] - self.moving_variance)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return super().backward(dy) if self.one_pass else normalization.BatchNormKernel.backward(self, dy)
