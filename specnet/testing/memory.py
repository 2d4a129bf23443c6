"""What a component has memory for, and whether that grows."""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Callable, Iterator

from specnet.workspace import Workspace

STEPS = 100
"""Steps over which memory should not grow."""
ALLOWANCE = 1_000
"""Bytes that it may grow by all the same: NumPy and Python keep some things for the next time."""


class Scratch(Workspace):
    """A workspace whose arrays can be spoilt, as the layers behind a layer spoil what they share with it."""

    def spoil(self) -> None:
        """Let no number in it be what it was."""
        for memory in self.memory.values():
            memory[...] = 255  # NaN, in either precision


def growth(step: Callable[[], object]) -> int:
    """Return by how many bytes memory has grown over 100 steps, after the first few.

    What grows once, and not over the next 100 steps, is no growth: the least of two times counts.
    """
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    spare = [number / 7 for number in range(200)]  # the room that Python has left over for floats is not traced
    try:
        for _ in range(5):
            step()
        least = math.inf
        for _ in range(2):
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(STEPS):
                step()
            after, _ = tracemalloc.get_traced_memory()
            if after - before > ALLOWANCE:  # what only waits to be collected is no growth
                gc.collect()
                after, _ = tracemalloc.get_traced_memory()
            least = min(least, after - before)
            if least <= ALLOWANCE:
                break
        return int(least)
    finally:
        del spare
        if not traced:
            tracemalloc.stop()


def grown(step: Callable[[], object]) -> Iterator[str]:
    """Give the problem of memory that grows from step to step."""
    if (size := growth(step)) > ALLOWANCE:
        yield f"{STEPS} steps on batches of the same size took {size:,} bytes more and more: what is kept of each?"
