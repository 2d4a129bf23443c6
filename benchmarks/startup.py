"""Seconds until a command is done, next to what Python takes to import a package."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import Comparison, clocked, take_turns
from benchmarks.peers import missing
from benchmarks.work import SPECS


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of `--help`, of `validate` and of a run of one epoch, and of imports beside them."""
    specnet, spec = str(Path(sysconfig.get_path("scripts")) / "specnet"), str(SPECS / "spiral.json")
    packages = ["click", "numpy", *(["torch"] if "PyTorch" not in missing() else [])]
    with tempfile.TemporaryDirectory() as folder:
        once = ["--set", "training.epochs=1", "--set", "plots=[]", "--quiet"]
        commands = {
            "--help": [specnet, "--help"],
            "validate": [specnet, "validate", spec],
            "run of one epoch": [specnet, "run", spec, *once],
            **{f"import {package}": [sys.executable, "-c", f"import {package}"] for package in packages},
        }
        environment = bytecode(Path(folder))
        calls = {name: clocked(partial(run, command, environment, folder)) for name, command in commands.items()}
        if not short:
            take_turns(calls, 1)  # reads files from the disk, and writes that bytecode
        found = take_turns(calls, rounds)
    imports = {name: seconds for name, seconds in found.items() if name.startswith("import")}
    return [
        Comparison("startup", name, {"specnet": seconds, **imports})
        for name, seconds in found.items()
        if name not in imports
    ]


def bytecode(folder: Path) -> dict[str, str]:
    """Return an environment in which, as where packages are installed, all modules have their bytecode."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def run(command: Sequence[str], environment: Mapping[str, str], folder: str | Path) -> None:
    """Run a command that must not fail in a folder, where each run gets a directory of its own."""
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folder)
