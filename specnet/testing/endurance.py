"""Whether a component still works after many steps, and whether memory grows from step to step."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise

from specnet.testing.outcomes import show_error

STEPS, ROUNDS, MOST = 20, 5, 12
"""Steps of a round, the number of rounds, and that of rounds if memory grows.

Memory is measured after each of them, from the first on, as that slows them down. It also grows while blocks that NumPy
keeps for reuse are made again, but less in each round.
"""


def endure(step: Callable[[], object], allowance: int | None = None) -> Iterator[str]:
    """Yield a problem if one of 100 steps raises an error, or if each round of steps adds more bytes than allowed."""
    used, count, traced = list[int](), 0, tracemalloc.is_tracing()
    gc.freeze()  # so that collecting looks only at what the steps make
    try:
        while len(used) < ROUNDS or (allowance is not None and _added(used) > allowance and len(used) < MOST):
            for _ in range(STEPS):
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
    if allowance is not None and (added := _added(used)) > allowance:
        yield f"each step adds {added:,} bytes or more, measured over {count - STEPS:,} steps: what does it keep?"


def _added(used: list[int]) -> int:
    """Return the bytes that a step has added in the round that added least."""
    return min((after - before for before, after in pairwise(used)), default=0) // STEPS
