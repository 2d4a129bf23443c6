"""Losses on classes."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.errors import DataError, ShapeError
from specnet.functions import sigmoid, softmax, softplus
from specnet.losses.base import ElementwiseLoss, Loss, check_target_probabilities
from specnet.task import Shape, Task


class Binary(ElementwiseLoss):
    """The two forms of binary cross-entropy: a target is the probability of yes, for each output."""

    learns = ("binary", "multilabel")

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        if classes is not None and classes > 2:
            raise ShapeError(
                f"the targets are of {classes} classes, a binary loss needs two",
                pointer=("layers",),
                help=f"use cross_entropy and a last layer of {classes} units",
            )
        super().check_shapes(output_shape, target_shape)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        target = super().prepare(target, output_shape, dtype)
        check_target_probabilities(target)
        return target


class Bce(Binary):
    """Binary cross-entropy on probabilities: L = mean -(t log y + (1 - t) log(1 - y)).

    dy = ((1 - t) / (1 - y) - t / y) / n. Below `epsilon` the logarithm is continued by its tangent, so that an
    exact 0 or 1 has a finite loss, and a finite gradient that is still the derivative of that loss.
    """

    takes = "probabilities"
    examples = ({"epsilon": 0.2},)
    epsilon: float = Field(
        default=1e-12, ge=1e-30, lt=0.5, description="probability below which log becomes its tangent"
    )

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return -(t * self.log(y) + (1 - t) * self.log(1 - y))

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return (1 - t) / np.maximum(1 - y, self.epsilon) - t / np.maximum(y, self.epsilon)

    def log(self, p: np.ndarray) -> np.ndarray:
        """Return log p, or below epsilon its tangent at epsilon."""
        limited = np.maximum(p, self.epsilon)
        return np.log(limited) + (p - limited) / self.epsilon


class BceWithLogits(Binary):
    """Binary cross-entropy on logits z: L = mean max(z, 0) - z t + log(1 + exp(-|z|)).

    The same number as `bce` after a sigmoid, without its loss of digits; dy = (sigmoid(z) - t) / n.
    """

    takes = "logits"

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return softplus(y) - y * t

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return sigmoid(y) - t

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return sigmoid(y)


class CrossEntropy(Loss):
    """Cross-entropy of softmax on logits z: L = mean over samples of -sum_k t_k log softmax(z)_k.

    Targets are class numbers (n, ...) or distributions over classes (n, ..., k), one-hot for instance. With
    p = softmax(z), dz = (p sum_k t_k - t) / n, which is (p - t) / n where t sums to 1. An element of the mean is
    one distribution, not one logit.
    """

    takes = "logits"
    learns = ("multiclass", "binary")

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        if target.ndim < y.ndim:
            target = (target[..., np.newaxis] == np.arange(y.shape[-1])).astype(y.dtype)
        z = y - y.max(axis=-1, keepdims=True)  # the same softmax, without overflow
        exp_z = np.exp(z)
        total = exp_z.sum(axis=-1, keepdims=True)
        self.p, self.t = exp_z / total, target
        return self.reduce(-np.vecdot(target, z - np.log(total)), weight)

    def backward(self) -> np.ndarray:
        return self.scale(self.p * self.t.sum(axis=-1, keepdims=True) - self.t)

    def element_shape(self, output_shape: Shape) -> Shape:
        return output_shape[:-1]

    def units(self, task: Task, columns: int) -> int | None:
        return columns if columns > 1 else len(task.only.classes) or None

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return softmax(y)

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        count = output_shape[-1] if output_shape else 1
        if count < 2:
            raise ShapeError(
                f"cross_entropy needs an output for each class, the last layer returns {count}",
                pointer=("layers",),
                help="for two classes and one output use bce_with_logits",
            )
        rows = output_shape[:-1]
        if target_shape not in (output_shape, rows, (*rows, 1)):
            raise ShapeError(
                f"the targets have shape {target_shape}, the last layer returns shape {output_shape}: "
                f"cross_entropy takes class numbers of shape {rows} or one-hot {output_shape}",
                pointer=("layers",),
            )
        if classes is not None and classes > count:
            raise ShapeError(
                f"the targets are of {classes} classes, the last layer returns {count} outputs",
                pointer=("layers",),
                help=f"give the last layer {classes} units, or leave them out",
            )

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        self.check_shapes(output_shape, target.shape[1:])
        if target.shape[1:] == output_shape:
            check_target_probabilities(target)
            return target.astype(dtype)
        count, target = output_shape[-1], target.reshape(len(target), *output_shape[:-1])
        wrong = (target != np.rint(target)) | (target < 0) | (target >= count)
        if wrong.any():
            place = np.argwhere(wrong)[0]
            from_1 = target.min() == 1 and target.max() == count
            raise DataError(
                f"target {target[tuple(place)]:g} in {{place}} is not one of the classes 0 to {count - 1} "
                f"that the last layer's {count} outputs stand for",
                row=place[0],
                pointer=("loss",),
                help='the classes are numbered from 1: set transforms.targets to ["one_hot"], or subtract 1'
                if from_1
                else "give the last layer one unit for each class",
            )
        return target.astype(np.int64)
