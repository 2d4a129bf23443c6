"""Losses on numbers."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from specnet.errors import ShapeError
from specnet.losses.base import ElementwiseLoss, Loss, refuse_targets
from specnet.task import Shape


class Mse(ElementwiseLoss):
    """Mean squared error: L = mean (y - t)^2, dy = 2 (y - t) / n."""

    quadratic = True

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.square(y - t)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return 2 * (y - t)


class Mae(ElementwiseLoss):
    """Mean absolute error: L = mean |y - t|, dy = sign(y - t) / n, and 0 where y = t."""

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.abs(y - t)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.sign(y - t)


class Huber(ElementwiseLoss):
    """Quadratic for small errors, linear for large ones. Huber, 1964.

    With e = y - t and c, which is e limited to [-delta, delta]: L = mean c (e - c / 2), dy = c / n. An element is
    e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2).
    """

    examples = ({"delta": 0.3},)
    delta: float = Field(default=1.0, gt=0, description="error at which the loss becomes linear")

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        e, c = y - t, self.slope(y, t)
        return c * (e - c / 2)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.clip(y - t, -self.delta, self.delta)


class LogCosh(ElementwiseLoss):
    """L = mean log cosh(y - t), dy = tanh(y - t) / n: like mse / 2 for small errors, like mae for large ones.

    With e = |y - t|, log cosh e = e + log(1 + exp(-2 e)) - log 2, which cannot overflow.
    """

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        e = np.abs(y - t)
        return e + np.log1p(np.exp(-2 * e)) - math.log(2)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.tanh(y - t)


class Mape(ElementwiseLoss):
    """Mean absolute error relative to the target: L = mean |y - t| / |t|, dy = sign(y - t) / (|t| n).

    It is a fraction: 0.1 is 10 percent. A target of 0 is refused.
    """

    learns = ("regression",)

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.abs((y - t) / t)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.sign(y - t) / np.abs(t)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        target = super().prepare(target, output_shape, dtype)
        refuse_targets(target, target == 0, "has no relative error", "mape divides by the targets: use mae or log_cosh")
        return target


class Msle(ElementwiseLoss):
    """Mean squared logarithmic error: L = mean (log(1 + y) - log(1 + t))^2, for targets of 0 or more.

    For outputs below 0, log(1 + y) is continued by its tangent y, so that their gradient leads back.
    """

    learns = ("regression",)

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.square(self.log(y) - np.log1p(t))

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return 2 * (self.log(y) - np.log1p(t)) / (1 + np.maximum(y, 0))

    def log(self, y: np.ndarray) -> np.ndarray:
        """Return log(1 + y), or y where y is negative."""
        return np.log1p(np.maximum(y, 0)) + np.minimum(y, 0)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        target = super().prepare(target, output_shape, dtype)
        refuse_targets(
            target, target < 0, "is negative", "msle compares logarithms of 1 + t: use mse, or shift targets"
        )
        return target


class PoissonNll(ElementwiseLoss):
    """Negative log-likelihood of counts t with a Poisson distribution of rate r: L = mean r - t log r, without log t!.

    Outputs are log r: L = mean exp(y) - t y, dy = (exp(y) - t) / n, and predictions are rates. With `log_input` false
    they are r itself; below 1e-8 its logarithm is continued by its tangent.
    """

    learns = ("regression",)
    examples = ({"log_input": False},)
    log_input: bool = Field(default=True, description="whether outputs are logarithms of rates")

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        if self.log_input:
            return np.exp(y) - t * y
        limited = np.maximum(y, 1e-8)
        return y - t * (np.log(limited) + (y - limited) / 1e-8)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.exp(y) - t if self.log_input else 1 - t / np.maximum(y, 1e-8)

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return np.exp(y) if self.log_input else y

    def example_outputs(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        return rng.normal(size=shape) if self.log_input else rng.uniform(0.1, 5.0, shape)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        target = super().prepare(target, output_shape, dtype)
        refuse_targets(target, target < 0, "is negative", "poisson_nll takes counts; for other numbers use mse")
        return target


class CosineDistance(Loss):
    """1 minus the cosine of the angle between outputs and targets: L = mean 1 - y.t / (|y| |t|) over the last axis.

    With u = y / |y| and v = t / |t|, dy = (u (u.v) - v) / (|y| n). Lengths below 1e-8 count as 1e-8. An element of the
    mean is one vector.
    """

    learns = ("regression",)

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        self.length = np.maximum(np.linalg.norm(y, axis=-1, keepdims=True), 1e-8)
        self.u = y / self.length
        self.v = target / np.maximum(np.linalg.norm(target, axis=-1, keepdims=True), 1e-8)
        self.cosine = np.vecdot(self.u, self.v)
        return self.reduce(1 - self.cosine, weight)

    def backward(self) -> np.ndarray:
        return self.scale((self.u * self.cosine[..., np.newaxis] - self.v) / self.length)

    def element_shape(self, output_shape: Shape) -> Shape:
        return output_shape[:-1]

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        super().check_shapes(output_shape, target_shape)
        if output_shape[-1:] in ((), (1,)):
            raise ShapeError(
                "cosine_distance compares directions, but there is only one output", pointer=("layers",), help="use mse"
            )
