"""`Group`: a directory of runs as an object."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.errors import PlotError, RunError, UsageError
from specnet.functions import format_number
from specnet.runs.run import Run
from specnet.runs.storage.files import read_run_json, write_bytes
from specnet.spec.model import Spec
from specnet.spec.parse import parse_spec
from specnet.studies.curves import draw_bands
from specnet.studies.statistics import Statistic
from specnet.studies.summary import AGAIN, GroupSummary, find_group, read_history, read_summary

if TYPE_CHECKING:
    from specnet.studies.ensemble import Ensemble


class Group:
    """Runs of one spec with several seeds or on several folds; if they were trained on `data`, it needs the same data.

    The directory of a sweep stands for that of its best trial.

    Raises:
        RunError: if the directory is not that of a group, or a file in it is damaged.
    """

    def __init__(self, directory: str | Path, data: Any = None) -> None:
        self.directory = find_group(Path(directory))
        self.summary: GroupSummary = read_summary(self.directory)
        self._given = data

    def __repr__(self) -> str:
        done, runs, plan = len(self.summary.done), len(self.summary.runs), self.summary.plan
        what = f"{plan.kind}, {done} of {runs} runs"
        shown = "".join(f"\n  {name}: {show_statistic(found)}" for name, found in self.statistics.items())
        return f"Group({str(self.directory)!r}, {what}){shown}"

    def _repr_html_(self) -> str:
        from specnet.studies.page import statistics_table

        return statistics_table(self.summary)

    @property
    def name(self) -> str:
        """The name of the spec."""
        return self.summary.name

    @cached_property
    def spec(self) -> Spec:
        """The spec that the runs have in common."""
        path = self.directory / "spec.json"
        return parse_spec(read_run_json(path), str(path))

    @property
    def statistics(self) -> dict[str, Statistic]:
        """Statistics of each value over the runs, such as `group.statistics["test/loss"].mean`."""
        return self.summary.statistics

    @cached_property
    def runs(self) -> list[Run]:
        """The runs that have results.

        Raises:
            UsageError: if there is none.
            RunError: if one cannot be trusted.
        """
        check_results(self.summary, self.directory)
        try:
            return [Run(self.directory / run.name, data=self._given) for run in self.summary.done]
        except RunError as error:
            raise RunError(error.message, help=error.help or AGAIN) from error

    @cached_property
    def ensemble(self) -> Ensemble:
        """The runs as one network, whose predictions are the means of theirs."""
        from specnet.studies.ensemble import Ensemble

        return Ensemble(self)

    def plot(self, output: str | Path, others: Mapping[str, Group] | None = None, label: str | None = None) -> Path:
        """Draw the curves of the runs with their bands, and those of other groups by their labels, into a PNG.

        Raises:
            PlotError: if no epoch is complete.
        """
        groups = {label or self.name: self} | dict(others or {})
        picture = draw_bands({name: list(each.histories.values()) for name, each in groups.items()}, self.name)
        if picture is None:
            raise PlotError("there are no curves yet: no epoch is complete")
        write_bytes(Path(output), picture)
        return Path(output)

    def predict(self, inputs: Any, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the mean (n, ...) of the runs' predictions; arguments as in `Run.predict`."""
        return self.ensemble.predict(inputs, mask)

    def spread(self, inputs: Any, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the standard deviation (n, ...) of the runs' predictions."""
        return self.ensemble.spread(inputs, mask)

    @cached_property
    def histories(self) -> dict[str, Mapping[str, np.ndarray]]:
        """The history of each run that has begun, by its name."""
        begun = [run.name for run in self.summary.runs if run.epochs]
        return {name: read_history(self.directory / name) for name in begun}


def check_results(summary: GroupSummary, directory: Path) -> None:
    """Raise a UsageError if a group has no runs with results."""
    if not summary.done:
        statuses = {run.status for run in summary.runs}
        why = "all diverged" if statuses == {"diverged"} else summary.gaps or "it has no runs"
        help = "look at the learning rate and the gradients: specnet report" if statuses == {"diverged"} else AGAIN
        raise UsageError(f"no run in {directory} has results: {why}", help=help)


def show_statistic(statistic: Statistic) -> str:
    """Return mean, standard deviation and interval as text."""
    spread = "" if statistic.std is None else f" ± {format_number(statistic.std, 2)}"
    low_high = "" if statistic.interval is None else f" ({show_limits(statistic.interval)})"
    return f"{format_number(statistic.mean)}{spread}{low_high}"


def show_limits(limits: tuple[float, float]) -> str:
    """Return an interval as text."""
    return f"{format_number(limits[0])} to {format_number(limits[1])}"


def load_group(directory: str | Path, data: Any = None) -> Group:
    """Return the group of runs in a directory; arguments and errors are those of `Group`."""
    return Group(directory, data)
