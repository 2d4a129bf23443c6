"""A step of training: the notebook's two networks (a, b), a classifier of digits (c) and a tiny one (d)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from benchmarks.measure import Comparison, take_turns
from benchmarks.peers import installed
from benchmarks.process import THREADS, Peer, processes, set_threads
from benchmarks.work import SPECS, digits_spec, write_digits

BATCHES = (32, 128, 512)
PAUSE = 0.1
"""Seconds between two peers with several threads: those of OpenBLAS keep their cores busy for a while after work."""


@dataclass(frozen=True)
class Job:
    """What is trained, by which peers; a round takes so many epochs, of so many steps each."""

    name: str
    spec: dict[str, Any] | Path
    overrides: tuple[str, ...]
    peers: Sequence[str]
    epochs: int
    steps: int = 1
    tolerance: float = 1e-4


class Disagreement(Exception):
    """Peers that do not compute the same, and so cannot be compared."""


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of a step of each work, with one thread and, unless short, with all."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        works = list(jobs(Path(folder), short))
        for threads, count in [*THREADS.items()][: 1 if short else None]:
            set_threads(count)
            # How fast fresh arrays are depends on what the process had in memory before: each work gets new ones.
            for group in [works] if short else [[job] for job in works]:
                with processes(installed(*{name: None for job in group for name in job.peers})) as peers:
                    for job in group:
                        print(f"  {job.name}, threads: {threads}", file=sys.stderr)
                        chosen = {name: peer for name, peer in peers.items() if name in job.peers}
                        check_agreement(job, chosen)
                        found.append(compare(job, chosen, rounds, threads))
    return found


def jobs(folder: Path, short: bool) -> Iterator[Job]:
    """Give each work, the data of c in a folder."""
    peers = ("specnet", "products", "floor", "notebook", "scikit-learn", "PyTorch", "JAX")
    epochs = 2 if short else 100
    for letter, name in (("a", "regression"), ("b", "spiral")):
        spec = SPECS / f"notebook_{name}.json"
        yield Job(f"{letter} float32", spec, ("dtype=float32",), (*peers, "notebook as written"), epochs)
        yield Job(f"{letter} float64", spec, ("dtype=float64",), peers, epochs, tolerance=1e-8)
    peers = ("specnet", "products", "floor", "scikit-learn", "PyTorch", "PyTorch, fused Adam", "JAX")
    rows = max(BATCHES) if short else 4096
    write_digits(folder / "digits.npz", rows)
    for batch in BATCHES:
        yield Job(f"c {batch}", digits_spec(folder / "digits.npz", batch), (), peers, 1 if short else 3, rows // batch)
    write_digits(folder / "tiny.npz", rows, 4)
    tiny = digits_spec(folder / "tiny.npz", 32, (16, 16))
    yield Job("d", tiny, (), peers, 1 if short else 8, rows // 32)


def check_agreement(job: Job, peers: Mapping[str, Peer]) -> None:
    """Check that all peers compute what specnet does, from the same weights on the same batches.

    Raises:
        Disagreement: if a peer's losses over a few epochs are not those of specnet.
    """
    losses = {}
    for name, peer in peers.items():
        if name == "products":  # which have no loss
            continue
        peer.prepare(job.spec, *job.overrides, "training.shuffle=false")
        losses[name] = peer.train(10 if job.steps == 1 else 2)[0]
    for name, values in losses.items():
        # A ReLU of almost 0 may be on either side, whereupon Adam takes other steps. scikit-learn's Adam adds its
        # epsilon before it corrects the second moment.
        rough = job.name[0] in "cd"
        tolerance = 100 * job.tolerance if rough else job.tolerance
        if not all(abs(a - b) <= tolerance * abs(b) for a, b in zip(values, losses["specnet"], strict=True)):
            raise Disagreement(f"{job.name}: {name} has the losses {values}, specnet {losses['specnet']}")


def compare(job: Job, peers: Mapping[str, Peer], rounds: int, threads: str) -> Comparison:
    """Return the seconds of a step, after a round that warms up caches and compilers."""

    def seconds(peer: Peer) -> float:
        if threads != "1":
            sleep(PAUSE)
        return peer.train(job.epochs)[1] / (job.epochs * job.steps)

    for peer in peers.values():
        peer.prepare(job.spec, *job.overrides)
        peer.train(job.epochs)
    calls = {name: lambda peer=peer: seconds(peer) for name, peer in peers.items()}
    return Comparison("training", job.name, take_turns(calls, rounds), per="step", threads=threads)
