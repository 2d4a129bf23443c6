"""The number of BLAS threads: speed and the last bits of a run depend on it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from specnet.errors import UsageError
from specnet.layers.base import Layer
from specnet.runs.provenance.machine import describe_machine, libraries, numpy_blas

# Measured on steps of networks of 16 to 1024 units on batches of 32 to 2048 samples, on two cores, with SGD and Adam,
# float32 and float64, AVX2 and AVX-512. Where the largest product took less than 2**25 operations, a second thread made
# a step 0.5 to 1.6 times as fast, and a hundred times slower where others kept its core busy. From 2**26 operations on
# it was 0.93 to 1.8 times, mostly 1.2 to 1.7.
OPERATIONS = 2**25
"""Operations of a matrix product for each thread that pays off."""
VARIABLES = {
    "openblas": ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"),
    "mkl": ("MKL_NUM_THREADS", "OMP_NUM_THREADS"),
    "blis": ("BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
}
"""Environment variables for the number of threads, read when a BLAS is loaded."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_threads(threads: int | None) -> None:
    """Raise a UsageError, naming the limit, if the number of threads is not available; None always is.

    More threads than cores are refused: each product would wait until the system has run all of them, which takes
    milliseconds.
    """
    if threads is None:
        return
    if numpy_blas() is None:
        raise UsageError(f"the number of threads of {describe_machine()['blas']}, the BLAS of NumPy, cannot be set")
    cores = usable_cores()
    if not 1 <= threads <= cores:
        raise UsageError(f"{threads} threads requested, available cores: {cores}", help=f"choose from 1 to {cores}")


def fitting_threads(layers: Iterable[Layer], batch: int) -> int:
    """Return the best number of threads for the largest matrix product in training built layers on such batches.

    Only layers with parameters count.
    """
    largest = max((layer.flops() for layer in layers if layer.parameters or layer.shared), default=0) * batch
    return max(1, min(int(largest) // OPERATIONS, usable_cores()))


def recorded_threads(manifest: Mapping[str, Any]) -> int | None:
    """Return the number of threads that a run last trained with, at most all cores; None if unknown."""
    threads = [manifest, *manifest["resumed"]][-1]["machine"].get("blas_threads")
    return min(threads, usable_cores()) if isinstance(threads, int) and threads > 0 else None


def blas_threads(asked: int | None, otherwise: int | None = None) -> AbstractContextManager[Any]:
    """Inside a `with`, let BLAS use the requested threads; else those of the environment; else `otherwise`.

    With None for all three, the number stays unchanged.
    """
    blas = numpy_blas()
    if blas and any(_is_number(os.environ.get(name, "")) for name in VARIABLES.get(blas["internal_api"], ())):
        otherwise = None  # BLAS has read it when it was loaded
    return libraries().limit(limits=asked or otherwise, user_api="blas")


def _is_number(text: str) -> bool:
    """Return whether a library reads the text of such a variable as a number of threads."""
    return text.strip().isdecimal() and int(text) > 0
