"""Losses on classes."""

from __future__ import annotations

import numpy as np

from specnet.functions import constant
from specnet.kernels.numpy.buffered import Buffered
from specnet.losses.binary import Bce
from specnet.losses.classification import CrossEntropy


class BceKernel(Buffered, Bce):
    """Binary cross-entropy, computed for yes and no side by side: their probabilities and targets.

    Weights are left to the definition.
    """

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        self.fast = self.weigh(target, weight) is None
        if not self.fast:
            return super().forward(y, target, weight)
        p, self.t, self.limited, self.log_p = self.buffers["p", (4, 2, *y.shape), y.dtype]
        one = constant(1.0, y.dtype)
        p[0], self.t[0] = y, target
        np.subtract(one, y, out=p[1])
        np.subtract(one, target, out=self.t[1])
        np.maximum(p, constant(self.epsilon, y.dtype), out=self.limited)
        log_p = np.log(self.limited, out=self.log_p)
        p -= self.limited
        p *= constant(1 / self.epsilon, y.dtype)  # the tangent below epsilon, 0 above
        log_p += p
        log_p *= self.t
        return -self.reduce(np.add(log_p[0], log_p[1], out=log_p[0]))

    def backward(self) -> np.ndarray:
        if not self.fast:
            return super().backward()
        yes, no = np.divide(self.t, self.limited, out=self.log_p)  # no longer needed
        dy = np.subtract(no, yes, out=no)
        dy *= self._factor
        return dy


class CrossEntropyKernel(Buffered, CrossEntropy):
    """Cross-entropy of class numbers, computed with classes first: sums over them then add whole rows.

    Weights, smoothing, and targets that are distributions are left to the definition.
    """

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.slope = np.zeros((0, 0))

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        self.fast = target.ndim < y.ndim and not self.label_smoothing and self.weigh(target, weight) is None
        if not self.fast:
            return super().forward(y, target, weight)
        rows, right = y.reshape(-1, y.shape[-1]), target.reshape(-1)
        if self.slope.shape != rows.shape[::-1] or self.slope.dtype != y.dtype:
            self.slope = self.buffers["slope", rows.shape[::-1], y.dtype]
            self.flat, self.samples = self.slope.reshape(-1), np.arange(len(rows))
            self.count = constant(len(rows), self.samples.dtype)
            self.classes, self.ones = np.ones(y.shape[-1], y.dtype), np.ones(len(rows), y.dtype)
        self.y, z = y, self.slope
        z[...] = rows.T
        z -= np.maximum.reduce(z, axis=0)
        places = right * self.count  # flat indices: one is faster than two
        places += self.samples
        chosen = self.flat[places]
        np.exp(z, out=z)
        total = self.classes.dot(z)
        z /= total
        self.flat[places] -= constant(1.0, y.dtype)
        elements = np.subtract(np.log(total, out=total), chosen, out=chosen)
        return float(self.ones.dot(elements)) * self._set_factor(len(elements))

    def backward(self) -> np.ndarray:
        if not self.fast:
            return super().backward()
        dy = np.multiply(self.slope, self._factor, out=self.like("dy", self.slope))
        return dy.T.reshape(self.y.shape)
