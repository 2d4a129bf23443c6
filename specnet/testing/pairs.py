"""Outputs or predictions, with targets of every kind to compare them with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from specnet.layers.base import Shape


class Pair(NamedTuple):
    """Outputs y (n, ...), targets of one kind, and the right outputs for them."""

    kind: str
    y: np.ndarray
    target: np.ndarray
    right: np.ndarray


ROWS = 6
"""Number of samples in a pair."""
NUMBERS: tuple[Shape, ...] = ((1,), (3,), (2, 3))
CLASSES: tuple[Shape, ...] = ((2,), (4,), (2, 3))
"""Shapes of outputs, the last axis being the classes."""


def pairs(outputs: Callable[[np.random.Generator, Shape], np.ndarray], seed: int = 0) -> Iterator[Pair]:
    """Yield pairs of outputs, drawn by `outputs(rng, shape)`, and targets of each kind."""
    rng = np.random.default_rng(seed)

    def drawn(shape: Shape) -> np.ndarray:
        return outputs(rng, shape).astype(np.float32).astype(np.float64)

    draws: dict[str, Callable[[Shape], np.ndarray]] = {
        "numbers": lambda shape: rng.normal(size=shape),
        "numbers from 0 to 1": lambda shape: rng.uniform(0.0, 1.0, shape),
        "0 and 1": lambda shape: rng.integers(2, size=shape).astype(np.float64),
        "-1 and 1": lambda shape: rng.choice([-1.0, 1.0], shape),
        "counts": lambda shape: rng.integers(5, size=shape).astype(np.float64),
    }
    for kind, draw in draws.items():
        for shape in NUMBERS:
            target = draw((ROWS, *shape))
            yield Pair(kind, drawn(target.shape), target, target)
    for shape in CLASSES:
        numbers = rng.integers(shape[-1], size=(ROWS, *shape[:-1]))
        one_hot = np.eye(shape[-1])[numbers]
        y = drawn(one_hot.shape)
        yield Pair("class numbers", y, numbers, one_hot)
        yield Pair("one-hot classes", y, one_hot, one_hot)
    numbers = rng.integers(2, size=ROWS)
    yield Pair("class numbers", drawn((ROWS, 1)), numbers, numbers[:, np.newaxis].astype(np.float64))
    target = rng.normal(size=ROWS)
    yield Pair("a number each", drawn((ROWS, 1)), target, target[:, np.newaxis])
