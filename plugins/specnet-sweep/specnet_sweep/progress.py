"""Progress of a sweep: a line for each trial, and on a terminal a live table of the runs that are trained."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live

from specnet.cli.group_progress import REFRESH, RunWarnings, live_table
from specnet.cli.messages import terminal_width
from specnet.cli.output import tell
from specnet.cli.show import OutputConsole
from specnet.functions import format_number
from specnet.studies.engine import JobOutcome
from specnet.studies.progress import look
from specnet.words import show_path
from specnet_sweep.observer import SweepObserver
from specnet_sweep.plan import SweepPlan
from specnet_sweep.results import TrialResult, show_parameter
from specnet_sweep.space import show_count


@contextmanager
def show_sweep_progress(quiet: bool, form: str = "text") -> Iterator[SweepObserver]:
    """Yield the observer that suits the output; warnings alone are shown if that is JSON."""
    console = OutputConsole()
    if quiet:
        yield SweepObserver()
    elif form == "json":
        yield SweepWarnings()
    else:
        yield LiveRuns(console) if console.is_terminal else SweepLines(console)


class SweepWarnings(RunWarnings, SweepObserver):
    """Prints warnings of the spec and of runs."""

    def name(self, directory: Path) -> str:
        """Return the name of a run in the directory of a sweep, such as 7/seed-1."""
        return f"{directory.parent.name}/{directory.name}"

    def begin(self, directory: Path, plan: SweepPlan, told: int) -> None:
        for warning in plan.warnings:
            tell(warning.render(plan.base.source, terminal_width()) + "\n")

    def run_ended(self, outcome: JobOutcome) -> None:
        self.tell_warnings(outcome)


class SweepLines(SweepWarnings):
    """A line for each trial that has ended."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def begin(self, directory: Path, plan: SweepPlan, told: int) -> None:
        super().begin(directory, plan, told)
        settings, self.plan, self.ended = plan.settings, plan, told
        what = f"{plan.trials:,} trials"
        if plan.possible is not None:
            what += (
                f" of {show_count(plan.possible)} possible ones"
                if plan.possible > plan.trials
                else ", all possible ones"
            )
        runs = settings.folds or len(plan.seeds(plan.base))
        what += f", with {runs} runs each" if runs > 1 else ""
        self.line(f"{what} -> {show_path(directory)}")
        if told:
            self.line(f"{told:,} trials have ended before")

    def line(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, soft_wrap=True, markup=False)

    def trial_ended(self, result: TrialResult) -> None:
        self.ended += 1
        value = "" if result.value is None else f"{self.plan.settings.objective} {format_number(result.value)}"
        values = ", ".join(f"{path}={show_parameter(value)}" for path, value in result.parameters.items())
        cells = [f"trial {result.number}", result.status, value, values, f"{self.ended}/{self.plan.trials}"]
        self.line("  ".join(cell for cell in cells if cell))


class LiveRuns(SweepLines):
    """A line for each trial, and below them a table of the runs that are trained."""

    def begin(self, directory: Path, plan: SweepPlan, told: int) -> None:
        super().begin(directory, plan, told)
        self.directories: Sequence[Path] = []
        self.start = time.monotonic()
        self.live = Live(get_renderable=self.table, console=self.console, refresh_per_second=REFRESH, transient=True)
        self.live.start()

    def running(self, directories: Sequence[Path]) -> None:
        self.directories = directories

    def end(self) -> None:
        self.live.stop()

    def table(self) -> Group:
        """Return the table as it is now."""
        rows = []
        for directory in self.directories:
            found = look(directory)
            if found.status == "running":
                value = found.values.get(self.plan.settings.objective)
                epoch = f"epoch {found.values['epoch']}" if found.values else ""
                rows.append([self.name(directory), epoch, "" if value is None else format_number(value)])
        last = f"{self.ended} of {self.plan.trials} ended  {time.monotonic() - self.start:.0f} s"
        return live_table(self.console, rows, (2, 1), last)
