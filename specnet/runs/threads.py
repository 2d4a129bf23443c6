"""How many threads BLAS computes with: speed depends on it, and so do the last bits of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from specnet.errors import UsageError
from specnet.layers.base import Layer
from specnet.runs.machine import describe_machine, libraries, numpy_blas

# Measured were steps of networks of 16 to 1024 units on batches of 32 to 2048 samples, on two cores, with SGD and Adam,
# float32 and float64, AVX2 and AVX-512. Where the largest product took less than 2**25 operations, a second thread made
# a step 0.5 to 1.6 times as fast, and a hundred times slower where others kept its core busy. From 2**26 operations on
# it was 0.93 to 1.8 times, mostly 1.2 to 1.7.
OPERATIONS = 2**25
"""Operations of a matrix product that are worth a thread."""
VARIABLES = {
    "openblas": ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"),
    "mkl": ("MKL_NUM_THREADS", "OMP_NUM_THREADS"),
    "blis": ("BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
}
"""Where each BLAS looks for its number of threads when it is loaded."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_threads(threads: int | None) -> None:
    """Raise an error if so many threads cannot be had; None can.

    More threads than cores are refused: each product then waits until the system lets all of them run, which takes
    milliseconds.

    Raises:
        UsageError: naming the limit.
    """
    if threads is None:
        return
    if numpy_blas() is None:
        raise UsageError(f"the threads of {describe_machine()['blas']}, which NumPy computes with, cannot be set")
    cores = usable_cores()
    if not 1 <= threads <= cores:
        raise UsageError(f"{threads} threads cannot be had", help=f"ask for 1 to {cores}, as many as there are cores")


def fitting_threads(layers: Iterable[Layer], batch: int) -> int:
    """Return how many threads suit the largest matrix product of training built layers on batches of this size.

    Products are those of layers with parameters.
    """
    largest = max((layer.flops() for layer in layers if layer.parameters), default=0) * batch
    return max(1, min(int(largest) // OPERATIONS, usable_cores()))


def recorded_threads(manifest: Mapping[str, Any]) -> int | None:
    """Return how many threads a run was last trained with, or all cores where these are fewer; None if not known."""
    threads = [manifest, *manifest["resumed"]][-1]["machine"].get("blas_threads")
    return min(threads, usable_cores()) if isinstance(threads, int) and threads > 0 else None


def blas_threads(asked: int | None, otherwise: int | None = None) -> AbstractContextManager[Any]:
    """Inside a `with`, let BLAS take the threads asked for; else those the environment names; else `otherwise`.

    With None for all three it takes as many as before.
    """
    blas = numpy_blas()
    if blas and any(_is_number(os.environ.get(name, "")) for name in VARIABLES.get(blas["internal_api"], ())):
        otherwise = None  # it has taken those when it was loaded
    return libraries().limit(limits=asked or otherwise, user_api="blas")


def _is_number(text: str) -> bool:
    """Tell whether a library takes the text of such a variable for a number of threads."""
    return text.strip().isdecimal() and int(text) > 0
