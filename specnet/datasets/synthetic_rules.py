"""Datasets that follow a rule: a differential equation, arithmetic, parity."""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from specnet.datasets.base import Data, Dataset, Outline, Samples

_PARITIES = "even", "odd"
_STEPS = 10
"""Steps of integration in a unit of time."""


class MackeyGlass(Dataset):
    """Past values of the chaotic series of Mackey and Glass; the target is a later value.

    dx/dt = 0.2 x(t - tau) / (1 + x(t - tau)^10) - 0.1 x(t), where x(0) = 1.2 and x(t) = 0 before, is integrated by
    Runge-Kutta's method of order 4 with steps of 0.1; between two steps, x(t - tau) is interpolated. The inputs of
    sample i are x(100 + i), x(100 + i + spacing), …, and its target is the value `horizon` after the last of them.
    Samples are in the order of time: divide them with `"by": "order"`.

    The defaults are those of Jang, "ANFIS", 1993, who trains on the first 500 samples and tests on the others. Mackey &
    Glass, "Oscillation and chaos in physiological control systems", 1977.
    """

    synthetic = True
    examples = ({"n_samples": 20, "noise": 0.1},)
    n_samples: int = Field(default=1000, ge=4, le=100_000, description="number of samples, a unit of time apart")
    length: int = Field(default=4, ge=1, le=500, description="values in a sample")
    spacing: int = Field(default=6, ge=1, le=1000, description="time between two values of a sample")
    horizon: int = Field(default=6, ge=1, le=1000, description="time from the last value to the target")
    tau: int = Field(default=17, ge=1, le=1000, description="delay of the equation")
    noise: float = Field(default=0.0, ge=0, description="standard deviation of noise added to the inputs")

    def outline(self) -> Outline:
        return Outline((self.length, 1), (1,), self.n_samples, (), kind="numbers")

    def load(self, rng: np.random.Generator) -> Data:
        first = 100 + np.arange(self.n_samples)[:, np.newaxis]
        times = first + self.spacing * np.arange(self.length)
        last = times[:, -1:] + self.horizon
        series = self._series(int(last.max()))
        inputs = series[times]
        if self.noise:
            inputs += self.noise * rng.normal(size=inputs.shape)
        return Data(Samples(inputs[..., np.newaxis], series[last]), target_names=("next",))

    def _series(self, end: int) -> np.ndarray:
        """Return x(0), x(1), …, x(end)."""
        h, delay = 1.0 / _STEPS, self.tau * _STEPS
        x = [1.2 * math.exp(-0.1 * h * step) for step in range(delay + 1)]  # nothing comes back before time tau
        feed = [_feed(value) for value in x]
        for step in range(max(end - self.tau, 0) * _STEPS):
            middle = _feed(0.5 * (x[step] + x[step + 1]))
            k1 = feed[step] - 0.1 * x[-1]
            k2 = middle - 0.1 * (x[-1] + 0.5 * h * k1)
            k3 = middle - 0.1 * (x[-1] + 0.5 * h * k2)
            k4 = feed[step + 1] - 0.1 * (x[-1] + h * k3)
            x.append(x[-1] + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4))
            feed.append(_feed(x[-1]))
        return np.array(x[::_STEPS])


def _feed(x: float) -> float:
    return 0.2 * x / (1.0 + x**10)


class ModularArithmetic(Dataset):
    """All pairs of numbers a, b from 0 to p - 1; the class is a + b, a - b or a b modulo p.

    Inputs are the numbers themselves: the transform `one_hot` or a layer that looks them up makes features of them.
    Power et al., "Grokking", 2022.
    """

    synthetic = True
    examples = ({"modulus": 5, "operation": "multiply"},)
    modulus: int = Field(default=59, ge=2, le=1000, description="the modulus p")
    operation: Literal["add", "subtract", "multiply"] = Field(default="add", description="operation on a and b")

    def outline(self) -> Outline:
        p, names = self.modulus, self._names
        return Outline((2,), (), p**2, (), p, "classes", class_names=names, vocabulary=p)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(map(str, range(self.modulus)))

    def load(self, rng: np.random.Generator) -> Data:
        a, b = np.indices((self.modulus, self.modulus)).reshape(2, -1)
        results = {"add": a + b, "subtract": a - b, "multiply": a * b}[self.operation] % self.modulus
        return Data(
            Samples(np.stack([a, b], axis=1), results),
            classes=self._names,
            input_names=("a", "b"),
            target_names=(self.operation,),
            vocabulary=self.modulus,
        )


class Parity(Dataset):
    """Rows of bits, 0 and 1; the class says whether the number of ones is odd.

    Minsky & Papert, "Perceptrons", 1969.
    """

    synthetic = True
    examples = ({"n_samples": 20, "length": 40},)
    n_samples: int | None = Field(
        default=None, ge=4, le=10**6, description="rows, drawn at random; null: all rows once, for up to 16 bits"
    )
    length: int = Field(default=8, ge=2, le=500, description="bits in a row")

    @model_validator(mode="after")
    def _all_rows_are_few(self) -> Self:
        if self.n_samples is None and self.length > 16:
            raise ValueError(f"there are 2^{self.length} rows of {self.length} bits: set n_samples")
        return self

    def outline(self) -> Outline:
        rows = self.n_samples or 2**self.length
        return Outline((self.length,), (), rows, (), 2, "classes", class_names=_PARITIES)

    def load(self, rng: np.random.Generator) -> Data:
        if self.n_samples is None:
            bits = np.arange(2**self.length)[:, np.newaxis] >> np.arange(self.length)[::-1] & 1
        else:
            bits = rng.integers(0, 2, (self.n_samples, self.length))
        samples = Samples(bits.astype(np.float64), bits.sum(axis=1) % 2)
        return Data(samples, classes=_PARITIES, target_names=("parity",))
