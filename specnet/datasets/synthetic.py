"""Datasets drawn from formulas."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, Dataset, Outline, Samples


class Spiral(Dataset):
    """Two interleaved spiral arms in the plane, told apart by class 0 and 1.

    Arm i has half the points, with radius r from 0.2 to 5 and angle t = 3 pi (r - 0.2) / 4.8 + i pi plus normal
    noise; a point is (r sin t, r cos t).
    """

    computed: ClassVar[bool] = True
    n_points: int = Field(default=400, ge=4, le=10**7, multiple_of=2, description="points in both arms together")
    noise: float = Field(default=0.25, ge=0, description="standard deviation of the angle, in radians")

    def outline(self) -> Outline:
        return Outline((2,), (), self.n_points, (), classes=2)

    def load(self, rng: np.random.Generator) -> Data:
        count = self.n_points // 2
        radius = np.linspace(0.2, 5.0, count)
        arms = []
        for arm in range(2):
            angle = np.linspace(0.0, 3.0 * np.pi, count) + arm * np.pi + self.noise * rng.normal(size=count)
            arms.append(np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1))
        inputs, targets = np.concatenate(arms), np.repeat([0, 1], count)
        return Data(
            Samples(inputs, targets),
            classes=("arm 0", "arm 1"),
            input_names=("x", "y"),
            target_names=("arm",),
        )


class Waves(Dataset):
    """A curve of one variable in two pieces, with normal noise.

    Half the points lie evenly over [-10, 10] with y = sin(pi x / 2), the other half over [10, 20] with
    y = -0.01 x * x^sin(pi x).
    """

    computed: ClassVar[bool] = True
    n_points: int = Field(default=600, ge=4, le=10**7, multiple_of=2, description="points in both pieces together")
    noise: float = Field(default=0.1, ge=0, description="standard deviation of y")

    def outline(self) -> Outline:
        return Outline((1,), (1,), self.n_points, ())

    def load(self, rng: np.random.Generator) -> Data:
        count = self.n_points // 2
        x = np.concatenate([np.linspace(-10.0, 10.0, count), np.linspace(10.0, 20.0, count)])
        # The point x = 10 is in both pieces: each side keeps its own formula.
        y = np.concatenate([_sine(x[:count]), _power(x[count:])])
        y += self.noise * rng.normal(size=y.shape)
        return Data(Samples(x[:, np.newaxis], y[:, np.newaxis]), input_names=("x",), target_names=("y",))

    def function(self, x: np.ndarray) -> np.ndarray | None:
        inside = (x >= -10.0) & (x <= 20.0)
        y = np.where(x <= 10.0, _sine(x), _power(np.maximum(x, 10.0)))
        return np.where(inside, y, np.nan)


def _sine(x: np.ndarray) -> np.ndarray:
    return np.sin(0.5 * np.pi * x)


def _power(x: np.ndarray) -> np.ndarray:
    return -0.01 * x * x ** np.sin(np.pi * x)
