"""Losses on yes or no, for each output separately."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.functions import sigmoid, softplus
from specnet.losses.base import ElementwiseLoss, Loss, check_target_probabilities
from specnet.losses.classes import ClassLoss
from specnet.task import Shape
from specnet.weights import total_weight


class Binary(Loss):
    """A loss on yes or no: a target is the probability of yes, for each output."""

    learns = ("binary", "multilabel")

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        if classes is not None and classes > 2:
            raise ShapeError(
                f"the targets have {classes} classes, but a binary loss needs two",
                pointer=("layers",),
                help=f"use cross_entropy and a last layer of {classes} units",
            )
        super().check_shapes(output_shape, target_shape)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        target = super().prepare(target, output_shape, dtype)
        check_target_probabilities(target)
        return target


class BinaryElementwise(ClassLoss, Binary, ElementwiseLoss):
    """A loss on yes or no that is a sum over outputs; with one output both answers may have a weight."""

    def class_numbers(self, target: np.ndarray) -> np.ndarray:
        return (target >= 0.5).astype(np.int64)


class SmoothedBinary(BinaryElementwise):
    """A loss on yes or no whose targets may be smoothed: t (1 - s) + s / 2. Szegedy et al., 2016."""

    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="s: how far targets move towards 0.5")

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        target = super().prepare(target, output_shape, dtype)
        return target * (1 - self.label_smoothing) + self.label_smoothing / 2 if self.label_smoothing else target


class OnLogits(Loss):
    """A loss on logits of yes or no."""

    takes = "logits"

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return sigmoid(y)


class Bce(SmoothedBinary):
    """Binary cross-entropy on probabilities: L = mean -(t log y + (1 - t) log(1 - y)).

    dy = ((1 - t) / (1 - y) - t / y) / n. Below `epsilon` the logarithm is continued by its tangent, so that an
    exact 0 or 1 has a finite loss, and a finite gradient that is still the derivative of that loss.
    """

    takes = "probabilities"
    examples = ({"epsilon": 0.2}, {"label_smoothing": 0.1})
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


class BceWithLogits(OnLogits, SmoothedBinary):
    """Binary cross-entropy on logits z: L = mean max(z, 0) - z t + log(1 + exp(-|z|)).

    The same number as `bce` after a sigmoid, without its loss of digits; dy = (sigmoid(z) - t) / n. `pos_weight`
    multiplies the term of positive targets, t log(1 + exp(-z)).
    """

    examples = ({"pos_weight": 3.0}, {"label_smoothing": 0.1})
    pos_weight: float = Field(default=1.0, gt=0, description="weight of positive targets; above 1, more are found")

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        if self.pos_weight == 1:
            return softplus(y) - y * t
        return (1 - t) * softplus(y) + self.pos_weight * t * softplus(-y)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        if self.pos_weight == 1:
            return sigmoid(y) - t
        return (1 - t) * sigmoid(y) - self.pos_weight * t * sigmoid(-y)


class Focal(OnLogits, SmoothedBinary):
    """Focal loss on logits z: binary cross-entropy with less weight on outputs that are already good.

    With p = sigmoid(z), L = mean -(a t (1 - p)^gamma log p + (1 - a) (1 - t) p^gamma log(1 - p)), where without `alpha`
    both factors are 1; `gamma` 0 is `bce_with_logits`. Derivatives of the terms of t = 1 and t = 0:
    (1 - p)^gamma (gamma p log p - (1 - p)) and p^gamma (p - gamma (1 - p) log(1 - p)). Lin et al., "Focal loss for
    dense object detection", 2017.
    """

    examples = ({"gamma": 0.5, "alpha": 0.25}, {"gamma": 0.0}, {"label_smoothing": 0.1})
    gamma: float = Field(default=2.0, ge=0, description="exponent; the larger, the less good outputs count")
    alpha: float | None = Field(
        default=None, gt=0, lt=1, description="weight of positive targets, and 1 - alpha of others"
    )

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        yes, no = self.factors(t)
        return yes * sigmoid(-y) ** self.gamma * softplus(-y) + no * sigmoid(y) ** self.gamma * softplus(y)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        (yes, no), p, q = self.factors(t), sigmoid(y), sigmoid(-y)
        rising = p**self.gamma * (p + self.gamma * q * softplus(y))
        falling = q**self.gamma * (q + self.gamma * p * softplus(-y))
        return no * rising - yes * falling

    def factors(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what yes and no count for targets."""
        if self.alpha is None:
            return t, 1 - t
        return self.alpha * t, (1 - self.alpha) * (1 - t)


class Hinge(OnLogits, BinaryElementwise):
    """Hinge loss on scores y: L = mean max(0, 1 - s y), where s = 2 t - 1 is -1 or 1; dy = -s / n where s y < 1.

    Predictions are sigmoid(y), from 0.5 on if y is not negative; they are not calibrated. Cortes & Vapnik,
    "Support-vector networks", 1995.
    """

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.maximum(0, 1 - (2 * t - 1) * y)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        s = 2 * t - 1
        return -s * (s * y < 1)


class SquaredHinge(Hinge):
    """The square of the hinge loss: L = mean max(0, 1 - s y)^2, dy = -2 s max(0, 1 - s y) / n, with s = 2 t - 1.

    Predictions are as for `hinge`. Lee & Mangasarian, "SSVM", 2001.
    """

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.square(super().element(y, t))

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        s = 2 * t - 1
        return -2 * s * np.maximum(0, 1 - s * y)


class Dice(Binary):
    """Dice loss on probabilities, for masks: L = mean over samples of 1 - (2 sum y t + c) / (sum y + sum t + c).

    Sums are over all outputs of a sample, and c is `smooth`. With u and v, the numerator and the denominator,
    dy = (u - 2 t v) / v^2 / n. Milletari, Navab & Ahmadi, "V-Net", 2016; here without squares in the denominator.
    """

    takes = "probabilities"
    examples = ({"smooth": 0.1},)
    smooth: float = Field(default=1.0, gt=0, description="c, which bounds the loss of small masks")

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        axes = tuple(range(1, y.ndim))
        self.y, self.target = y, target
        self.u = 2 * (y * target).sum(axis=axes, keepdims=True) + self.smooth
        self.v = (y + target).sum(axis=axes, keepdims=True) + self.smooth
        return self.reduce((1 - self.u / self.v).reshape(len(y)), weight)

    def backward(self) -> np.ndarray:
        return self.scale((self.u - 2 * self.target * self.v) / np.square(self.v))

    def total_weight(self, shape: Shape, weight: np.ndarray | None = None) -> float:
        return total_weight(shape[:1], weight)
