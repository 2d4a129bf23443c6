"""Seconds until several seeds of the spiral are trained: by one command, and by a command for each seed."""

from __future__ import annotations

import sysconfig
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measure import Comparison, clocked, take_turns
from benchmarks.startup import bytecode, run
from benchmarks.work import SPECS


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of `specnet repeat` on two cores, and of the commands one after the other; in one round."""
    seeds, specnet = 2 if short else 20, str(Path(sysconfig.get_path("scripts")) / "specnet")
    spec, few = str(SPECS / "spiral.json"), ["--set", "training.epochs=2"] if short else []
    with tempfile.TemporaryDirectory() as folder:
        environment = bytecode(Path(folder))

        def one_by_one() -> None:
            for seed in range(1, seeds + 1):
                run([specnet, "run", spec, "--set", f"seed={seed}", "--quiet", *few], environment, folder)

        together = [specnet, "repeat", spec, "--seeds", str(seeds), "-j", "2", "--quiet", *few]
        calls = {"specnet": partial(run, together, environment, folder), "commands one by one": one_by_one}
        if not short:  # reads files from the disk, and writes that bytecode
            run([specnet, "run", spec, "--quiet", "--set", "training.epochs=1"], environment, folder)
        found = take_turns({name: clocked(call) for name, call in calls.items()}, 1)
    return [Comparison("seeds", f"{seeds} seeds of the spiral, two processes", found)]
