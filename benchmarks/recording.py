"""What the record costs that a run keeps by default: `specnet run` with it against the same without.

Whole commands, from start to end, with plots and without the report; each works with its own record and not with the
one its spec asks for.
"""

from __future__ import annotations

import sysconfig
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measure import Comparison, clocked, take_turns
from benchmarks.startup import bytecode, run
from benchmarks.work import SPECS

EPOCHS = {"spiral": 400, "regression": 2000, "mnist": 40, "notebook_spiral": 10_000}


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of runs with and without a record."""
    specnet = str(Path(sysconfig.get_path("scripts")) / "specnet")
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for spec, epochs in EPOCHS.items():
            command = [specnet, "run", str(SPECS / f"{spec}.json"), "--quiet"]
            command += ["--no-report", "--set", f"training.epochs={1 if short else epochs}"]
            calls = {
                peer: clocked(partial(run, [*command, "--set", f"record={record}"], bytecode(folder), folder))
                for peer, record in {"specnet": "{}", "no record": "null"}.items()
            }
            take_turns(calls, 0 if short else 1)
            found.append(Comparison("recording", spec, take_turns(calls, rounds)))
    return found
