"""Kill runs at random moments, go on with them, and compare what they leave with runs that nothing interrupted.

    python tests/runs/kill.py --kills 300
    python tests/runs/kill.py --kills 1 --seed 17 --spec plateau

The first form takes a few minutes and draws a seed, which it prints. Each case is one run of a spec from the table
below, hit up to eight times before it may end; the seed of a case is one more than that of the case before, and the
second form replays a single one. A blow is one of

- SIGKILL that a process sends itself at a chosen count of the calls and returns, of Python and of C functions, in all
  of its threads, or at a chosen count of those that ask something of the operating system. So it falls between any
  two system calls of a save, and falls there again when it is replayed;
- SIGKILL from outside after a random time, which no seed repeats;
- in a quarter of the cases SIGINT or SIGTERM, at such a count as well.

After blows of SIGKILL alone the whole run directory has to be the same, byte by byte: checkpoints, record, spec and
indexes, with no file more or less. Only the seconds in the history, the lock and the manifest's story of the run,
which its page tells, too, are left out. A signal adds a checkpoint, and so does a run that ends before it is made
longer; then final checkpoint, best state, history and record are compared. At the first difference the directories
stay, and the exit code is 1.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import click
import numpy as np

from specnet.runs.files import read_json

LINEAR = {"type": "linear", "units": 6}
OUTPUT = {"type": "linear", "units": 1}
DROPOUT = {"type": "dropout", "rate": 0.2}
SPIRAL = {
    "dataset": {"type": "spiral", "n_samples": 60},
    "split": {"validation": 0.2},
    "layers": [LINEAR, "tanh", DROPOUT, OUTPUT],
    "loss": "bce_with_logits",
    "metrics": ["accuracy"],
    "plots": [],
}
WAVES = {
    "dataset": {"type": "waves", "n_samples": 60},
    "split": {"validation": 0.2},
    "transforms": {"inputs": ["standardize"], "targets": ["standardize"]},
    "layers": [LINEAR, "tanh", OUTPUT],
    "loss": "mse",
    "metrics": ["r2"],
    "plots": [],
}
WILD = {
    "layers": [DROPOUT, OUTPUT],
    "optimizer": {"type": "sgd", "learning_rate": 2.5, "momentum": 0.1},
    "training": {"epochs": 60, "batch_size": 20},
    "checkpoint": {"every_steps": 4},
}
SPECS: dict[str, dict[str, Any]] = {
    "momentum": SPIRAL | {
        "layers": [{"type": "repeat", "times": 2, "layers": [LINEAR, "tanh", DROPOUT]}, OUTPUT],
        "optimizer": {"type": "sgd", "momentum": 0.9, "learning_rate": {"type": "step", "initial": 0.1, "every": 7}},
        "training": {"epochs": 10, "batch_size": 10},
        "checkpoint": {"every_steps": 3},
    },
    "nesterov": WAVES | {
        "dtype": "float64",
        "optimizer": {"type": "sgd", "momentum": 0.8, "nesterov": True,
                      "learning_rate": {"type": "exponential", "initial": 0.1, "every": 5}},
        "training": {"epochs": 40, "batch_size": None},
        "record": {"every": 3, "points": 9},
    },
    "cosine": SPIRAL | {
        "layers": [{"type": "residual", "layers": [{"type": "linear", "units": 2}, DROPOUT]},
                   {"type": "parallel", "branches": [[LINEAR, "relu"], [DROPOUT], []]}, OUTPUT],
        "optimizer": {"type": "adam", "learning_rate": {"type": "cosine", "initial": 0.1, "steps": 30, "warmup": 5}},
        "training": {"epochs": 12, "batch_size": 11, "shuffle": False, "clip_norm": 0.1},
        "checkpoint": {"every": 1, "keep": 1},
        "record": {"every": 3, "points": 5},
    },
    "plateau": SPIRAL | {
        "optimizer": {"type": "adam", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.2, "patience": 1,
                                                        "factor": 0.5, "cooldown": 1}},
        "training": {"epochs": 25, "batch_size": 20},
        "checkpoint": {"every": 3, "keep": 2, "monitor": "validation/accuracy"},
    },
    "stopping": SPIRAL | {
        "optimizer": {"type": "adam", "learning_rate": {"type": "constant", "value": 0.3}},
        "training": {"epochs": 60, "batch_size": 20, "early_stopping": {"monitor": "validation/loss", "patience": 4}},
        "checkpoint": {"every": 4},
    },
    "diverging": WAVES | WILD,
    "restored": WAVES | WILD | {
        "training": WILD["training"] | {"on_divergence": "restore_best"},
        "record": {"every": 2, "points": 7},
    },
    "extended": WAVES | {
        "layers": [LINEAR, "tanh", DROPOUT, OUTPUT],
        "training": {"epochs": 12, "batch_size": 9},
        "checkpoint": {"every": 2, "every_steps": 4},
        "record": {"every": 1, "units": True, "budget": 20_000},
    },
    "streamed": SPIRAL | {
        "dataset": {"type": "npy", "inputs": "inputs.npy", "targets": "targets.npy", "buffer": 0.002},
        "transforms": {"inputs": ["standardize"]},
        "training": {"epochs": 4, "batch_size": 3},
        "checkpoint": {"every_steps": 5},
    },
}  # fmt: skip
SHORTER = {"extended": (3, 8)}
"""Epochs that a run may be told to end after, before it is made as long as its spec says."""
PHASES = ("any", "start", "save", "last", "system")
"""What a blow may count: all of a run, until its first epoch, inside saves, from the last epoch but one on, or only
what asks something of the operating system, in all of the run."""
ENDS = {"finished": 0, "diverged": 4}
"""Exit codes of runs that are over."""
PATIENCE = 60
"""Seconds after which a process is taken to hang."""


class Blow(NamedTuple):
    """A signal, sent when a phase has counted so far, or from outside after so many seconds."""

    phase: str
    moment: float = math.inf
    signal: int = signal.SIGKILL


NO_BLOW = Blow("none")


def asks_system(event: str, function: object) -> bool:
    """Tell whether a profiler's event is about a function of the operating system, or one of a file."""
    known = getattr(function, "__module__", None) in ("posix", "fcntl", "io", "_io")
    return event.startswith("c_") and (known or isinstance(getattr(function, "__self__", None), io.IOBase))


class Profiler:
    """Counts what the interpreter tells a profiler while a run is made or resumed, and strikes at a blow's moments."""

    def __init__(self, late: int, blow: Blow) -> None:
        from specnet.runs import course, runner
        from specnet.training import loop

        self.late, self.blow = late, blow
        self.counts = dict.fromkeys(PHASES, 0)
        self.inside: set[str] = set()
        functions = {
            "any": [runner.run, runner.resume],
            "train": [course.Course._train],
            "save": [course.Course._write],
            "epoch": [loop.run_epoch],
        }
        self.names = {function.__code__: name for name, some in functions.items() for function in some}

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if name := self.names.get(frame.f_code):
            self._follow(name, event, frame)
        system = {"system"} if "any" in self.inside and asks_system(event, argument) else set()
        for phase in (self.inside | system) & self.counts.keys():
            self.counts[phase] += 1
            if phase == self.blow.phase and self.counts[phase] >= self.blow.moment and self._may_strike(event):
                number, self.blow = self.blow.signal, NO_BLOW
                os.kill(os.getpid(), number)

    def _may_strike(self, event: str) -> bool:
        """Python handles no signal between a function that takes a lock and the `with` that releases it."""
        return self.blow.signal == signal.SIGKILL or event in ("call", "c_call")

    def _follow(self, name: str, event: str, frame: FrameType) -> None:
        """Note where the run is, as one of its functions is called or returns."""
        if event == "return":
            self.inside -= {*PHASES} if name == "any" else {name}
        elif event == "call":
            self.inside |= {"any": {"any", "start"}}.get(name, {name})
            if name == "train":
                self.inside -= {"start"}
            if name == "epoch" and frame.f_locals["trainer"].epoch >= self.late:
                self.inside |= {"last"}


def child(spec: str, plan: str, *arguments: str) -> None:
    """Be the command `specnet` with a profiler. What a spec imports and compiles is there before, and not counted."""
    from specnet import cli, load_spec
    from specnet.runs.experiment import Experiment

    Experiment(load_spec(spec))
    late, counts, *blow = json.loads(plan)
    profiler = Profiler(late, Blow(*blow))
    sys.argv = ["specnet", *arguments]
    threading.setprofile(profiler)
    sys.setprofile(profiler)
    try:
        cli.main()
    finally:
        sys.setprofile(None)
        if counts:
            Path(counts).write_text(json.dumps(profiler.counts))


def story(directory: Path) -> dict[str, object]:
    """Return what a run tells of itself, without wall-clock times and interruptions."""
    manifest = read_json(directory / "manifest.json")
    lines = [json.loads(line) | {"seconds": None} for line in (directory / "history.jsonl").read_text().splitlines()]
    return {
        "status": manifest["status"],
        "stopped_early": manifest.get("stopped_early"),
        "error": manifest["error"] and manifest["error"].splitlines()[0],
        "history": json.dumps(lines),
    }


def files(directory: Path) -> dict[str, object]:
    """Return every file of a run directory that is the same whenever a process was killed."""
    found: dict[str, object] = {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }
    # What the last save deleted is of use only to a process that would have to delete it again.
    found["latest.json"] = without(read_json(directory / "latest.json"), "dropped")
    return without(found, "manifest.json", "history.jsonl", "report.html", ".lock")


def results(directory: Path) -> dict[str, object]:
    """Return what is the same even if the run was saved at other times, the best state with fewer epochs to come."""
    found, latest, best = files(directory), *(read_json(directory / f"{name}.json") for name in ("latest", "best"))
    with np.load(directory / "checkpoints" / best["checkpoint"]) as checkpoint:
        found |= {f"best {name}": checkpoint[name].tobytes() for name in checkpoint if name != "spec"}
    found["best.json"] = without(best, "sha256", "bytes")
    del found["latest.json"]
    if story(directory)["status"] == "finished":  # one that diverged leaves the state that happened to be saved last
        found["latest.json"] = without(latest, "checkpoints", "dropped")
        found["latest checkpoint"] = found[f"checkpoints/{latest['checkpoint']}"]
    return without(found, *(f"checkpoints/{name}" for name in latest["checkpoints"]))


def without(mapping: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return a mapping without some of its keys."""
    return {key: value for key, value in mapping.items() if key not in keys}


def differences(reference: Path, directory: Path, exact: bool) -> list[str]:
    """Return what is not the same in two run directories."""
    what = files if exact else results
    one, other = ({**story(each), **what(each)} for each in (reference, directory))
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


class Mismatch(Exception):
    """A run did not go on, or did not end, as one that nothing interrupts."""


class Victim:
    """A spec, and what is known of a run of it that nothing interrupts."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.epochs = SPECS[name]["training"]["epochs"]
        self.spec = folder / f"{name}.json"
        self.spec.write_text(json.dumps(SPECS[name]))
        self.reference, counted, counts = (folder / f"{name}-{what}" for what in ("reference", "counted", "counts"))
        start = time.perf_counter()
        self.end = self.strike(self.reference, self.epochs)
        self.seconds = time.perf_counter() - start
        if self.end != ENDS.get(str(story(self.reference)["status"])):
            raise Mismatch(f"{self.reference} ended with {self.end}")
        self.late = len((self.reference / "history.jsonl").read_text().splitlines()) - 2
        self.strike(counted, self.epochs, NO_BLOW, counts=str(counts))
        self.compare(counted, exact=True)
        self.counts = read_json(counts)

    def compare(self, directory: Path, exact: bool) -> None:
        """Raise `Mismatch` if a run is not the same as the reference."""
        if found := differences(self.reference, directory, exact):
            raise Mismatch(f"{directory} differs from {self.reference} in: {', '.join(found)}")

    def draw(self, rng: random.Random, last: bool, gentle: bool) -> Blow:
        """Return a blow: `last` in the last two epochs, `gentle` perhaps of a signal that can be handled."""
        number = rng.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)) if gentle else signal.SIGKILL
        phase = "last" if last else rng.choice((*PHASES, "save", "system", "outside"))
        if phase == "outside" and number == signal.SIGKILL:
            return Blow(phase, rng.uniform(0.6, 1.0) * self.seconds)  # importing takes more than half of the time
        phase = phase if phase in PHASES else "any"
        # Rather early, so that a run is hit more than once.
        return Blow(phase, rng.randint(1, self.counts[phase] // rng.randint(1, 4)), number)

    def strike(
        self, directory: Path, epochs: int, blow: Blow | None = None, *, resume: bool = False, counts: str = ""
    ) -> int:
        """Start or go on with a run in a process of its own, let a blow fall, and return the process's exit code.

        Raises:
            Mismatch: if it ends as neither the blow nor the run may, or could not believe the newest checkpoint.
        """
        if blow is None or blow.phase == "outside":
            command = ["-m", "specnet"]
        else:
            command = [__file__, "child", str(self.spec), json.dumps([self.late, counts, *blow])]
        command += ["resume"] if resume else ["run", str(self.spec), "--resume", "--out"]
        command += [str(directory), "--quiet"]
        if self.name in SHORTER:
            command += ["--set", f"training.epochs={epochs}"]
        process = subprocess.Popen(
            [sys.executable, *command],
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _, told = process.communicate(timeout=blow.moment if blow and blow.phase == "outside" else PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            _, told = process.communicate()
        expected = {*ENDS.values(), *((-blow.signal, 128 + blow.signal) if blow else ())}
        if process.returncode not in expected or "going on from" in told:
            raise Mismatch(f"{shlex.join(command)} ended with {process.returncode}\n{told}")
        return process.returncode


def case(victim: Victim, seed: int, struck: Counter[str]) -> None:
    """Hit a run of a spec some times, let it end, and compare. Blows that fell are counted.

    Raises:
        Mismatch: if it is not the same.
    """
    rng = random.Random(seed)
    gentle, blows = rng.random() < 0.25, rng.randint(1, 8)
    last = rng.randrange(blows)
    directory = victim.folder / f"{victim.name}-{seed}"
    for number, epochs in enumerate(sorted(rng.choices((*SHORTER.get(victim.name, ()), victim.epochs), k=blows))):
        blow, resume = victim.draw(rng, number == last, gentle), rng.random() < 0.4
        resume &= (directory / "manifest.json").exists()
        code = victim.strike(directory, epochs, blow, resume=resume)
        if code not in ENDS.values():
            name = signal.Signals(blow.signal).name
            struck.update([name, f"{name} {blow.phase}", f"{name} {victim.name}"])
    if (end := victim.strike(directory, victim.epochs)) != victim.end:
        raise Mismatch(f"{directory} ended with {end} instead of {victim.end}")
    victim.compare(directory, exact=not gentle and victim.name not in SHORTER)
    shutil.rmtree(directory)


@click.command()
@click.option("--kills", default=200, show_default=True, help="SIGKILLs that have to fall before the end.")
@click.option("--seed", type=int, help="Seed of the first case; by default drawn anew.")
@click.option("--spec", "names", multiple=True, type=click.Choice(list(SPECS)), help="Only runs of this spec.")
def main(kills: int, seed: int | None, names: tuple[str, ...]) -> None:
    """Kill runs at random moments, and compare what they leave with runs that nothing interrupted."""
    seed = seed if seed is not None else random.randrange(10**6)
    click.echo(f"seed {seed}")
    folder, start = Path(tempfile.mkdtemp(prefix="specnet-kill-")), time.perf_counter()
    inputs = np.random.default_rng(0).normal(size=(160, 2))  # as float64 more than the buffer: a window has 9 of them
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "targets.npy", inputs[:, 0] * inputs[:, 1] > 0)
    victims: dict[str, Victim] = {}
    struck: Counter[str] = Counter()
    for number in itertools.count():
        if struck["SIGKILL"] >= kills:
            break
        name = (names or tuple(SPECS))[number % len(names or SPECS)]
        try:
            if name not in victims:
                victims[name] = Victim(name, folder)
            case(victims[name], seed + number, struck)
        except Mismatch as mismatch:
            click.echo(mismatch, err=True)
            click.echo(f"to replay: python {sys.argv[0]} --kills 1 --seed {seed + number} --spec {name}", err=True)
            sys.exit(1)
    shutil.rmtree(folder)
    for what, count in sorted(struck.items()):
        click.echo(f"{count:6} {what}")
    click.echo(f"{number} runs ended the same as if nothing had happened, in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        main()
