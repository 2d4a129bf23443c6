"""What the trials of a sweep have reached: `trials.json` and `best.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, FiniteFloat, NonNegativeInt

from specnet.functions import format_number
from specnet.runs.storage.directory import RunDirectory
from specnet.runs.storage.files import read_run_json, write_json
from specnet.studies.group import show_limits
from specnet.studies.statistics import Statistic
from specnet.studies.summary import BEST_TRIAL, GroupSummary

TRIALS = "trials.json"
Status = Literal["finished", "pruned", "diverged", "failed"]


class TrialResult(BaseModel):
    """A trial: its values, and what it has reached.

    `value` is the mean over its runs, with their statistics. `epochs` are those of all runs together.
    """

    number: NonNegativeInt
    status: Status
    parameters: dict[str, Any]
    value: FiniteFloat | None = None
    statistic: Statistic | None = None
    epochs: NonNegativeInt = 0
    error: str | None = None


def judge(number: int, parameters: dict[str, Any], summary: GroupSummary, objective: str) -> TrialResult:
    """Return the result of a trial whose runs have ended."""
    statistic = summary.statistics.get(objective)
    statuses = {run.status for run in summary.runs}
    status: Status = "failed"
    if "stopped" in statuses:
        status = "pruned"
    elif statistic and statistic.count == len(summary.runs):
        status = "finished"
    elif "diverged" in statuses:
        status = "diverged"
    return TrialResult(
        number=number,
        status=status,
        parameters=parameters,
        value=statistic.mean if statistic and status == "finished" else None,
        statistic=statistic if status == "finished" else None,
        epochs=sum(run.epochs for run in summary.runs),
        error=f"a run has no {objective}" if status == "failed" else None,
    )


class SweepResult:
    """The trials of a sweep in their order; `paths` are those of its parameters."""

    def __init__(
        self, directory: Path, objective: str, minimize: bool, paths: Sequence[str], trials: Sequence[TrialResult]
    ) -> None:
        self.directory, self.objective, self.minimize = directory, objective, minimize
        self.paths, self.trials = paths, trials

    def __repr__(self) -> str:
        best = f", best {self.best.number} with {self.objective} {self.best.value:.4g}" if self.best else ""
        return f"SweepResult({str(self.directory)!r}, {len(self.trials)} trials{best})"

    @property
    def ranked(self) -> list[TrialResult]:
        """The trials with a value, the best first."""
        done = [trial for trial in self.trials if trial.value is not None]
        return sorted(done, key=lambda trial: (trial.value if self.minimize else -trial.value, trial.number))  # type: ignore

    @property
    def best(self) -> TrialResult | None:
        """The trial with the best value; None if no trial has a value."""
        return next(iter(self.ranked), None)

    @property
    def counts(self) -> dict[str, int]:
        """The number of trials of each status."""
        return dict(Counter(trial.status for trial in self.trials))

    def to_json(self) -> dict[str, Any]:
        """Return the content of `trials.json`."""
        return {
            "format": 1,
            "minimize" if self.minimize else "maximize": self.objective,
            "best": self.best.number if self.best else None,
            "trials": [trial.model_dump(mode="json") for trial in self.trials],
        }


def write_results(result: SweepResult, directory: RunDirectory) -> None:
    """Write `trials.json`, and `best.json` with the directory and the spec of the best trial."""
    write_json(directory.file(TRIALS), result.to_json())
    if best := result.best:
        spec = read_run_json(directory.path / str(best.number) / "spec.json")
        about = {"format": 1, "directory": str(best.number), "objective": result.objective, "value": best.value}
        write_json(directory.file(BEST_TRIAL), about | {"parameters": best.parameters, "spec": spec})


def best_rows(result: SweepResult, most: int) -> tuple[list[str], list[str], list[list[str]]]:
    """Return titles of columns, those of numbers, and the rows of the best trials."""
    best = result.ranked[:most]
    several = any(trial.statistic and trial.statistic.std is not None for trial in best)
    spread = ["± std", "95 % interval"] if several else []
    rows = []
    for trial in best:
        statistic = trial.statistic
        assert statistic
        uncertain = [
            "" if statistic.std is None else format_number(statistic.std, 2),
            "" if statistic.interval is None else show_limits(statistic.interval),
        ]
        values = [show_parameter(trial.parameters.get(path, "")) for path in result.paths]
        rows.append([str(trial.number), format_number(statistic.mean), *uncertain[: len(spread)], *values])
    numbers = ["trial", result.objective, *spread]
    return [*numbers, *result.paths], numbers, rows


def show_parameter(value: Any) -> str:
    """Return the value of a parameter as text."""
    if isinstance(value, float):
        return format_number(value)
    return value if isinstance(value, str) else json.dumps(value)
