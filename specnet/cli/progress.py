"""How a run shows that it goes on: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from specnet.errors import printable
from specnet.runs.observers import Observer, TrainingView

LINES = 10
"""Plain lines over a run, if its epochs are short."""
PATIENCE = 10.0
"""Seconds after which a plain line is due, if they are long."""
REFRESH = 0.25
"""Seconds between two looks of the bar."""


@contextmanager
def watch(quiet: bool) -> Iterator[Observer]:
    """Give the observer that suits the place the output goes to."""
    console = Console(highlight=False)
    if quiet:
        yield Observer()
    elif console.is_terminal:
        # The bar takes what room the words leave.
        whole = Column(no_wrap=True)
        with Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}", table_column=whole),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[values]}", table_column=whole),
            TimeRemainingColumn(table_column=whole),
            TextColumn("left", table_column=whole),
            console=console,
            expand=True,
            refresh_per_second=1 / REFRESH,
        ) as progress:
            yield Bar(progress)
    else:
        yield Lines(console)


class Warnings(Observer):
    """Tells what is not as it should be, and nothing else."""

    def warned(self, message: str) -> None:
        click.echo(f"warning: {printable(message)}", err=True)


class _Timed(Warnings):
    """Says where the run is and knows how fast it is."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def taken(self, wanted: Path) -> None:
        self.print(f"{wanted} is taken")

    def begin(self, view: TrainingView) -> None:
        self.print(f"{view.spec.name} -> {view.directory}" + (f", from epoch {view.epoch}" if view.epoch else ""))
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
        try:
            self.console.print(text, soft_wrap=True, markup=False)
        except (BrokenPipeError, SystemExit):  # rich turns the one into the other
            self.console.quiet = True  # nobody reads on: the run goes on all the same


class Bar(_Timed):
    """A progress bar."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress.console)
        self.progress = progress

    def begin(self, view: TrainingView) -> None:
        super().begin(view)
        self.task = self.progress.add_task("", total=self.epochs, completed=view.epoch, values="")

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self.shown >= REFRESH or view.epoch == self.epochs:
            self.shown = now
            self.progress.update(self.task, completed=view.epoch, values=self.values(values))


class Lines(_Timed):
    """A line for each tenth of the run, and whenever it has been quiet for long."""

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        now, epoch = time.monotonic(), view.epoch
        tenth = epoch * LINES // self.epochs > (epoch - 1) * LINES // self.epochs
        if tenth or now - self.shown >= PATIENCE:
            self.shown = now
            left = (self.epochs - epoch) / self.rate(values)
            self.print(f"epoch {epoch}/{self.epochs}  {self.values(values)}  {left:.0f} s left")
