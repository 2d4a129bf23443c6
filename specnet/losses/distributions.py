"""Losses whose outputs describe a distribution of each target.

Where a target has several outputs, those of all targets are side by side: first all means, for instance, then all
logarithms of variances.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from specnet.errors import ShapeError
from specnet.functions import sigmoid, softplus
from specnet.losses.base import ElementwiseLoss, Loss
from specnet.task import Shape, Task


class SeveralOutputs(Loss):
    """A loss with several outputs for each target, as many as `per_target` says."""

    learns = ("regression",)

    per_target: ClassVar[Any]
    """Number of outputs for each target. May be a property that depends on fields."""

    def units(self, task: Task, columns: int) -> int | None:
        return self.per_target * columns

    def check_shapes(self, output_shape: Shape, target_shape: Shape, classes: int | None = None) -> None:
        outputs = output_shape or (1,)
        targets = self.targets_of(outputs)
        if outputs[-1] % self.per_target or (target_shape != targets and (target_shape, targets) != ((), (1,))):
            raise ShapeError(
                f"the last layer returns shape {output_shape}, but the targets have shape {target_shape}: "
                f"the loss needs {self.per_target} outputs for each target",
                pointer=("layers",),
                help=f"give the last layer {self.per_target * math.prod(target_shape[-1:])} units, or leave them out",
            )

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        self.check_shapes(output_shape, target.shape[1:])
        return target.reshape(len(target), *self.targets_of(output_shape)).astype(dtype)

    def targets_of(self, output_shape: Shape) -> Shape:
        """Return the shape of targets for outputs of a shape."""
        return (*output_shape[:-1], output_shape[-1] // self.per_target)


class LocationScale(SeveralOutputs):
    """A loss on the location m of each target and the logarithm s of its spread; predictions are locations.

    `forward` sets `error`, m - t, and of the spread b = exp(s) + epsilon: `log` b, `inverse` 1 / b, `share` exp(s) / b.
    """

    per_target = 2
    examples = ({"epsilon": 0.1},)
    epsilon: float = Field(default=1e-6, ge=1e-30, description="least variance or scale")

    def forward(self, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
        location, s = np.split(y, 2, axis=-1)
        above = s - math.log(self.epsilon)
        self.error, self.share = location - target, sigmoid(above)
        self.log = softplus(above) + math.log(self.epsilon)
        self.inverse = np.exp(-self.log)
        return self.reduce(self.element(), weight)

    def backward(self) -> np.ndarray:
        return np.concatenate([self.scale(slope) for slope in self.slopes()], axis=-1)

    @abstractmethod
    def element(self) -> np.ndarray:
        """Return the loss of each target."""

    @abstractmethod
    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the derivatives of `element` by location and by logarithm."""

    def element_shape(self, output_shape: Shape) -> Shape:
        return self.targets_of(output_shape)

    def predictions(self, y: np.ndarray) -> np.ndarray:
        return y[..., : y.shape[-1] // 2]


class GaussianNll(LocationScale):
    """Negative log-likelihood of a normal distribution: L = mean (log v + e^2 / v) / 2, without log(2 pi) / 2.

    For k targets there are 2 k outputs: k means m, then k log-variances s. e = m - t and v = exp(s) + epsilon;
    dm = e / v / n and ds = (1 - e^2 / v) exp(s) / v / (2 n). Predictions are means. Nix & Weigend, "Estimating the mean
    and variance of the target probability distribution", 1994.
    """

    def element(self) -> np.ndarray:
        return 0.5 * (self.log + np.square(self.error) * self.inverse)

    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        scaled = self.error * self.inverse
        return scaled, 0.5 * (1 - self.error * scaled) * self.share


class LaplaceNll(LocationScale):
    """Negative log-likelihood of a Laplace distribution: L = mean log b + |e| / b, without log 2.

    For k targets there are 2 k outputs: k medians m, then k logarithms s of scales. e = m - t and b = exp(s) + epsilon;
    dm = sign(e) / b / n and ds = (1 - |e| / b) exp(s) / b / n. Predictions are medians, as for mae.
    """

    def element(self) -> np.ndarray:
        return self.log + np.abs(self.error) * self.inverse

    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        return np.sign(self.error) * self.inverse, (1 - np.abs(self.error) * self.inverse) * self.share


def _increasing(quantiles: list[float]) -> list[float]:
    if sorted(set(quantiles)) != quantiles:
        raise ValueError("quantiles should be in increasing order")
    return quantiles


Share = Annotated[float, Field(gt=0, lt=1)]


class Quantile(SeveralOutputs, ElementwiseLoss):
    """Quantile or pinball loss: L = mean max(q (t - y), (q - 1) (t - y)), dy = (1 - q) / n where y > t, else -q / n.

    There is one output for each quantile q of each target: first the lowest quantile of all targets, then the next one.
    All of them are predicted. With q = 0.5 it is half of mae. Koenker & Bassett, "Regression quantiles", 1978.
    """

    examples = ({"quantiles": [0.1, 0.5, 0.9]},)
    quantiles: Annotated[list[Share], AfterValidator(_increasing)] = Field(
        default=[0.5], min_length=1, description="share of targets that should be below each output"
    )

    @property
    def per_target(self) -> int:
        return len(self.quantiles)

    def predictions_per_target(self) -> int:
        return self.per_target

    def element(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return (t - y) * -self.slope(y, t)

    def slope(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        q = np.repeat(np.array(self.quantiles, y.dtype), y.shape[-1] // self.per_target)
        return np.where(y > t, 1 - q, -q)

    def prepare(self, target: np.ndarray, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        return np.tile(super().prepare(target, output_shape, dtype), self.per_target)
