"""Datasets drawn from formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, Dataset, Outline, Samples


class Waves(Dataset):
    """A curve of one variable in two pieces, with normal noise.

    Half the points lie evenly over [-10, 10] with y = sin(pi x / 2), the other half over [10, 20] with
    y = -0.01 x * x^sin(pi x).
    """

    synthetic = True
    n_samples: int = Field(default=600, ge=4, le=10**7, multiple_of=2, description="points in both pieces together")
    noise: float = Field(default=0.1, ge=0, description="standard deviation of y")

    def outline(self) -> Outline:
        return Outline((1,), (1,), self.n_samples, (), kind="numbers")

    def load(self, rng: np.random.Generator) -> Data:
        count = self.n_samples // 2
        x = np.concatenate([np.linspace(-10.0, 10.0, count), np.linspace(10.0, 20.0, count)])
        # The point x = 10 is in both pieces: each side keeps its own formula.
        y = np.concatenate([_sine(x[:count]), _power(x[count:])])
        y += self.noise * rng.normal(size=y.shape)
        return Data(Samples(x[:, np.newaxis], y[:, np.newaxis]), input_names=("x",), target_names=("y",))

    def function(self, x: np.ndarray) -> np.ndarray | None:
        inside = (x >= -10.0) & (x <= 20.0)
        y = np.where(x <= 10.0, _sine(x), _power(np.maximum(x, 10.0)))
        return np.where(inside, y, np.nan)


INSIDE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "disc": lambda u, v: u * u + v * v <= 1.0,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) <= 1.0,
    "cross": lambda u, v: (np.minimum(abs(u), abs(v)) <= 1.0 / 3.0) & (np.maximum(abs(u), abs(v)) <= 1.0),
    "triangle": lambda u, v: (2.0 * abs(u) <= 1.0 + v) & (v <= 1.0),
}
"""Tests whether points belong to a shape of radius 1 about the origin, u to the right and v downwards."""


class Shapes(Dataset):
    """Grey images of a disc, a square, a cross or a triangle, the same number of each.

    A shape is 1, the background 0. Its half width r is uniform in [0.2, 0.35] of the image, its centre (a, b) uniform
    wherever it does not cross the edge. The centre (x, y) of a pixel is in the shape if u = (x - a) / r and
    v = (y - b) / r satisfy: disc u^2 + v^2 <= 1; square max(|u|, |v|) <= 1; cross the same and min(|u|, |v|) <= 1/3;
    triangle 2 |u| <= 1 + v and v <= 1. Normal noise is added to each pixel, and the sum clipped to [0, 1].

    Below a size of 15 some squares are, pixel by pixel, also discs: a disc can cover 5 x 5 pixels and no other, but
    not 6 x 6, and from 2 r = 6 on each square covers as many.
    """

    synthetic = True
    n_samples: int = Field(default=2000, ge=4, le=50_000, multiple_of=4, description="images of all shapes together")
    size: int = Field(default=16, ge=15, le=32, description="height and width of an image, in pixels")
    noise: float = Field(default=0.1, ge=0, description="standard deviation of a pixel, before it is clipped")

    def outline(self) -> Outline:
        shape, names = (self.size, self.size, 1), tuple(INSIDE)
        return Outline(shape, (), self.n_samples, (), len(names), "classes", class_names=names)

    def load(self, rng: np.random.Generator) -> Data:
        n, size = self.n_samples, self.size
        r = size * rng.uniform(0.2, 0.35, (n, 1, 1))
        a, b = rng.uniform(r, size - r, (2, n, 1, 1))
        pixels = np.arange(size) + 0.5
        u, v = (pixels - a) / r, (pixels[:, np.newaxis] - b) / r  # (n, 1, size) and (n, size, 1)
        images = self.noise * rng.normal(size=(n, size, size))
        targets = np.repeat(np.arange(len(INSIDE)), n // len(INSIDE))
        for number, inside in enumerate(INSIDE.values()):
            own = targets == number
            images[own] += inside(u[own], v[own])
        np.clip(images, 0.0, 1.0, out=images)
        return Data(Samples(images[..., np.newaxis], targets), classes=tuple(INSIDE), target_names=("shape",))


class Sines(Dataset):
    """Sequences of a sine with normal noise; the target is the value that comes next, without noise.

    x_t = sin(2 pi f t + phi) + noise for t = 0 to length - 1, and the target is sin(2 pi f length + phi). Each sequence
    has its own frequency f, uniform in [0.02, 0.1] periods a step, and phase phi, uniform in [0, 2 pi].
    """

    synthetic = True
    n_samples: int = Field(default=2000, ge=4, le=100_000, description="sequences")
    length: int = Field(default=32, ge=2, le=500, description="values in a sequence")
    noise: float = Field(default=0.1, ge=0, description="standard deviation of a value")

    def outline(self) -> Outline:
        return Outline((self.length, 1), (1,), self.n_samples, (), kind="numbers")

    def load(self, rng: np.random.Generator) -> Data:
        f = rng.uniform(0.02, 0.1, (self.n_samples, 1))
        phi = rng.uniform(0.0, 2.0 * np.pi, (self.n_samples, 1))
        x = np.sin(2.0 * np.pi * f * np.arange(self.length + 1) + phi)
        inputs, targets = x[:, :-1], x[:, -1:]
        inputs += self.noise * rng.normal(size=inputs.shape)
        return Data(Samples(inputs[..., np.newaxis], targets), target_names=("next",))


class Adding(Dataset):
    """The adding problem: sequences of random numbers, two of them marked; the target is the sum of these two.

    x_t is (v_t, m_t) with v_t uniform in [0, 1] and a mark m_t, 1 at one position of the first half and at one of the
    second, else 0. Predicting 1 has a mean squared error of 1/6. Hochreiter & Schmidhuber, "Long short-term memory",
    1997.
    """

    synthetic = True
    n_samples: int = Field(default=2000, ge=4, le=1_000_000, description="sequences")
    length: int = Field(default=30, ge=2, le=1000, description="numbers in a sequence")

    def outline(self) -> Outline:
        return Outline((self.length, 2), (1,), self.n_samples, (), kind="numbers")

    def load(self, rng: np.random.Generator) -> Data:
        n, half = self.n_samples, self.length // 2
        x = np.stack([rng.random((n, self.length)), np.zeros((n, self.length))], axis=-1)
        x[np.arange(n), rng.integers(half, size=n), 1] = 1
        x[np.arange(n), rng.integers(half, self.length, size=n), 1] = 1
        return Data(Samples(x, x.prod(axis=-1).sum(axis=1, keepdims=True)), target_names=("sum",))


def _sine(x: np.ndarray) -> np.ndarray:
    return np.sin(0.5 * np.pi * x)


def _power(x: np.ndarray) -> np.ndarray:
    return -0.01 * x * x ** np.sin(np.pi * x)
