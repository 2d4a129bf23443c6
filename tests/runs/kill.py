"""Kill runs at random moments, go on with them, and compare what they leave with runs that nothing interrupted.

    python tests/runs/kill.py --kills 300
    python tests/runs/kill.py --kills 1 --seed 17 --spec plateau

The first form takes a few minutes and draws a seed, which it prints. Each case is one run of a spec of `victims`, hit
up to eight times before it may end; the seed of a case is one more than that of the case before, and the
second form replays a single one. A blow is one of

- SIGKILL that a process sends itself at a chosen count of the calls and returns, of Python and of C functions, in all
  of its threads; of those that ask something of the operating system; or of those in a phase, while a split is
  measured, say, or when the record is written and the checkpoint is not. So it falls between any two system calls of
  a save, and falls there again when it is replayed;
- SIGKILL from outside after a random time, which no seed repeats;
- in a quarter of the cases SIGINT or SIGTERM, at such a count as well.

After blows of SIGKILL alone the whole run directory has to be the same, byte by byte: checkpoints, record, spec and
indexes, with no file more or less. Only the seconds in the history, the lock and the manifest's story of the run,
which its page tells, too, are left out. A signal adds a checkpoint, and so does a run that ends before it is made
longer; then final checkpoint, best state, history and record are compared. At the first difference the directories
stay, and the exit code is 1.

Processes are forked from this one, which has imported what they need and runs no thread.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import multiprocessing
import os
import random
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click
import numpy as np
from environment import write_distribution
from helpers import kernel_options
from runs.stopped import DRIFT
from runs.victims import CALLBACKS, KEEPING, MATRIX, POINTS, SHORTER, SPECS

import specnet
from specnet import registry
from specnet.errors import SpecnetError
from specnet.runs.storage.checkpoints import Listing, best_of
from specnet.runs.storage.files import read_run_json

PHASES = ("any", "start", "measure", "save", "gap", "last", "system")
"""What a blow may count: all of a run, until its first epoch, while splits are measured, inside saves, in them between
the record and the checkpoint, from the last epoch but one on, or only what asks something of the operating system, in
all of the run."""
FORKED = multiprocessing.get_context("fork")
ENDS = {"finished": 0, "diverged": 4}
"""Exit codes of runs that are over."""
PATIENCE = 120
"""Seconds after which a process is taken to hang."""


class Blow(NamedTuple):
    """A signal, sent when a phase has counted so far, or from outside after so many seconds."""

    phase: str
    moment: float = math.inf
    signal: int = signal.SIGKILL


SYSTEM = frozenset({"system"})
NO_BLOW, OVER = Blow("none"), Blow("over")
"""Of the first one a profiler counts all phases, and after a blow none."""


def asks_system(event: str, function: object) -> bool:
    """Tell whether a profiler's event is about a function of the operating system, or one of a file."""
    if event[:2] != "c_":
        return False
    known = getattr(function, "__module__", None) in ("posix", "fcntl", "io", "_io")
    return known or isinstance(getattr(function, "__self__", None), io.IOBase)


class Profiler:
    """Counts what the interpreter tells a profiler while a run is made or resumed, and strikes at a blow's moments."""

    def __init__(self, late: int, blow: Blow) -> None:
        from specnet.runs import runner, start
        from specnet.runs.storage import checkpoints, files
        from specnet.training import loop
        from specnet.training.model import Model

        self.late, self.blow = late, blow
        self.count, self.counts = 0, Counter[frozenset[str]]()
        self.inside: frozenset[str] = frozenset()
        functions = {
            "any": [start.run, start.resume],
            "train": [runner.Runner._train],
            "save": [runner.Runner._write],
            "measure": [Model.score],
            "gap": [checkpoints.Checkpoints.save],
            "commit": [files.Staged.commit],
            "epoch": [loop.run_epoch],
        }
        # By identity: to hash a code object takes longer than all the rest.
        self.names = {id(function.__code__): name for name, some in functions.items() for function in some}

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if name := self.names.get(id(frame.f_code)):
            self._follow(name, event, frame)
        phase = self.blow.phase
        if self.blow is NO_BLOW:
            self.counts[self.inside] += 1
            if event[:2] == "c_" and self._is_in("system", event, argument):
                self.counts[SYSTEM] += 1
        elif self._is_in(phase, event, argument):
            self.count += 1
            if self.count >= self.blow.moment and self._may_strike(event):
                number, self.blow = self.blow.signal, OVER
                os.kill(os.getpid(), number)

    def _is_in(self, phase: str, event: str, argument: object) -> bool:
        """Tell whether an event is one that a phase counts."""
        return phase in self.inside or (phase == "system" and asks_system(event, argument) and "any" in self.inside)

    def _may_strike(self, event: str) -> bool:
        """Python handles no signal between a function that takes a lock and the `with` that releases it."""
        return self.blow.signal == signal.SIGKILL or event in ("call", "c_call")

    def _follow(self, name: str, event: str, frame: FrameType) -> None:
        """Note where the run is, as one of its functions is called or returns."""
        if event == "return":
            self.inside -= {*PHASES} if name == "any" else {name}
        elif event == "call":
            self.inside |= {"any": {"any", "start"}}.get(name, {name})
            self.inside -= {"train": {"start"}, "commit": {"gap"}}.get(name, set())
            if name == "epoch" and frame.f_locals["trainer"].epoch >= self.late:
                self.inside |= {"last"}


def child(arguments: Sequence[str], told: int, profiler: Profiler | None, counts: Path | None) -> None:
    """Be the command `specnet`, or a program whose runs have a callback of its own, with a profiler.

    What it says goes to an open file.
    """
    from specnet import cli

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(told, 2)
    os.fsync = lambda handle: None  # takes most of the time, and shows only where the machine itself goes down
    sys.argv = ["specnet", *arguments]
    threading.setprofile(profiler)
    sys.setprofile(profiler)
    try:
        if arguments[0] == CALLBACKS:
            call_back(*arguments[1:])
        else:
            cli.main()
    finally:
        sys.setprofile(None)
        if profiler and counts:
            totals = {phase: sum(n for at, n in profiler.counts.items() if phase in at) for phase in PHASES}
            counts.write_text(json.dumps(totals))


def call_back(what: str, directory: str, kernels: str, *spec: str) -> None:
    """Run a spec, or resume a run, with a callback, and end as the command does."""
    from keeping_plugin import Trace

    try:
        if what == "run":
            specnet.run(*spec, directory, callbacks=[Trace()], resume=True, report=False, kernels=kernels)
        else:
            specnet.resume(directory, callbacks=[Trace()], report=False, kernels=kernels)
    except SpecnetError as error:
        sys.exit(error.exit_code)
    except KeyboardInterrupt as error:  # a plain one, if a run has not taken over signals yet
        sys.exit(getattr(error, "exit_code", 128 + signal.SIGINT))


def story(directory: Path) -> dict[str, object]:
    """Return what a run tells of itself, without wall-clock times and interruptions."""
    manifest = read_run_json(directory / "manifest.json")
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
    return without(found, "manifest.json", "history.jsonl", "report.html", ".lock")


def results(directory: Path) -> dict[str, object]:
    """Return what is the same even if the run was saved at other times, the best state with fewer epochs to come."""
    found, listing = files(directory), Listing(directory, None)
    best = found["best"] = best_of(listing.newest())
    with np.load(directory / "checkpoints" / best["checkpoint"]) as checkpoint:
        found |= {f"best {name}": checkpoint[name].tobytes() for name in checkpoint if name != "spec"}
    if story(directory)["status"] == "finished":  # one that diverged leaves the state that happened to be saved last
        found["latest checkpoint"] = found[f"checkpoints/{listing.path(listing.steps[-1]).name}"]
    return without(found, *(f"checkpoints/{listing.path(step).name}" for step in listing.steps))


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

    def __init__(self, name: str, folder: Path, phases: Sequence[str]) -> None:
        self.name, self.folder, self.phases = name, folder, phases
        self.kernels, _, self.part = name.split("-") if name in MATRIX else ("numpy", "", "")
        self.epochs = SPECS[name]["training"]["epochs"]
        self.spec = folder / f"{name}.json"
        self.spec.write_text(json.dumps(SPECS[name]))
        self.reference, counted, counts = (folder / f"{name}-{what}" for what in ("reference", "counted", "counts"))
        with suppress(SpecnetError):  # what this imports is there in all processes that are forked
            specnet.run(specnet.load_spec(self.spec, ["training.epochs=1"]), folder / f"{name}-imported")
        start = time.perf_counter()
        self.end = self.strike(self.reference, self.epochs)
        self.seconds = time.perf_counter() - start
        if self.end != ENDS.get(str(story(self.reference)["status"])):
            raise Mismatch(f"{self.reference} ended with {self.end}")
        self.late = len((self.reference / "history.jsonl").read_text().splitlines()) - 2
        self.strike(counted, self.epochs, NO_BLOW, counts=counts)
        self.compare(counted, exact=True)
        self.counts = read_run_json(counts)

    def compare(self, directory: Path, exact: bool) -> None:
        """Raise `Mismatch` if a run is not the same as the reference."""
        if found := differences(self.reference, directory, exact):
            raise Mismatch(f"{directory} differs from {self.reference} in: {', '.join(found)}")

    def draw(self, rng: random.Random, last: bool, gentle: bool) -> Blow:
        """Return a blow: `last` in the last two epochs, `gentle` perhaps of a signal that can be handled."""
        number = rng.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)) if gentle else signal.SIGKILL
        likely = tuple(self.phases) or (*PHASES, "save", "system", "outside")
        phase = "last" if last and not self.phases else rng.choice(likely)
        if phase == "outside" and number == signal.SIGKILL:
            return Blow(phase, rng.uniform(0.0, 1.0) * self.seconds)
        phase = phase if phase in PHASES else "any"
        # Rather early, so that a run is hit more than once.
        return Blow(phase, rng.randint(1, max(self.counts[phase] // rng.randint(1, 4), 1)), number)

    def arguments(self, directory: Path, epochs: int, resume: bool) -> list[str]:
        """Return what the command takes to start, or to go on with, a run."""
        if self.part == CALLBACKS:
            verb, given = ("resume", []) if resume else ("run", [str(self.spec)])
            return [CALLBACKS, verb, str(directory), self.kernels, *given]
        arguments = ["resume"] if resume else ["run", str(self.spec), "--resume", "--out"]
        arguments += [str(directory), "--quiet", *kernel_options(self.kernels)]
        arguments += ["--no-report"] if self.name in MATRIX else []
        return [*arguments, "--set", f"training.epochs={epochs}"] if self.name in SHORTER else arguments

    def strike(
        self,
        directory: Path,
        epochs: int,
        blow: Blow | None = None,
        *,
        resume: bool = False,
        counts: Path | None = None,
    ) -> int:
        """Start or go on with a run in a process of its own, let a blow fall, and return the process's exit code.

        Raises:
            Mismatch: if it ends as neither the blow nor the run may, or could not believe the newest checkpoint.
        """
        arguments, outside = self.arguments(directory, epochs, resume), blow is not None and blow.phase == "outside"
        profiler = Profiler(self.late, blow) if blow and not outside else None
        with tempfile.TemporaryFile() as told:
            process = FORKED.Process(target=child, args=(arguments, told.fileno(), profiler, counts))
            process.start()
            process.join(blow.moment if blow and outside else PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()
            told.seek(0)
            words = told.read().decode(errors="replace")
        expected = {*ENDS.values(), *((-blow.signal, 128 + blow.signal) if blow else ())}
        if process.exitcode not in expected or "going on from" in words:
            raise Mismatch(f"{shlex.join(arguments)} ended with {process.exitcode}\n{words}")
        return process.exitcode or 0


def case(victim: Victim, seed: int, most: int, struck: Counter[str]) -> None:
    """Hit a run of a spec some times, `most` at most, let it end, and compare. Blows that fell are counted.

    Raises:
        Mismatch: if it is not the same.
    """
    rng = random.Random(seed)
    gentle, blows = rng.random() < 0.25, rng.randint(1, most)
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
@click.option("--blows", default=8, show_default=True, help="Most blows that fall on one run.")
@click.option("--phase", "phases", multiple=True, type=click.Choice(PHASES), help="Only blows that count this.")
def main(kills: int, seed: int | None, names: tuple[str, ...], blows: int, phases: tuple[str, ...]) -> None:
    """Kill runs at random moments, and compare what they leave with runs that nothing interrupted."""
    seed = seed if seed is not None else random.randrange(10**6)
    click.echo(f"seed {seed}")
    folder, start = Path(tempfile.mkdtemp(prefix="specnet-kill-")), time.perf_counter()
    inputs = np.random.default_rng(0).normal(size=(160, 2))  # as float64 more than the buffer: a window has 9 of them
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "targets.npy", inputs[:, 0] * inputs[:, 1] > 0)
    write_distribution(folder, "specnet-keeping", POINTS, drift_plugin=DRIFT, keeping_plugin=KEEPING)
    sys.path.insert(0, str(folder))
    registry._claims.cache_clear()
    victims: dict[str, Victim] = {}
    struck: Counter[str] = Counter()
    chosen = names or tuple(SPECS)
    for number in itertools.count():
        if struck["SIGKILL"] >= kills and number >= len(names):
            break
        name = chosen[number % len(chosen)]
        try:
            if name not in victims:
                victims[name] = Victim(name, folder, phases)
            case(victims[name], seed + number, blows, struck)
        except Mismatch as mismatch:
            click.echo(mismatch, err=True)
            again = ["--kills", "1", "--seed", str(seed + number), "--spec", name, "--blows", str(blows)]
            again += [part for phase in phases for part in ("--phase", phase)]
            click.echo(f"to replay: python {sys.argv[0]} {' '.join(again)}", err=True)
            sys.exit(1)
    shutil.rmtree(folder)
    for what, count in sorted(struck.items()):
        click.echo(f"{count:6} {what}")
    click.echo(f"{number} runs ended the same as if nothing had happened, in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
