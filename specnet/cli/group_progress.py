"""Progress of a group: one live table of all runs on a terminal, a plain line for each run elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from specnet.cli.output import tell
from specnet.cli.show import GAP, OutputConsole
from specnet.functions import format_number
from specnet.studies.engine import JobOutcome
from specnet.studies.plans import Member
from specnet.studies.progress import look
from specnet.studies.training import GroupObserver
from specnet.words import printable, show_path

REFRESH = 2
"""Times a second that the table is drawn."""
_ROOM = 5
"""Lines of the terminal beside the rows of the table."""
_OPTIONAL = (3, 4, 2)
"""Cells of a run that a narrow terminal leaves out: training loss, validation loss, epoch."""


@contextmanager
def show_group_progress(quiet: bool, form: str = "text") -> Iterator[GroupObserver]:
    """Yield the observer that suits the output; warnings alone are shown if that is JSON."""
    console = OutputConsole()
    if quiet:
        yield GroupObserver()
    elif form == "json":
        yield GroupWarnings()
    else:
        yield LiveTable(console) if console.is_terminal else GroupLines(console)


class RunWarnings:
    """Prints warnings, those of runs and the names of those that are waited for only once."""

    def __init__(self) -> None:
        self.told: set[str] = set()

    def name(self, directory: Path) -> str:
        """Return the name of a run by its directory."""
        return directory.name

    def warned(self, message: str) -> None:
        tell(f"warning: {printable(message)}")

    def tell_warnings(self, outcome: JobOutcome) -> None:
        """Print the warnings of a run that were not printed before."""
        for warning in outcome.warnings:
            if warning not in self.told:
                self.told.add(warning)
                tell(f"warning: {self.name(outcome.directory)}: {printable(warning)}")

    def waiting(self, directories: Sequence[Path]) -> None:
        names = ", ".join(map(self.name, directories))
        if names not in self.told:
            self.told.add(names)
            tell(f"note: waiting for {names}, which another process trains")


class GroupWarnings(RunWarnings, GroupObserver):
    """Prints warnings, and which runs did not end well."""

    def ended(self, outcome: JobOutcome) -> None:
        self.tell_warnings(outcome)
        if outcome.error and outcome.status == "diverged":
            tell(f"warning: {outcome.directory.name} diverged: {printable(outcome.error.message)}")


class GroupLines(GroupWarnings):
    """A line for each run that has ended."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def begin(self, directory: Path, members: Sequence[Member]) -> None:
        self.members, self.count, self.start = members, 0, time.monotonic()
        self.directory, self.statuses = directory, dict[str, str]()
        what = f"{len(members)} run{'s' * (len(members) > 1)}"
        self.console.print(f"{what} -> {show_path(directory)}", soft_wrap=True, markup=False)

    def ended(self, outcome: JobOutcome) -> None:
        super().ended(outcome)
        self.statuses[outcome.directory.name] = outcome.status
        self.show(outcome.directory)

    def show(self, directory: Path) -> None:
        """Print the line of a run that has ended."""
        cells = "  ".join(cell for cell in self.cells(directory) if cell)
        self.console.print(f"{cells}  {len(self.statuses)}/{len(self.members)}", soft_wrap=True, markup=False)

    def cells(self, directory: Path) -> list[str]:
        """Return name, status, epoch, training loss and validation loss of a run as text."""
        found = look(directory)
        losses = [
            f"{split} {format_number(found.values[name])}" if (name := f"{split}/loss") in found.values else ""
            for split in ("train", "validation")
        ]
        epoch = f"epoch {found.values['epoch']}" if found.values else ""
        status = self.statuses.get(directory.name, found.status)
        return [directory.name, status, epoch, *losses]


class LiveTable(GroupLines):
    """A table of all runs, or, where the terminal has fewer lines, of those that are being trained."""

    def begin(self, directory: Path, members: Sequence[Member]) -> None:
        super().begin(directory, members)
        self.done: dict[str, list[str]] = {}
        self.live = Live(get_renderable=self.table, console=self.console, refresh_per_second=REFRESH, transient=True)
        self.live.start()

    def show(self, directory: Path) -> None:
        """The table shows it."""

    def end(self) -> None:
        self.live.stop()

    def table(self) -> Group:
        """Return the table as it is now."""
        rows = []
        for member in self.members:
            name = member.about.name
            cells = self.done.get(name) or self.cells(self.directory / name)
            if name in self.statuses:
                self.done[name] = cells
            rows.append(cells)
        running = [cells for cells in rows if cells[1] == "running"]
        shown = rows if len(rows) <= self.console.height - _ROOM else running
        seconds = time.monotonic() - self.start
        last = f"{len(self.statuses)} of {len(rows)} ended  {len(running)} running  {seconds:.0f} s"
        return live_table(self.console, shown, _OPTIONAL, last)


def live_table(console: Console, rows: Sequence[Sequence[str]], optional: Sequence[int], last: str) -> Group:
    """Return rows as a table with a line each, and a last line.

    Where the terminal is too narrow, columns are left out in the order of `optional`.
    """
    widths = dict(enumerate(max(map(cell_len, column)) for column in zip(*rows, strict=True)))
    for n in optional:
        if sum(widths.values()) + GAP * (len(widths) - 1) > console.width:
            widths.pop(n, None)
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in widths:
        table.add_column(no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[n]) for n in widths))
    return Group(table, Text(last, no_wrap=True, overflow="ellipsis"))
