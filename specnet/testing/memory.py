"""Check that memory does not grow from step to step."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator

FEW, MANY = 100, 1000
"""Numbers of steps after which memory is compared."""
ALLOWANCE = 64_000
"""Bytes that it may grow by, as NumPy and Python cache some objects."""


def grown(step: Callable[[], object]) -> Iterator[str]:
    """Yield the problem of memory that grows from step to step."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    try:
        taken = []
        for steps in (FEW, MANY - FEW):
            for _ in range(steps):
                step()
            gc.collect()
            taken.append(tracemalloc.get_traced_memory()[0])
    finally:
        if not traced:
            tracemalloc.stop()
    if (size := taken[1] - taken[0]) > ALLOWANCE:
        yield f"{MANY:,} steps take {size:,} bytes more than {FEW}: what is kept of each?"
