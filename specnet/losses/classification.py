"""Losses on one of several classes."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.functions import log_softmax, sigmoid, softmax, softplus
from specnet.losses.base import Loss, check_target_probabilities, refuse_targets
from specnet.losses.classes import OneOfClasses, class_targets, other_outputs, other_shapes
from specnet.task import Shape, Task


class SoftmaxLoss(Loss):
    """A loss of p = softmax(z) and target distributions t, which `forward` sets: dz = (p sum_k t_k - t) / n."""

    takes = "logits"

    def backward(self) -> np.ndarray:
        return self.scale(self.p * self.t.sum(axis=-1, keepdims=True) - self.t)

    def element_shape(self, output_shape: Shape) -> Shape:
        return output_shape[:-1]

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return softmax(y)


class CrossEntropy(OneOfClasses, SoftmaxLoss):
    """Cross-entropy of softmax on logits z: L = mean over samples of -sum_k t_k log softmax(z)_k.

    Targets are class numbers (n, ...) or distributions over classes (n, ..., k), one-hot for instance. With
    p = softmax(z), dz = (p sum_k t_k - t) / n, which is (p - t) / n where t sums to 1. An element of the mean is
    one distribution, not one logit. `label_smoothing` s makes targets t (1 - s) + s / k; Szegedy et al., 2016.
    """

    learns = ("multiclass", "binary")
    examples = ({"label_smoothing": 0.1},)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="s: how far targets move towards 1 / k")

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        weight, target = self.weigh(target, weight), self.distributions(target, y)
        z = y - y.max(axis=-1, keepdims=True)  # the same softmax, without overflow
        exp_z = np.exp(z)
        total = exp_z.sum(axis=-1, keepdims=True)
        self.p, self.t = exp_z / total, target
        return self.reduce(-np.vecdot(target, z - np.log(total)), weight)

    def distributions(self, target: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return targets as smoothed distributions over classes, in the shape of outputs y."""
        if target.ndim < y.ndim:
            target = (target[..., np.newaxis] == np.arange(y.shape[-1])).astype(y.dtype)
        if self.label_smoothing:
            target = target * (1 - self.label_smoothing) + self.label_smoothing / y.shape[-1]
        return target

    def units(self, task: Task, columns: int) -> int | None:
        return columns if columns > 1 else len(task.only.classes) or None

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        count = output_shape[-1] if output_shape else 1
        if count < 2:
            raise ShapeError(
                f"this loss needs an output for each class, but the last layer returns {count}",
                pointer=("layers",),
                help="for two classes and one output use bce_with_logits",
            )
        rows = output_shape[:-1]
        if target_shape not in (output_shape, rows, (*rows, 1)):
            raise other_shapes("the loss", target_shape, output_shape, output_shape)
        if classes is not None and classes > count:
            raise other_outputs(classes, count, classes)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        self.check_shapes(output_shape, target.shape[1:])
        if target.shape[1:] == output_shape:
            check_target_probabilities(target)
            return target.astype(dtype)
        return class_targets(target, output_shape[:-1], output_shape[-1], self.ignore_index)


class CategoricalFocal(CrossEntropy):
    """Focal loss on logits z of several classes: cross-entropy with less weight on outputs that are already good.

    With p = softmax(z), L = mean over samples of -sum_k t_k (1 - p_k)^gamma log p_k; `gamma` 0 is `cross_entropy`. With
    u_k = t_k (1 - p_k)^gamma (1 - gamma p_k log p_k / (1 - p_k)), dz = (p sum_k u_k - u) / n. Targets are those of
    `cross_entropy`; factors of classes are `class_weight`. Lin et al., "Focal loss for dense object detection", 2017.
    """

    examples = ({"gamma": 0.5, "label_smoothing": 0.1},)
    gamma: float = Field(default=2.0, ge=0, description="exponent; the larger, the less good outputs count")

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        weight, t = self.weigh(target, weight), self.distributions(target, y)
        log_p = log_softmax(y)
        self.p, q = np.exp(log_p), -np.expm1(log_p)
        ratio = np.where(q > 0, log_p / np.where(q > 0, q, 1), -1)  # its limit
        self.t = t * q**self.gamma * (1 - self.gamma * self.p * ratio)
        return self.reduce(-np.vecdot(t, q**self.gamma * log_p), weight)


class KlDivergence(SoftmaxLoss):
    """Divergence of softmax on logits z from target distributions: L = mean over samples of sum_k t_k log(t_k / p_k).

    p = softmax(z), and 0 log 0 = 0. It is cross-entropy minus the entropy of the targets, so its minimum is 0; dz =
    (p sum_k t_k - t) / n. Kullback & Leibler, "On information and sufficiency", 1951.
    """

    learns = ("regression", "multiclass")
    examples = ({"log_target": True},)
    log_target: bool = Field(default=False, description="whether targets are logarithms of probabilities")

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        self.t = np.exp(target) if self.log_target else target
        log_t = target if self.log_target else np.log(np.where(target > 0, target, 1))
        log_p = log_softmax(y)
        self.p = np.exp(log_p)
        return self.reduce(np.vecdot(self.t, log_t - log_p), weight)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        target = super().prepare(target, output_shape, dtype)
        if self.log_target:
            help = "with log_target, targets are logarithms of probabilities"
            refuse_targets(target, target > 0, "is not the logarithm of a probability", help)
        else:
            help = "targets are distributions; set log_target if they are logarithms"
            refuse_targets(target, (target < 0) | (target > 1), "is outside the range from 0 to 1", help)
        return target


class OrdinalCrossEntropy(OneOfClasses):
    """Cross-entropy of classes in an order, 0 < 1 < ... < k - 1, with an output for each step from one to the next.

    Output j is the logit of a step to the next class: p(class > j | class >= j) = sigmoid(y_j), and L = mean over
    samples of sum_j m_j (log(1 + exp(y_j)) - t_j y_j), where t_j is 1 if the class c > j, and m_j if c >= j;
    dy = m (sigmoid(y) - t) / n. The probability of class j is the product of all steps up to it, times that of stopping
    there. Shi, Cao & Raschka, "Deep neural networks for rank-consistent ordinal regression based on conditional
    probabilities", 2023.
    """

    takes = "logits"
    learns = ("multiclass",)
    examples = ({"ignore_index": 1},)

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        weight, steps = self.weigh(target, weight), np.arange(y.shape[-1])
        self.y, self.t = y, (target[..., np.newaxis] > steps).astype(y.dtype)
        self.m = (target[..., np.newaxis] >= steps).astype(y.dtype)
        return self.reduce(np.vecdot(self.m, softplus(y) - self.t * y), weight)

    def backward(self) -> np.ndarray:
        return self.scale(self.m * (sigmoid(self.y) - self.t))

    def predictions(self, y: np.ndarray) -> np.ndarray:
        above = np.cumprod(sigmoid(y), axis=-1)  # p(class > j)
        ends = np.ones_like(y[..., :1])
        return np.concatenate([ends, above], axis=-1) - np.concatenate([above, 0 * ends], axis=-1)

    def element_shape(self, output_shape: Shape) -> Shape:
        return output_shape[:-1]

    def units(self, task: Task, columns: int) -> int | None:
        classes = columns if columns > 1 else len(task.only.classes)
        return classes - 1 if classes else None

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        rows, count = output_shape[:-1], output_shape[-1] if output_shape else 0
        if count < 2:
            raise ShapeError(
                f"ordinal needs three classes or more, and one output less; the last layer returns {count}",
                pointer=("layers",),
                help="for two classes use bce_with_logits",
            )
        if target_shape not in (rows, (*rows, 1), (*rows, count + 1)):
            raise other_shapes("ordinal", target_shape, output_shape, (*rows, count + 1))
        if classes is not None and classes != count + 1:
            raise other_outputs(classes, count, classes - 1)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        self.check_shapes(output_shape, target.shape[1:])
        count = output_shape[-1] + 1
        if target.shape[1:] == (*output_shape[:-1], count):
            refuse_targets(target, (target != 0) & (target != 1), "is not 0 or 1", "ordinal takes one-hot classes")
            target = target.argmax(axis=-1)
        return class_targets(target, output_shape[:-1], count, self.ignore_index)
