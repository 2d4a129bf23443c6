"""Outputs or predictions with targets of every kind, and what their weights mean to losses and metrics alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from specnet.task import Shape
from specnet.testing.base import C, Checks, Problems, Setup, nothing
from specnet.testing.comparison import DType, Results
from specnet.weights import takes_weight

_ROWS = 6
"""Samples of a pair."""
_NUMBERS: tuple[Shape, ...] = ((1,), (3,), (2, 3))
_CLASSES: tuple[Shape, ...] = ((2,), (4,), (2, 3))
"""Shapes of outputs; for classes the last axis is their number."""
COUNTS = np.array([2.0, 0.0, 3.0, 1.0, 1.0, 4.0])
"""Weights of the samples of a batch, repeated for larger ones."""


class Pair(NamedTuple):
    """Outputs y (n, ...), targets of one kind, and the outputs that would be right for them."""

    kind: str
    y: np.ndarray
    target: np.ndarray
    right: np.ndarray


class PairSetup(Setup[C]):
    """A component with outputs y and targets in a dtype."""

    def __init__(self, checks: Weighing[C], dtype: DType, **fields: Any) -> None:
        super().__init__(checks, checks.fresh(**fields))
        self.y, self.target = checks.arrays(dtype)
        self.rows = len(self.y)  # type: ignore[misc]

    def batch(self, weight: np.ndarray | None = None, rows: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, ...]:
        """Return y, targets and, if there are some, weights of the rows."""
        return self.y[rows], self.target[rows], *([] if weight is None else [weight[rows]])

    def step(
        self,
        rows: np.ndarray | None = None,
        between: Callable[[], object] = nothing,
        weight: np.ndarray | None = None,
    ) -> Results:
        """Return the results for some rows, which may repeat; `weight` has those of all rows."""
        rows = np.arange(self.rows) if rows is None else rows
        return self.compute(rows, between, *self.batch(weight, rows))

    def compute(self, rows: np.ndarray, between: Callable[[], object], *batch: np.ndarray) -> Results:
        """Return the results for a batch, which has these rows."""
        raise NotImplementedError

    def other(self) -> None:
        """Compute with the outputs in reverse order."""
        y, self.y = self.y, self.y[::-1].copy()
        self.step()
        self.y = y


@dataclass(frozen=True)
class Weighing(Checks[C]):
    """A component that compares y with targets, and may take weights."""

    y: np.ndarray
    target: np.ndarray
    method: ClassVar[str]
    """The method that takes weights."""
    cases: ClassVar[Mapping[str, Mapping[str, Any]]] = {"": {}}
    """Fields of the component to check weights with, and how messages name them."""
    dtypes = True

    def arrays(self, dtype: DType) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of y in a dtype, and of targets as the component takes them."""
        raise NotImplementedError

    @property
    def weighs(self) -> bool:
        """Whether the component takes weights."""
        return takes_weight(self.component, self.method)

    def applies(self, claim: str) -> bool:
        return super().applies(claim) and (self.weighs or "weight" not in claim)

    def weights_count_as_repetitions(self) -> Problems:
        """A sample of weight 2 counts as two equal samples."""
        weight = np.resize(COUNTS, len(self.y))
        rows = np.repeat(np.arange(len(weight)), weight.astype(int))
        for case, fields in self.cases.items():
            found, expected = self.setup(**fields).step(weight=weight), self.setup(**fields).step(rows)
            yield from self.compare(f"with weights against repeated rows{case}", found, expected)

    def a_weight_of_0_leaves_a_sample_out(self) -> Problems:
        """A sample of weight 0 changes nothing, however large its outputs are."""
        count = len(self.y)
        if count > 1:
            expected = self.setup().step(np.arange(1, count))
            for factor in (1, 1e200) if self.y.dtype.kind == "f" else (1,):
                setup = self.setup()
                setup.y[0] *= factor
                found = setup.step(weight=np.array([0.0, *np.ones(count - 1)]))
                yield from self.compare("with weight 0 against without the sample", found, expected)


def pairs(outputs: Callable[[np.random.Generator, Shape], np.ndarray]) -> Iterator[Pair]:
    """Yield pairs of outputs, drawn as `outputs(rng, shape)` does, and targets of each kind."""
    rng = np.random.default_rng(0)

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
        for shape in _NUMBERS:
            target = draw((_ROWS, *shape))
            yield Pair(kind, drawn(target.shape), target, target)
    for shape in _CLASSES:
        numbers = rng.integers(shape[-1], size=(_ROWS, *shape[:-1]))
        one_hot = np.eye(shape[-1])[numbers]
        y = drawn(one_hot.shape)
        yield Pair("class numbers", y, numbers, one_hot)
        yield Pair("one-hot classes", y, one_hot, one_hot)
    numbers = rng.integers(2, size=_ROWS)
    yield Pair("class numbers", drawn((_ROWS, 1)), numbers, numbers[:, np.newaxis].astype(np.float64))
    target = rng.normal(size=_ROWS)
    yield Pair("a number each", drawn((_ROWS, 1)), target, target[:, np.newaxis])
