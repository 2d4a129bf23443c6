"""Peers in processes of their own: none meets the threads, the memory or the imports of another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
THREADS = {"1": 1, "all": CORES} if CORES > 1 else {"1": 1}
"""How many threads BLAS is given, by what the tables call them."""


def set_threads(count: int) -> None:
    """Let NumPy and all peers use so many threads, in processes that begin after this."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = str(count)
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if count > 1 else 'false'}"


class Peer:
    """A process that holds one peer, and does nothing but what it is asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = ProcessPoolExecutor(1, get_context("spawn"))
        self.process.submit(_load, name)  # imports take seconds: they go on side by side

    def prepare(self, spec: dict[str, Any] | Path, *overrides: str) -> None:
        """Get ready to train the network of a spec, from its initial weights."""
        self.process.submit(_prepare, self.name, spec, overrides).result()

    def train(self, epochs: int) -> tuple[list[float], float]:
        """Train on for so many epochs, and return the loss of each, and the seconds that all took."""
        return self.process.submit(_train, epochs).result()


@contextmanager
def processes(names: Iterable[str]) -> Iterator[dict[str, Peer]]:
    """Give a process to each of the peers."""
    with ExitStack() as stack:
        peers = {name: Peer(name) for name in names}
        for peer in peers.values():
            stack.enter_context(peer.process)
        yield peers


# What follows runs in the peer's process.
_trained: list[Any] = []


def _load(name: str) -> None:
    from benchmarks.peers import find

    find(name)


def _prepare(name: str, spec: dict[str, Any] | Path, overrides: tuple[str, ...]) -> None:
    from benchmarks.peers import find
    from benchmarks.work import prepare

    if name == "notebook as written":  # it computes in float64, whatever the others do
        overrides = (*overrides, "dtype=float64")
    _trained[:] = [find(name)(prepare(spec, *overrides))]


def _train(epochs: int) -> tuple[list[float], float]:
    (train,) = _trained
    start = perf_counter()
    losses = train(epochs)
    return losses, perf_counter() - start
