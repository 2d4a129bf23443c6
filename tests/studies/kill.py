"""Kill a group of runs with `kill -9` at random moments, repeat the command, and compare with an undisturbed group.

    python tests/studies/kill.py --kills 30

A blow falls on the command, on one of its workers, or on all of them. Where only the command dies, its workers complete
their runs, and the next command waits for them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import click
import psutil

import specnet

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 60},
    "split": {"validation": 0.3},
    "layers": [{"type": "linear", "units": 8}, "tanh", "dropout", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "metrics": ["accuracy"],
    "training": {"epochs": 300, "batch_size": 20},
    "checkpoint": {"every": 25},
    "plots": [],
}


def start(spec: Path, group: Path, seeds: int) -> psutil.Popen:
    """Start the command that trains the group."""
    command = [sys.executable, "-m", "specnet", "repeat", spec, "--seeds", seeds, "-j", 2, "-o", group, "-q"]
    return psutil.Popen([*map(str, command)], start_new_session=True)


def strike(process: psutil.Popen, whom: str, rng: random.Random) -> None:
    """Kill the command, one of its workers, or both with all workers."""
    workers = process.children(recursive=True)
    struck = {"command": [process], "all": [process, *workers], "worker": workers and [rng.choice(workers)]}[whom]
    for each in struck or [process]:
        with suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGKILL)


def survives(folder: Path, kills: int, seeds: int, rng: random.Random, longest: float) -> dict[str, int]:
    """Return how many blows fell on whom, after checking that the group has ended as if none had."""
    spec, group = folder / "spec.json", folder / "group"
    spec.write_text(json.dumps(SPEC))
    whole = specnet.repeat(spec, seeds, folder / "whole", workers=1)
    fallen, started = dict.fromkeys(("command", "worker", "all"), 0), []
    for number in range(kills + 1):
        process = start(spec, group, seeds)
        started.append(process.pid)
        if number < kills:
            whom = rng.choice([*fallen])
            with suppress(psutil.TimeoutExpired):
                process.wait(rng.uniform(0.5, longest))
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                strike(process, whom, rng)
                fallen[whom] += 1
        code = process.wait(300)
    sweep(started)
    assert code == 0, code
    compare(whole.directory, group)
    return fallen


def sweep(sessions: list[int]) -> None:
    """Kill the workers that are left of sessions, which would otherwise wait minutes for a command that is gone."""
    for session in sessions:
        with suppress(ProcessLookupError):
            os.killpg(session, signal.SIGKILL)


def compare(whole: Path, group: Path) -> None:
    """Check that two groups have the same bytes, but for names of directories and times."""
    for path in sorted(whole.rglob("*")):
        other = group / path.relative_to(whole)
        if path.name in ("summary.json", "results.json", "record.npz") or path.suffix == ".npz":
            assert path.read_bytes() == other.read_bytes(), other
        elif path.name == "history.jsonl":
            assert _timeless(path) == _timeless(other), other


def _timeless(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) | {"seconds": None} for line in path.read_text().splitlines()]


@click.command()
@click.option("--kills", default=30)
@click.option("--seeds", default=6)
@click.option("--seed", type=int, default=None)
def main(kills: int, seeds: int, seed: int | None) -> None:
    """Kill a group of runs."""
    seed = time.time_ns() % 10**6 if seed is None else seed
    click.echo(f"--seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        click.echo(survives(Path(folder), kills, seeds, random.Random(seed), 8.0))


if __name__ == "__main__":
    main()
