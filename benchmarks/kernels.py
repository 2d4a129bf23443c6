"""A step of training with the kernels of the plugin specnet-numba: as `training`, and a wide network."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import Comparison
from benchmarks.peers import installed
from benchmarks.process import processes
from benchmarks.training import Job, check_agreement, compare, jobs
from benchmarks.work import digits_spec, write_digits

PEERS = {
    "specnet": "specnet, numba",
    "default kernels": "specnet",
    "textbook kernels": "specnet, textbook",
    "JAX": "JAX",
    "PyTorch, fused Adam": "PyTorch, fused Adam",
    "products": "products",
}
"""Peers by what they are called here, where specnet has the compiled kernels."""
WIDE = 2048


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of a step of each work; of none if the plugin is not installed."""
    found: list[Comparison] = []
    if not installed("specnet, numba"):
        print("  specnet-numba is not installed", file=sys.stderr)
        return found
    with tempfile.TemporaryDirectory() as folder:
        for job in works(Path(folder), short):
            print(f"  {job.name}", file=sys.stderr)
            with processes(installed(*(PEERS[name] for name in job.peers))) as made:
                peers = {name: made[PEERS[name]] for name in job.peers if PEERS[name] in made}
                check_agreement(job, peers)
                found.append(replace(compare(job, peers, rounds, "1"), benchmark="kernels"))
    return found


def works(folder: Path, short: bool) -> Iterator[Job]:
    """Yield the works of `training` in float32, and a classifier of digits with two wide layers."""
    for job in jobs(folder, short):
        if "float64" not in job.name:
            peers = [name for name in PEERS if "Adam" not in name or name in job.peers]
            yield replace(job, name=f"{job.name}, compiled", peers=peers)
    rows = 128 if short else 2048
    write_digits(folder / "wide.npz", rows)
    spec = digits_spec(folder / "wide.npz", 128, (WIDE, WIDE) if not short else (16, 16))
    yield Job("c wide, compiled", spec, (), list(PEERS), 1, rows // 128, tolerance=1e-2)
