"""Whether memory grows from step to step."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator

STEPS = (100, 1000)
"""After how many steps memory is compared."""
ALLOWANCE = 64_000
"""Bytes that it may grow by: NumPy and Python keep some things for the next time."""


def growth(step: Callable[[], object]) -> int:
    """Return by how many bytes memory is larger after 1,000 steps than after 100."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    try:
        taken, done = [], 0
        for steps in STEPS:
            for _ in range(steps - done):
                step()
            done = steps
            gc.collect()
            taken.append(tracemalloc.get_traced_memory()[0])
        return taken[1] - taken[0]
    finally:
        if not traced:
            tracemalloc.stop()


def grown(step: Callable[[], object]) -> Iterator[str]:
    """Yield the problem of memory that grows from step to step."""
    if (size := growth(step)) > ALLOWANCE:
        yield f"{STEPS[1]:,} steps take {size:,} bytes more than {STEPS[0]}: what is kept of each?"
