"""Losses on classes."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.errors import DataError, ShapeError
from specnet.functions import constant, maximum, sigmoid, softmax
from specnet.losses.base import Loss, Shape, check_probabilities


class Binary(Loss):
    """What the two forms of binary cross-entropy share: a target is the probability of yes, for each output."""

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        if classes is not None and classes > 2:
            raise ShapeError(
                f"the targets are of {classes} classes, a binary loss tells two apart",
                pointer=("layers",),
                help=f"use cross_entropy and a last layer of {classes} units",
            )
        super().check_shapes(output_shape, target_shape)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        target = super().prepare(target, output_shape, dtype)
        check_probabilities(target)
        return target


class Bce(Binary):
    """Binary cross-entropy on probabilities: L = mean -(t log y + (1 - t) log(1 - y)).

    dy = ((1 - t) / (1 - y) - t / y) / n. Below `epsilon` the logarithm is continued by its tangent, so that an
    exact 0 or 1 has a finite loss, and a finite gradient that is still the derivative of that loss.
    """

    takes = "probabilities"
    arrays = 8
    examples = ({"epsilon": 0.2},)
    epsilon: float = Field(
        default=1e-12, ge=1e-30, lt=0.5, description="probability below which log becomes its tangent"
    )

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        # The answers yes and no side by side: their probabilities, and how much of each the targets say.
        p, self.t, self.limited, self.log_p = self.workspace("p", (4, 2, *y.shape), y.dtype)
        p[0], self.t[0] = y, target
        one = constant(1.0, y.dtype)
        np.subtract(one, y, out=p[1])
        np.subtract(one, target, out=self.t[1])
        np.maximum(p, constant(self.epsilon, y.dtype), out=self.limited)
        log_p = np.log(self.limited, out=self.log_p)
        p -= self.limited
        p *= constant(1.0 / self.epsilon, y.dtype)  # the tangent below the limit, 0 above
        log_p += p
        log_p *= self.t
        return -float(np.add.reduce(log_p, axis=None)) * self._scale(y.size)

    def backward(self) -> np.ndarray:
        yes, no = np.divide(self.t, self.limited, out=self.log_p)  # which nothing needs any more
        dy = np.subtract(no, yes, out=no)
        dy *= self._scale(dy.size)
        return dy


class BceWithLogits(Binary):
    """Binary cross-entropy on logits z: L = mean max(z, 0) - z t + log(1 + exp(-|z|)).

    The same number as `bce` after a sigmoid, without its loss of digits; dy = (sigmoid(z) - t) / n.
    """

    takes = "logits"
    arrays = 3

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        self.y, self.target = y, target
        element = np.abs(y, out=self.workspace("element", y.shape, y.dtype))
        np.negative(element, out=element)
        np.exp(element, out=element)
        np.log1p(element, out=element)
        term = self.workspace("term", y.shape, y.dtype)
        element += maximum(y, 0.0, term, out=term)
        element -= np.multiply(y, target, out=term)
        return self._reduce(element)

    def backward(self) -> np.ndarray:
        dy = sigmoid(self.y, out=self.workspace("dy", self.y.shape, self.y.dtype))
        dy -= self.target
        dy *= self._scale(dy.size)
        return dy

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return sigmoid(y)


class CrossEntropy(Loss):
    """Cross-entropy of softmax on logits z: L = mean over samples of -sum_k t_k log softmax(z)_k.

    Targets are class numbers (n, ...) or distributions over classes (n, ..., k), one-hot for instance. With
    p = softmax(z), dz = (p sum_k t_k - t) / n, which is (p - t) / n where t sums to 1. An element of the mean is
    one distribution, not one logit.
    """

    takes = "logits"

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        count = y.shape[-1]
        self.shape, self.target = y.shape, target
        # Classes come first here: sums over them then add up whole rows, several times as fast.
        self.p = p = self.workspace("p", (count, y.size // count), y.dtype)
        p[...] = y.reshape(-1, count).T
        top = np.maximum.reduce(p, axis=0)
        p -= top
        if target.ndim == y.ndim:
            t = target.reshape(-1, count).T
            self.mass, chosen = np.add.reduce(t, axis=0), np.einsum("kn,kn->n", t, p)
        else:
            self.places = np.arange(0, y.size, count) + target.reshape(-1)
            self.mass, chosen = None, y.reshape(-1)[self.places] - top
        np.exp(p, out=p)
        total = np.add.reduce(p, axis=0)
        p /= total
        log_total = np.log(total, out=total)
        return self._reduce(log_total - chosen if self.mass is None else self.mass * log_total - chosen)

    def backward(self) -> np.ndarray:
        dy = self.workspace("dy", self.shape, self.p.dtype)
        rows, scale = dy.reshape(-1, self.shape[-1]), self._scale(self.p.shape[1])
        if self.mass is None:
            np.multiply(self.p, scale, out=rows.T)
            rows.reshape(-1)[self.places] -= scale
        else:
            np.multiply(self.p, self.mass, out=rows.T)
            dy -= self.target
            dy *= scale
        return dy

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return softmax(y)

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        count = output_shape[-1] if output_shape else 1
        if count < 2:
            raise ShapeError(
                f"cross_entropy needs an output for each class, the last layer gives {count}",
                pointer=("layers",),
                help="for two classes and one output use bce_with_logits",
            )
        rows = output_shape[:-1]
        if target_shape not in (output_shape, rows, (*rows, 1)):
            raise ShapeError(
                f"the targets have shape {target_shape}, the last layer gives shape {output_shape}: "
                f"cross_entropy takes class numbers of shape {rows} or one-hot {output_shape}",
                pointer=("layers",),
            )
        if classes is not None and classes > count:
            raise ShapeError(
                f"the targets are of {classes} classes, the last layer gives {count} outputs",
                pointer=("layers",),
                help="give the last layer one unit for each class",
            )

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        self.check_shapes(output_shape, target.shape[1:])
        if target.shape[1:] == output_shape:
            check_probabilities(target)
            return target.astype(dtype)
        count, target = output_shape[-1], target.reshape(len(target), *output_shape[:-1])
        wrong = (target != np.rint(target)) | (target < 0) | (target >= count)
        if wrong.any():
            place = np.argwhere(wrong)[0]
            raise DataError(
                f"target {target[tuple(place)]:g} in row {place[0]} is not one of the classes 0 to {count - 1} "
                f"that the last layer's {count} outputs stand for",
                pointer=("loss",),
                help="give the last layer one unit for each class",
            )
        return target.astype(np.int64)
