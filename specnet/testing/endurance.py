"""Whether a component still works after many steps, and whether memory grows from step to step."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise

from specnet.testing.outcomes import show_error

UNMEASURED, ROUNDS, STEPS = 20, 4, 20
"""Steps before memory is measured, which slows them down; the number of measurements, and the steps of each."""


def endure(step: Callable[[], object], allowance: int | None = None) -> Iterator[str]:
    """Yield a problem if one of 100 steps raises an error, or if each round of steps adds more bytes than allowed."""
    used, count, traced = list[int](), 0, tracemalloc.is_tracing()
    gc.freeze()  # so that collecting looks only at what the steps make
    try:
        for steps in (UNMEASURED, *[STEPS] * ROUNDS):
            for _ in range(steps):
                count += 1
                step()
            if allowance is not None:
                tracemalloc.start()  # does nothing if it has been started
                gc.collect()
                used.append(tracemalloc.get_traced_memory()[0])
    except Exception as error:
        yield f"step {count} {show_error(error)}"
    finally:
        gc.unfreeze()
        if not traced:
            tracemalloc.stop()
    added = min((after - before for before, after in pairwise(used)), default=0) // STEPS
    if allowance is not None and added > allowance:
        yield f"each step adds {added:,} bytes or more, measured over {ROUNDS * STEPS} steps: what does it keep?"
