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

SPIRAL_SCRIPT = Path(__file__).parent / "spiral_script.py"


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of commands, and of imports beside them; of a whole run, and of a PyTorch script beside it."""
    torch = "PyTorch" not in missing()
    specnet, spec = str(Path(sysconfig.get_path("scripts")) / "specnet"), str(SPECS / "spiral.json")
    packages = ["click", "numpy", *(["torch"] if torch else [])]
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
        whole = {"specnet": [specnet, "run", spec, "--quiet", *(["--set", "training.epochs=2"] if short else [])]}
        if torch and not short:
            whole["PyTorch script"] = [sys.executable, str(SPIRAL_SCRIPT)]
        runs = {name: clocked(partial(run, command, environment, folder)) for name, command in whole.items()}
        pictures = Comparison("startup", "spiral with pictures", take_turns(runs, min(rounds, 5)))
    imports = {name: seconds for name, seconds in found.items() if name.startswith("import")}
    timed = {name: seconds for name, seconds in found.items() if name not in imports}
    return [
        *(Comparison("startup", name, {"specnet": seconds, **imports}) for name, seconds in timed.items()),
        pictures,
    ]


def bytecode(folder: Path) -> dict[str, str]:
    """Return an environment in which, as where packages are installed, all modules have their bytecode."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def run(command: Sequence[str], environment: Mapping[str, str], folder: str | Path) -> None:
    """Run a command that must not fail in a folder, where each run gets a directory of its own."""
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folder)
