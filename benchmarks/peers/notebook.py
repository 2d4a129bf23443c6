"""The notebook's way: a fresh array for each result, and the sigmoid computed twice more on the way back."""

from __future__ import annotations

import numpy as np

from benchmarks.work import Train, Work


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


class Linear:
    """x W + b."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray) -> None:
        self.weight, self.bias = weight, bias

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.dweight = self.x.T @ dy
        self.dbias = np.sum(dy, axis=0)
        return dy @ self.weight.T

    def update(self, rate: float) -> None:
        self.weight = self.weight - rate * self.dweight
        self.bias = self.bias - rate * self.dbias


class Sigmoid:
    """The activation, with its derivative in z."""

    def forward(self, z: np.ndarray) -> np.ndarray:
        self.z = z
        return sigmoid(z)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy * (sigmoid(self.z) * (1 - sigmoid(self.z)))

    def update(self, rate: float) -> None:
        """Nothing to learn."""


def mse(y: np.ndarray, t: np.ndarray) -> tuple[float, np.ndarray]:
    """Loss and gradient."""
    return np.mean((y - t) ** 2), 2 * (y - t) / len(t)


def bce(y: np.ndarray, t: np.ndarray) -> tuple[float, np.ndarray]:
    """Loss and gradient."""
    loss = -np.mean(t * np.log(y) + (1 - t) * np.log(1 - y))
    return loss, ((1 - t) / (1 - y) - t / y) / len(t)


def make(work: Work) -> Train:
    """Return what trains one of the notebook's networks."""
    stack: list[Linear | Sigmoid] = []
    for weight, bias in work.copy_layers():
        stack += [Linear(weight, bias), Sigmoid()]
    if work.loss == "mse":
        stack.pop()
    loss = {"mse": mse, "bce": bce}[work.loss]

    def step() -> float:
        y = work.x
        for layer in stack:
            y = layer.forward(y)
        value, dy = loss(y, work.target)
        for layer in reversed(stack):
            dy = layer.backward(dy)
        for layer in stack:
            layer.update(work.rate)
        return float(value)

    return lambda epochs: [step() for _ in range(epochs)]
