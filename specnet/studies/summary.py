"""`summary.json`: what a group of runs is, how each run ended, and what they say together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, FiniteFloat, NonNegativeInt, PositiveInt

from specnet.errors import RunError, UsageError
from specnet.functions import format_number
from specnet.improvement import Mode
from specnet.names import suggest
from specnet.runs.provenance.kernels import Digest
from specnet.runs.provenance.manifest import check_directory, read_manifest
from specnet.runs.storage.directory import LOCK
from specnet.runs.storage.files import check_model, read_run_json
from specnet.runs.storage.history import History
from specnet.spec.model import Spec
from specnet.spec.plan import make_plan
from specnet.studies.statistics import Limits, Reached, Statistic, count_reached, describe

SUMMARY = "summary.json"
BEST_TRIAL = "best.json"
"""In the directory of a sweep: which group is that of the best trial."""
SWEEP = "plan.json"
"""In the directory of a sweep: what it tries."""
AGAIN = "repeat the command that made the group: it keeps the runs that are finished, and completes the rest"
_Scores = dict[str, FiniteFloat | None]


class Target(BaseModel):
    """A value that a run should reach, at least or, with mode "min", at most."""

    monitor: str
    value: FiniteFloat
    mode: Mode


class RunSummary(BaseModel):
    """A run of a group; `name` is that of its directory.

    `values` are loss and metrics of each split, such as "test/loss", in the state of `epoch`. `reached` is the first
    epoch with the target.
    """

    name: str = Field(pattern="^[a-z0-9][a-z0-9-]*$")
    seed: NonNegativeInt
    repeat: PositiveInt | None = None
    fold: PositiveInt | None = None
    status: str = "waiting"
    epochs: NonNegativeInt = 0
    epoch: NonNegativeInt | None = None
    reached: PositiveInt | None = None
    values: _Scores = {}


class Pooled(BaseModel):
    """Metrics of all predictions of held-out samples together, with 95 % intervals; means over repeats."""

    rows: PositiveInt
    values: _Scores
    interval: dict[str, Limits]


class GroupPlan(BaseModel):
    """What the runs of a group have in common: the SHA-256 of their resolved spec, and in what they differ."""

    kind: Literal["repeat", "cross-validation"]
    spec: Digest
    vary: list[str] = []
    folds: PositiveInt | None = None
    repeats: PositiveInt | None = None
    kernels: str


class GroupSummary(BaseModel):
    """The content of `summary.json`. It is written when a group begins and ends, without times."""

    format: Literal[1] = 1
    name: str
    plan: GroupPlan
    runs: list[RunSummary]
    statistics: dict[str, Statistic] = {}
    target: Target | None = None
    reached: Reached | None = None
    pooled: Pooled | None = None
    sentence: str = ""

    @property
    def gaps(self) -> str:
        """The runs without results and why, as text."""
        return ", ".join(f"{run.name} ({run.status})" for run in self.runs if not run.values)

    @property
    def done(self) -> list[RunSummary]:
        """The runs that have results."""
        return [run for run in self.runs if run.values]


def read_summary(directory: Path) -> GroupSummary:
    """Return the summary of a group, or raise a RunError if the directory has none, or it is damaged."""
    path = directory / SUMMARY
    check_directory(directory, "a group of runs")
    help = AGAIN if was_group(directory) else None
    if not path.exists():
        if is_group(directory.parent):
            help = f"it is in a group: {directory.parent}"
        elif inside := next(iter(sorted(directory.glob(f"*/{SUMMARY}"))), None):
            help = f"it contains groups: name one of them, such as {inside.parent}"
        help = help or "specnet repeat and specnet cross-validate create groups"
        what = "it is a run" if (directory / "manifest.json").is_file() else f"it has no {SUMMARY}"
        raise RunError(f"{directory} is not a group of runs: {what}", help=help)
    try:
        value = read_run_json(path)
        check_model(GroupSummary, value, path)
    except RunError as error:
        raise RunError(error.message, help=help) from None
    return GroupSummary.model_validate(value)


def is_group(path: Path) -> bool:
    """Return whether a directory is that of a group of runs."""
    return (path / SUMMARY).is_file()


def was_group(directory: Path) -> bool:
    """Return whether a directory has the files of a group besides its summary, and runs."""
    own = all((directory / name).exists() for name in (LOCK, "spec.json"))
    return own and not (directory / "manifest.json").exists() and any(directory.glob("*/manifest.json"))


def find_doubt(directory: Path) -> str | None:
    """Return what is wrong with the summary of a group; None if it is intact, or the directory is of no group."""
    if not is_group(directory) and was_group(directory):
        return f"{directory} has no {SUMMARY}"
    try:
        if is_group(directory):
            read_summary(directory)
    except RunError as error:
        return error.message
    return None


def find_group(directory: Path) -> Path:
    """Return the directory of a group: this one or, if it is that of a sweep, the one of its best trial.

    Raises:
        RunError: if the file of the sweep is damaged, or the best trial is gone.
        UsageError: if the sweep has no best trial.
    """
    path = directory / BEST_TRIAL
    if not is_sweep(directory):
        return directory
    again = "the same specnet sweep command"
    if not path.is_file():
        message = f"the sweep in {directory} has no best trial: none has ended with a value"
        raise UsageError(message, help=f"trials.json says how they ended; {again} resumes it")
    name = read_run_json(path).get("directory")
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise RunError(f"{path} is damaged: it names a directory that does not exist", help=f"{again} writes it again")
    if not is_group(directory / name):
        raise RunError(f"{directory / name}, the best trial of a sweep, is gone", help=f"{again} trains it again")
    return directory / name


def is_sweep(path: Path) -> bool:
    """Return whether a directory is that of a sweep."""
    return not is_group(path) and any((path / name).is_file() for name in (SWEEP, BEST_TRIAL))


def with_results(summary: GroupSummary, directory: Path) -> GroupSummary:
    """Return a summary with what its runs have reached, and the statistics of that."""
    runs = [_look(run, directory / run.name, summary.target) for run in summary.runs]
    names = dict.fromkeys(name for run in runs for name in run.values)
    found = {name: describe(run.values.get(name) for run in runs) for name in names}
    found |= {"epochs": describe(run.epochs for run in runs if run.values)}
    ended = [run for run in runs if run.status in ("finished", "stopped", "diverged")]
    return summary.model_copy(
        update={
            "runs": runs,
            "statistics": {name: statistic for name, statistic in found.items() if statistic},
            "reached": count_reached([run.reached for run in ended]) if summary.target and ended else None,
        }
    )


def _look(run: RunSummary, directory: Path, target: Target | None) -> RunSummary:
    try:
        status = read_manifest(directory)["status"]
        history = read_history(directory)
        results = read_run_json(directory / "results.json") if (directory / "results.json").exists() else {}
    except RunError:
        return RunSummary(name=run.name, seed=run.seed, repeat=run.repeat, fold=run.fold)
    splits = [split for split in ("train", "validation", "test") if results.get(split)]
    values = {f"{split}/{name}": value for split in splits for name, value in results[split].items()}
    return run.model_copy(
        update={
            "status": status,
            "epochs": int(history["epoch"][-1]) if history else 0,
            "epoch": results.get("epoch"),
            "reached": _first_epoch(history, target) if target else None,
            "values": values,
        }
    )


def _first_epoch(history: Mapping[str, Any], target: Target) -> int | None:
    if target.monitor not in history:
        return None
    values = history[target.monitor]
    hits = (values <= target.value if target.mode == "min" else values >= target.value).nonzero()[0]
    return int(history["epoch"][hits[0]]) if len(hits) else None


def read_history(directory: Path) -> History:
    """Return the history of a run as it is now, without comparing it with a checkpoint."""
    return History.read(directory / "history.jsonl", {"length": 0, "sha256": hashlib.sha256().hexdigest()})


def parse_target(text: str, spec: Spec) -> Target:
    """Return the target that `text`, such as "validation/accuracy=0.95", names, or raise a UsageError."""
    monitor, _, number = text.partition("=")
    values = {"loss": False} | {metric.label: metric.higher_is_better for metric in spec.metrics}
    known = [f"{split}/{value}" for split in make_plan(spec).splits if split != "test" for value in values]
    split, _, value = monitor.partition("/")
    if f"{split}/{value.partition('/')[0]}" not in known:
        raise UsageError(f"--target {text}: the history will have no {monitor}", help=suggest(monitor, known))
    try:
        return Target(monitor=monitor, value=float(number), mode="max" if values[value.partition("/")[0]] else "min")
    except ValueError as error:
        raise UsageError(f"--target {text}: expected a value and a number, such as {known[0]}=0.1") from error


def statistics_rows(summary: GroupSummary) -> Iterator[tuple[str, Statistic]]:
    """Yield the values to show: those of runs by split, the number of epochs if it varies, and that to the target."""
    for name, statistic in summary.statistics.items():
        if name != "epochs" or statistic.minimum < statistic.maximum:
            yield name, statistic
    if summary.target and summary.reached and summary.reached.epochs:
        yield f"epochs to {summary.target.monitor} {format_number(summary.target.value)}", summary.reached.epochs
