"""Figures of peers that take turns, so that what slows the machine down for a while slows them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """Figures of peers that did the same work: one for each round, in which they took turns.

    `unit` is "s" or "B", `per` what a figure is of, and `threads` which of `process.THREADS` BLAS was given.
    """

    benchmark: str
    work: str
    figures: Mapping[str, Sequence[float]]
    per: str = ""
    unit: str = "s"
    threads: str = "1"

    def ratio(self, peer: str, other: str) -> float:
        """Return the median over rounds of the first peer's figure as a multiple of the other's."""
        return median(a / b for a, b in zip(self.figures[peer], self.figures[other], strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return everything as a JSON value, with best and median of each peer."""
        summary = {name: {"best": min(values), "median": median(values)} for name, values in self.figures.items()}
        return asdict(self) | {"summary": summary}


def take_turns(calls: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return the figure that each call gives in each round; a round goes through all calls in turn."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(call())
    return found


def clocked(call: Callable[[], object]) -> Callable[[], float]:
    """Return what does the call and gives the seconds that it took."""

    def clock() -> float:
        start = perf_counter()
        call()
        return perf_counter() - start

    return clock
