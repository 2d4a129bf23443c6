"""Progress of a run: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.cli.output import echo_json, tell
from specnet.cli.show import OutputConsole, describe_findings, run_to_json
from specnet.runs.observers import Observer, TrainingView
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from specnet.runs.run import Run

LINES = 10
"""Plain lines printed in a run with short epochs."""
PATIENCE = 10.0
"""Seconds between plain lines if epochs are long."""
_REFRESH = 0.25
"""Seconds between updates of the bar."""


@contextmanager
def show_progress(quiet: bool, form: str = "text") -> Iterator[Observer]:
    """Yield the observer that suits the output."""
    console = OutputConsole()
    if quiet:
        yield Observer()
    elif form == "json":
        yield JsonProgress()
    elif console.is_terminal:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        # The bar takes the width that the text leaves.
        whole = Column(no_wrap=True)
        progress = Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}", table_column=whole),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[values]}", table_column=whole),
            TimeRemainingColumn(table_column=whole),
            TextColumn("left", table_column=whole),
            console=console,
            expand=True,
            refresh_per_second=1 / _REFRESH,
        )
        try:
            yield Bar(progress)
        finally:
            progress.stop()
    else:
        yield Lines(console)


class Warnings(Observer):
    """Prints warnings only."""

    def warned(self, message: str) -> None:
        tell(f"warning: {printable(message)}")


class JsonProgress(Warnings):
    """Prints warnings, and a run that diverged, of which nothing else will be printed."""

    def diverged(self, run: Run) -> None:
        page = run.directory / "report.html"
        echo_json(run_to_json(run, page if page.is_file() else None))


class _Timed(Warnings):
    """Prints where the run is saved, and measures its speed."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def taken(self, wanted: Path) -> None:
        self.print(f"{show_path(wanted)} is taken")

    def diverged(self, run: Run) -> None:
        for line in describe_findings(run):
            self.print(line)

    def begin(self, view: TrainingView) -> None:
        done = ", which is complete: nothing is left to train" if view.done else f", from epoch {view.epoch}"
        self.print(f"{view.spec.name} -> {show_path(view.directory)}{done if view.epoch else ''}")
        self.epochs, self.first = view.spec.training.epochs, view.epoch
        self.start = self.shown = time.monotonic()

    def values(self, line: Mapping[str, Any]) -> str:
        """Return the epoch's losses and the rate as text."""
        validation = f"  validation {line['validation/loss']:.3g}" if "validation/loss" in line else ""
        return f"loss {line['train/loss']:.3g}{validation}  {self.rate(line):.3g} epochs/s"

    def rate(self, line: Mapping[str, Any]) -> float:
        """Return epochs per second since the start."""
        return float(line["epoch"] - self.first) / max(time.monotonic() - self.start, 1e-9)

    def print(self, text: str) -> None:
        """Print a line as it is."""
        self.console.print(text, soft_wrap=True, markup=False)


class Bar(_Timed):
    """A progress bar."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress.console)
        self.progress = progress

    def begin(self, view: TrainingView) -> None:
        super().begin(view)
        self.progress.start()  # a thread, which the run should not have before
        self.task = self.progress.add_task("", total=self.epochs, completed=view.epoch, values="")

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self.shown >= _REFRESH or view.epoch == self.epochs:
            self.shown = now
            self.progress.update(self.task, completed=view.epoch, values=self.values(values))


class Lines(_Timed):
    """A line for each tenth of the run, and whenever nothing was printed for long."""

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        now, epoch = time.monotonic(), view.epoch
        tenth = epoch * LINES // self.epochs > (epoch - 1) * LINES // self.epochs
        if tenth or now - self.shown >= PATIENCE:
            self.shown = now
            left = (self.epochs - epoch) / self.rate(values)
            self.print(f"epoch {epoch}/{self.epochs}  {self.values(values)}  {left:.0f} s left")
