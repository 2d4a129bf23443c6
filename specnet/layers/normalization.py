"""Layers that normalize: mean 0 and variance 1 of some numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from specnet.errors import ShapeError
from specnet.initializers.base import Initializer
from specnet.layers.weighted import TrainableLayer
from specnet.task import Shape


class Normalization(TrainableLayer):
    """y = gamma z + beta, with z the normalized x and one gamma and beta for each feature.

    dgamma = sum(dy z) and dbeta = sum(dy) over the batch and leading axes, dz = gamma dy.
    """

    axes = (..., "features")
    output = "numbers"
    epsilon: float = Field(default=1e-5, gt=0, description="added to the variance")
    center: bool = Field(default=True, description="whether to add beta")
    scale: bool = Field(default=True, description="whether to multiply by gamma")
    gamma_init: Initializer = Field(default="ones", description="initial gamma")  # type: ignore[assignment]
    beta_init: Initializer = Field(default="zeros", description="initial beta")  # type: ignore[assignment]

    def build(self, input_shape: Shape) -> Shape:
        if self.scale:
            self.declare("gamma", input_shape[-1:], self.gamma_init)
        if self.center:
            self.declare("beta", input_shape[-1:], self.beta_init)
        return input_shape

    def flops(self) -> int:
        return 6 * super().flops()

    @abstractmethod
    def normalize(self, x: np.ndarray, training: bool) -> np.ndarray:
        """Return z."""

    @abstractmethod
    def slope(self, dz: np.ndarray) -> np.ndarray:
        """Return dx, given dz."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        y = self.z = self.normalize(x, training)
        if self.scale:
            y = self.gamma * y
        return y + self.beta if self.center else y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        over = tuple(range(dy.ndim - 1))
        if self.scale:
            np.sum(dy * self.z, axis=over, out=self.grad.gamma)
        if self.center:
            np.sum(dy, axis=over, out=self.grad.beta)
        return self.slope(self.gamma * dy if self.scale else dy)


class LayerNorm(Normalization):
    """y = gamma z + beta with z = (x - mean) / std, mean and std of the features of each position.

    std^2 = variance + epsilon; dx = (dz - mean(dz) - z mean(dz z)) / std. Ba et al., "Layer normalization", 2016.
    """

    mask = "keep"
    examples = ({}, {"center": False, "epsilon": 0.1}, {"scale": False})

    def normalize(self, x: np.ndarray, training: bool) -> np.ndarray:
        centred = x - np.mean(x, axis=-1, keepdims=True)
        self.std = np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + self.epsilon)
        return centred / self.std

    def slope(self, dz: np.ndarray) -> np.ndarray:
        along = np.mean(dz * self.z, axis=-1, keepdims=True)
        return (dz - np.mean(dz, axis=-1, keepdims=True) - self.z * along) / self.std


class RmsNorm(Normalization):
    """y = gamma z with z = x / rms, rms^2 = mean(x^2) + epsilon over the features of each position.

    dx = (dz - z mean(dz z)) / rms. Zhang & Sennrich, "Root mean square layer normalization", 2019.
    """

    mask = "keep"
    examples = ({}, {"center": True, "epsilon": 0.1}, {"scale": False})
    epsilon: float = Field(default=1e-6, gt=0, description="added to the mean of squares")
    center: bool = Field(default=False, description="whether to add beta")

    def normalize(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.rms = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.epsilon)
        return x / self.rms

    def slope(self, dz: np.ndarray) -> np.ndarray:
        return (dz - self.z * np.mean(dz * self.z, axis=-1, keepdims=True)) / self.rms


class GroupNorm(Normalization):
    """y = gamma z + beta with z = (x - mean) / std, mean and std of a group of features at all positions of a sample.

    std^2 = variance + epsilon; dx = (dz - mean(dz) - z mean(dz z)) / std. With as many groups as features it is called
    instance normalization. Wu & He, "Group normalization", 2018.
    """

    examples = ({"groups": 1, "center": False, "scale": False},)
    groups: PositiveInt = Field(description="number of groups of features", examples=[1])

    def build(self, input_shape: Shape) -> Shape:
        if input_shape[-1] % self.groups:
            raise ShapeError(
                f"has {self.groups} groups, which do not divide {input_shape[-1]} features", pointer=("groups",)
            )
        return super().build(input_shape)

    def grouped(self, x: np.ndarray) -> np.ndarray:
        """Return x with the axes (n, positions, groups, features of a group)."""
        return x.reshape(len(x), -1, self.groups, x.shape[-1] // self.groups)

    def normalize(self, x: np.ndarray, training: bool) -> np.ndarray:
        grouped = self.grouped(x)
        centred = grouped - np.mean(grouped, axis=(1, 3), keepdims=True)
        self.std = np.sqrt(np.mean(centred * centred, axis=(1, 3), keepdims=True) + self.epsilon)
        return (centred / self.std).reshape(x.shape)

    def slope(self, dz: np.ndarray) -> np.ndarray:
        grouped, z = self.grouped(dz), self.grouped(self.z)
        along = np.mean(grouped * z, axis=(1, 3), keepdims=True)
        return ((grouped - np.mean(grouped, axis=(1, 3), keepdims=True) - z * along) / self.std).reshape(dz.shape)


class BatchStatistics(Normalization):
    """A normalization by means over the batch: of positions that count and, if `over_shards` is set, of all shards."""

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        self.over_shards: Callable[[np.ndarray], np.ndarray] | None = None  # their sum; training sets it

    def mean(self, x: np.ndarray) -> np.ndarray:
        """Return the mean of each feature over batch and leading axes."""
        if self.over_shards and not self.within.singly:  # where layers run singly, a shard is looked at by itself
            rows = (x if self.mask is None else x[self.mask]).reshape(-1, x.shape[-1])
            total = self.over_shards(np.append(rows.sum(axis=0), x.dtype.type(len(rows))))
            return total[:-1] / max(total[-1], x.dtype.type(1))
        if self.mask is None:
            return np.mean(x, axis=tuple(range(x.ndim - 1)))
        rows = x[self.mask].reshape(-1, x.shape[-1])
        return np.sum(rows, axis=0) / max(len(rows), 1)


class BatchNorm(BatchStatistics):
    """y = gamma z + beta with z = (x - mean) / std, mean and std of each feature over the batch and leading axes.

    std^2 = variance + epsilon; dx = (dz - mean(dz) - z mean(dz z)) / std. Without training, mean and variance are the
    moving averages m <- momentum m + (1 - momentum) mean, and dx = dz / std. Masked positions do not count. If a batch
    is divided into shards, means are those of a shard, or with `synchronized` those of the batch. Ioffe & Szegedy,
    "Batch normalization", 2015.
    """

    mask: ClassVar[Any] = "use"
    examples = ({}, {"momentum": 0.5, "center": False}, {"scale": False, "epsilon": 0.1}, {"synchronized": True})
    momentum: float = Field(
        default=0.9, ge=0, lt=1, description="share of a moving average that a step keeps; 1 minus PyTorch's"
    )
    synchronized: bool = Field(
        default=False, description="whether statistics are those of all shards of a batch, not of each shard"
    )

    def build(self, input_shape: Shape) -> Shape:
        self.declare_state("moving_mean", input_shape[-1:])
        self.declare_state("moving_variance", input_shape[-1:], 1.0)
        return super().build(input_shape)

    def normalize(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.training = training
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            mean = self.mean(x)
        centred = x - mean
        if training:
            variance = self.mean(centred * centred)
            self.moving_mean += (1 - self.momentum) * (mean - self.moving_mean)
            self.moving_variance += (1 - self.momentum) * (variance - self.moving_variance)
        self.std = np.sqrt(variance + self.epsilon)
        return centred / self.std

    def slope(self, dz: np.ndarray) -> np.ndarray:
        if not self.training:
            return dz / self.std
        through_statistics = self.mean(dz) + self.z * self.mean(dz * self.z)
        if self.mask is not None:
            through_statistics[np.logical_not(self.mask)] = 0
        return (dz - through_statistics) / self.std
