"""Norms of each row by itself: x (rows, features), normalized over the features."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np

from specnet.layers.normalization import LayerNorm, Normalization, RmsNorm
from specnet_numba.compiling import compiled


@partial(compiled, reordered=True)
def total(a):
    """Return the sum of a vector."""
    found = a.dtype.type(0)
    for j in range(a.size):
        found += a[j]
    return found


@partial(compiled, reordered=True)
def product(a, b):
    """Return the sum of the products of two vectors."""
    found = a.dtype.type(0)
    for j in range(a.size):
        found += a[j] * b[j]
    return found


@compiled
def normalize(x, gamma, beta, epsilon, centred, z, inverse, y):
    """Write z = (x - mean) / std, inverse = 1 / std and y = gamma z + beta; the mean counts as 0 unless `centred`."""
    kind, features = x.dtype.type, x.shape[1]
    mean, share = kind(0), kind(1) / kind(features)
    for i in range(x.shape[0]):
        if centred:
            mean = total(x[i]) * share
        for j in range(features):
            z[i, j] = x[i, j] - mean
        inverse[i] = kind(1) / np.sqrt(product(z[i], z[i]) * share + kind(epsilon))
        for j in range(features):
            z[i, j] *= inverse[i]
            y[i, j] = gamma[j] * z[i, j] + beta[j]


@compiled
def normalize_back(dy, z, gamma, centred, inverse, dgamma, dbeta):
    """Write dx = (dz - mean(dz) - z mean(dz z)) / std over dy, where dz = gamma dy."""
    kind, features = dy.dtype.type, dy.shape[1]
    mean, share = kind(0), kind(1) / kind(features)
    dgamma[:] = 0
    dbeta[:] = 0
    for i in range(dy.shape[0]):
        for j in range(features):
            dgamma[j] += dy[i, j] * z[i, j]
            dbeta[j] += dy[i, j]
        for j in range(features):
            dy[i, j] *= gamma[j]
        if centred:
            mean = total(dy[i]) * share
        along = product(dy[i], z[i]) * share
        for j in range(features):
            dy[i, j] = (dy[i, j] - mean - z[i, j] * along) * inverse[i]


class RowNorm(Normalization):
    """A norm of each row by itself; its mean counts as 0 unless it is `centred`."""

    centred: ClassVar[bool] = True

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        x, features = np.ascontiguousarray(x), x.shape[-1]
        y, self.z = self.buffer("y", x.shape), self.buffer("z", (x.size // features, features))
        self.inverse = self.buffer("inverse", self.z.shape[:1])
        self.gain = self.gamma if self.scale else np.ones(features, x.dtype)
        beta = self.beta if self.center else np.zeros(features, x.dtype)
        rows, outputs = x.reshape(self.z.shape), y.reshape(self.z.shape)
        normalize(rows, self.gain, beta, self.epsilon, self.centred, self.z, self.inverse, outputs)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = np.ascontiguousarray(dy)
        dgamma = self.grad.gamma if self.scale else np.empty_like(self.gain)
        dbeta = self.grad.beta if self.center else np.empty_like(self.gain)
        normalize_back(dy.reshape(self.z.shape), self.z, self.gain, self.centred, self.inverse, dgamma, dbeta)
        return dy


class LayerNormKernel(RowNorm, LayerNorm):
    """layer_norm, row by row."""


class RmsNormKernel(RowNorm, RmsNorm):
    """rms_norm, row by row."""

    centred = False
