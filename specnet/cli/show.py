"""Tables, and paths to click on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from specnet.cli.output import echo, give_up, note, stdout
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.report.compare import Row
    from specnet.runs.run import Run

WIDE = 240
"""Columns of lines in files and pipes."""
BEST = " *"
"""Mark of the best of several results."""


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()) -> None:
    """Print rows under column titles; the columns named in `numbers` are aligned right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = OutputConsole()
    if console.is_terminal:
        console.print(table)
        return
    console.width = WIDE
    with console.capture() as capture:
        console.print(table)
    echo("\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n")))


class OutputConsole(Console):
    """The standard output of the command that runs. What is printed when nobody reads it any more is lost."""

    def __init__(self) -> None:
        super().__init__(file=stdout(), highlight=False)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        give_up(cast(TextIO, self.file))


Scores = Mapping[str, Mapping[str, float]]
"""Values by name, of each split."""


def show_scores(scores: Scores, baselines: Scores | None = None) -> None:
    """Print loss and metrics of each split, and below them those of a constant prediction, if given."""
    names = list(next(iter(scores.values())))
    rows = []
    for split, values in scores.items():
        rows.append([split, *(f"{values[name]:.6g}" for name in names)])
        if constant := (baselines or {}).get(split):
            rows.append(["  baseline", *(f"{constant[name]:.6g}" if name in constant else "" for name in names)])
    show_table(["split", *names], rows, numbers=names)
    if baselines:
        echo("baseline: always predicting the commonest class, or the mean, of the training samples")


def show_comparison(runs: Sequence[Run]) -> None:
    """Print the results of runs, and where their specs differ."""
    from specnet.report.compare import compare

    found = compare(runs)
    _show_rows("results", found.names, found.varied)
    if found.shared:
        echo(f"\nThe same for all: {found.shared}")
    if any(row.best for row in found.results):
        echo(f"\nThe best are marked by{BEST}.")
    for each in found.notes:
        note(f"note: {printable(each)}")
    echo()
    if found.specs:
        _show_rows("what differs", found.names, found.specs)
    else:
        echo("The specs are the same.")


def _show_rows(title: str, names: Sequence[str], rows: Iterable[Row]) -> None:
    """Print a column for each run where that fits, else a row for each run, with a few columns at a time."""
    lines = [
        [row.name, *(f"{value or '–'}{BEST if run in row.best else ''}" for run, value in enumerate(row.values))]
        for row in rows
    ]
    columns = [list(column) for column in zip([title, *names], *lines, strict=True)]
    if sum(map(_width, columns)) > _room():
        columns = [[title, *names], *lines]
    first, *others = columns
    while others:
        shown, room = [first], _room() - _width(first)
        while others and (len(shown) == 1 or _width(others[0]) <= room):
            room -= _width(others[0])
            shown.append(others.pop(0))
        show_table([column[0] for column in shown], list(zip(*(column[1:] for column in shown), strict=True)))
        if others:
            echo()


def _width(column: Sequence[str]) -> int:
    return max(map(len, column)) + 2  # and the space before the next one


def _room() -> int:
    console = OutputConsole()
    return console.width + 2 if console.is_terminal else WIDE


def show_link(path: Path, indent: str = "") -> None:
    """Print a path, as a link where the terminal supports links."""
    console = OutputConsole()
    if console.is_terminal:
        link = Text(show_path(path), style=f"link {path.absolute().as_uri()}")
        console.print(indent, link, sep="", soft_wrap=True)
    else:
        echo(f"{indent}{show_path(path)}")
