"""Whether memory grows from step to step."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise

WARM_UP, ROUNDS, STEPS = 10, 4, 20
"""Steps before the first measurement, the number of measurements, and the steps of each."""
ALLOWANCE = 64
"""Bytes that a step may add in the round that adds least: calls of NumPy such as `np.median` add some."""


def grown(step: Callable[[], object]) -> Iterator[str]:
    """Yield a problem if memory grows from step to step."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    gc.freeze()  # so that collecting looks only at what the steps make
    try:
        used = []
        for steps in (WARM_UP, *[STEPS] * ROUNDS):
            for _ in range(steps):
                step()
            gc.collect()
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        gc.unfreeze()
        if not traced:
            tracemalloc.stop()
    added = min(after - before for before, after in pairwise(used)) // STEPS
    if added > ALLOWANCE:
        yield f"each step adds {added:,} bytes or more, measured over {ROUNDS * STEPS} steps: what does it keep?"
