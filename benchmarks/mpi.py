"""Seconds of a step on two ranks of MPI, of the sum of gradients alone, and of a step that is planned on more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import click

from benchmarks.measure import Comparison

RANKS = 2
NETWORKS = {"1.25 GB/s, 50 us": (1.25e9, 50e-6), "12.5 GB/s, 5 us": (12.5e9, 5e-6)}
"""Bandwidth and latency of what connects the machines of a plan: 10 Gbit/s Ethernet, and 100 Gbit/s InfiniBand."""
UNITS = 3
"""Times that a rank sends all but its own part of a vector in a step: shards' gradients, their sum, parameters."""


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return steps on two ranks and on one process, both ways to add gradients, and plans for up to 64 machines."""
    if find_spec("mpi4py") is None:
        click.echo("specnet-mpi is not installed, and so left out", err=True)
        return []
    mpiexec = Path(sysconfig.get_path("scripts")) / "mpiexec"
    with tempfile.TemporaryDirectory() as folder:
        command = [mpiexec, "-n", str(RANKS), sys.executable, "-m", "benchmarks.ranks", folder, rounds, short]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    seconds, batch = found["seconds"], 64 if short else 512
    work = f"{'784-16-16-10' if short else '784-2048-2048-10'}, batch {batch}"
    steps = {"specnet": seconds["specnet"], "one process": seconds["one process"]}
    sums = {"specnet": seconds["tree"], "Allreduce": seconds["Allreduce"]}
    parts = {"specnet": seconds[f"{batch} samples"], "update of the optimizer": seconds["update"]}
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    click.echo(f"load of the machine over 1, 5 and 15 minutes: {load}; it should be {RANKS} at most", err=True)
    return [
        Comparison("mpi", f"{work}, {RANKS} ranks", steps),
        Comparison("mpi", f"sum of gradients, {found['bytes'] / 1e6:.0f} MB, {RANKS} ranks", sums),
        Comparison("mpi", f"{work}, forward and backward", parts),
        *plan(work, batch, found["bytes"], {name: median(values) for name, values in seconds.items()}),
    ]


def plan(work: str, batch: int, size: int, seconds: dict[str, float]) -> list[Comparison]:
    """Return steps on more machines, from the parts of a step on one core and what a network takes to send them.

    Forward and backward are measured with as few samples as each rank has; the update is divided among ranks.
    """
    one = seconds["one process"]
    rest = max(one - seconds[f"{batch} samples"] - seconds["update"], 0.0)
    return [
        Comparison(
            "mpi",
            f"{work}, planned for {count} ranks, {name}",
            {
                "specnet": [
                    seconds[f"{batch // count} samples"]
                    + seconds["update"] / count
                    + rest
                    + UNITS * (count - 1) * (size / count / bandwidth + latency)
                ],
                "one process": [one],
            },
        )
        for name, (bandwidth, latency) in NETWORKS.items()
        for count in (2, 4, 8, 16, 32, 64)
    ]
