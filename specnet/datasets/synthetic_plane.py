"""Classes of points in the plane, drawn from formulas."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from specnet.datasets.base import Data, Dataset, Outline, Samples


class Plane(Dataset):
    """Points in the plane, the same number of each class; the first classes have one more if they cannot be equal."""

    synthetic = True
    target_name: ClassVar[str] = "class"
    names: ClassVar[Any] = ("0", "1")
    """The names of the classes. May be a property that depends on fields, as may `spread`."""
    spread: ClassVar[Any] = 0.0
    """The standard deviation of the normal noise that is added to each coordinate."""
    n_samples: int = Field(default=400, ge=4, le=10**7, description="points of all classes together")

    @abstractmethod
    def draw(self, counts: Sequence[int], rng: np.random.Generator) -> Sequence[np.ndarray]:
        """Return the points (count, 2) of each class."""

    @model_validator(mode="after")
    def _each_class_has_points(self) -> Self:
        if self.n_samples < 2 * len(self.names):
            raise ValueError(f"n_samples is {self.n_samples}, but {len(self.names)} classes need at least two each")
        return self

    def outline(self) -> Outline:
        names = (*self.names,)
        return Outline((2,), (), self.n_samples, (), len(names), "classes", class_names=names)

    def load(self, rng: np.random.Generator) -> Data:
        k = len(self.names)
        counts = [self.n_samples // k + (number < self.n_samples % k) for number in range(k)]
        inputs = np.concatenate(self.draw(counts, rng))
        if self.spread:
            inputs += self.spread * rng.normal(size=inputs.shape)
        targets = np.repeat(np.arange(k), counts)
        return Data(
            Samples(inputs, targets),
            classes=(*self.names,),
            input_names=("x", "y"),
            target_names=(self.target_name,),
        )


class NoisyPlane(Plane):
    """Points in the plane with normal noise."""

    noise: float = Field(default=0.1, ge=0, description="standard deviation of each coordinate")

    @property
    def spread(self) -> float:
        return self.noise


class Spiral(Plane):
    """Interleaved spiral arms in the plane, each of a different class.

    The radius r of the points of an arm goes from 0.2 to 5. The angle of arm i of k is
    t = 2 pi turns (r - 0.2) / 4.8 + 2 pi i / k plus normal noise; a point is (r sin t, r cos t).
    """

    target_name: ClassVar[str] = "arm"
    examples = ({"arms": 3, "turns": 0.64},)
    arms: int = Field(default=2, ge=2, le=100, description="number of arms, which are the classes")
    turns: float = Field(default=1.5, gt=0, le=100, description="turns that an arm makes around the origin")
    noise: float = Field(default=0.25, ge=0, description="standard deviation of the angle, in radians")

    @property
    def names(self) -> Sequence[str]:
        return [f"arm {number}" for number in range(self.arms)]

    def draw(self, counts: Sequence[int], rng: np.random.Generator) -> Sequence[np.ndarray]:
        arms = []
        for number, count in enumerate(counts):
            radius, turn = np.linspace(0.2, 5.0, count), np.linspace(0.0, 2.0 * np.pi * self.turns, count)
            angle = turn + number * (2.0 * np.pi / self.arms) + self.noise * rng.normal(size=count)
            arms.append(np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1))
        return arms


class TwoSpirals(NoisyPlane):
    """Two spirals of three turns from radius 6.5 to 0.5, one the other turned by half a turn.

    With angle t from 0 to 6 pi and r = 6.5 - t / pi, the points of one are (r sin t, r cos t), those of the other
    (-r sin t, -r cos t). Lang & Witbrock, "Learning to tell two spirals apart", 1988, with their 194 points.
    """

    n_samples: int = Field(default=194, ge=4, le=10**7, description="points of both spirals together")
    noise: float = Field(default=0.0, ge=0, description="standard deviation of each coordinate")

    def draw(self, counts: Sequence[int], rng: np.random.Generator) -> Sequence[np.ndarray]:
        angles = [np.linspace(0.0, 6.0 * np.pi, count) for count in counts]
        radii = [sign * (6.5 - t / np.pi) for sign, t in zip((1, -1), angles, strict=True)]
        return [np.stack([r * np.sin(t), r * np.cos(t)], axis=1) for r, t in zip(radii, angles, strict=True)]


class Moons(NoisyPlane):
    """Two interleaved half circles, like those of scikit-learn's `make_moons`.

    With t evenly spaced from 0 to pi, the upper one is (cos t, sin t), the lower one (1 - cos t, 0.5 - sin t).
    """

    names = ("upper", "lower")

    def draw(self, counts: Sequence[int], rng: np.random.Generator) -> Sequence[np.ndarray]:
        upper, lower = (np.linspace(0.0, np.pi, count) for count in counts)
        return [
            np.stack([np.cos(upper), np.sin(upper)], axis=1),
            np.stack([1.0 - np.cos(lower), 0.5 - np.sin(lower)], axis=1),
        ]


class Circles(NoisyPlane):
    """A circle of radius 1 around a circle of radius `factor`, with evenly spaced points, as in `make_circles`."""

    names = ("outer", "inner")
    factor: float = Field(default=0.5, gt=0, lt=1, description="radius of the inner circle")

    def draw(self, counts: Sequence[int], rng: np.random.Generator) -> Sequence[np.ndarray]:
        circles = []
        for radius, count in zip((1.0, self.factor), counts, strict=True):
            t = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
            circles.append(radius * np.stack([np.cos(t), np.sin(t)], axis=1))
        return circles


class Blobs(Plane):
    """Normal clusters, each of a different class, with centers drawn uniformly from [-10, 10] x [-10, 10]."""

    centers: int = Field(default=3, ge=2, le=1000, description="number of clusters, which are the classes")
    cluster_std: float = Field(default=1.0, gt=0, description="standard deviation of each coordinate")

    @property
    def names(self) -> Sequence[str]:
        return [str(number) for number in range(self.centers)]

    @property
    def spread(self) -> float:
        return self.cluster_std

    def draw(self, counts: Sequence[int], rng: np.random.Generator) -> Sequence[np.ndarray]:
        centers = rng.uniform(-10.0, 10.0, (self.centers, 2))
        return [np.tile(center, (count, 1)) for center, count in zip(centers, counts, strict=True)]


class Xor(NoisyPlane):
    """Points around the corners (0, 0), (0, 1), (1, 0) and (1, 1), whose class is the exclusive or of their corner.

    Four points without noise are the truth table.
    """

    def draw(self, counts: Sequence[int], rng: np.random.Generator) -> Sequence[np.ndarray]:
        bits = [np.arange(count) % 2 for count in counts]
        return [np.stack([a, a ^ number], axis=1).astype(np.float64) for number, a in enumerate(bits)]


class Checkerboard(NoisyPlane):
    """Points drawn uniformly from a checkerboard of squares of size 1, whose class is the colour of their square.

    The square of row i and column j, from (0, 0), has the class (i + j) mod 2.
    """

    squares: int = Field(default=4, ge=2, le=100, description="squares in a row")
    noise: float = Field(default=0.0, ge=0, description="standard deviation of each coordinate")

    def draw(self, counts: Sequence[int], rng: np.random.Generator) -> Sequence[np.ndarray]:
        colour = np.indices((self.squares, self.squares)).sum(axis=0) % 2
        corners = [np.argwhere(colour == number) for number in range(2)]
        return [
            corner[rng.integers(len(corner), size=count)] + rng.random((count, 2))
            for corner, count in zip(corners, counts, strict=True)
        ]
