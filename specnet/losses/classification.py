"""Losses on classes."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.errors import DataError, ShapeError
from specnet.functions import sigmoid, softmax
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
    epsilon: float = Field(
        default=1e-12, ge=1e-30, lt=0.5, description="probability below which log becomes its tangent"
    )

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        self.target = target
        self.yes, log_yes = self._log(y)
        self.no, log_no = self._log(1.0 - y)
        return self._reduce(-(target * log_yes + (1.0 - target) * log_no))

    def _log(self, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p limited from below, and log p with its tangent below the limit; 1 / limited is the derivative."""
        limited = np.maximum(p, self.epsilon)
        return limited, np.log(limited) + (np.minimum(p, self.epsilon) - self.epsilon) / self.epsilon

    def backward(self) -> np.ndarray:
        dy = (1.0 - self.target) / self.no - self.target / self.yes
        dy *= self._scale(dy.size)
        return dy


class BceWithLogits(Binary):
    """Binary cross-entropy on logits z: L = mean max(z, 0) - z t + log(1 + exp(-|z|)).

    The same number as `bce` after a sigmoid, without its loss of digits; dy = (sigmoid(z) - t) / n.
    """

    takes = "logits"

    def forward(self, y: np.ndarray, target: np.ndarray) -> float:
        self.y, self.target = y, target
        return self._reduce(np.maximum(y, 0.0) - y * target + np.log1p(np.exp(-np.abs(y))))

    def backward(self) -> np.ndarray:
        dy = sigmoid(self.y)
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
        shifted = y - np.max(y, axis=-1, keepdims=True)
        self.p = np.exp(shifted)
        total = np.sum(self.p, axis=-1, keepdims=True)
        self.p /= total
        log_p = shifted - np.log(total)
        self.target = target
        if target.ndim == y.ndim:
            return self._reduce(-np.sum(target * log_p, axis=-1))
        return self._reduce(-np.take_along_axis(log_p, target[..., np.newaxis], axis=-1))

    def backward(self) -> np.ndarray:
        dy, target = self.p, self.target
        if target.ndim == dy.ndim:
            dy = dy * np.sum(target, axis=-1, keepdims=True)
            dy -= target
        else:
            classes = target[..., np.newaxis]
            dy = dy.copy()
            np.put_along_axis(dy, classes, np.take_along_axis(dy, classes, axis=-1) - 1.0, axis=-1)
        dy *= self._scale(dy.size // dy.shape[-1])
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
