"""Tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()) -> None:
    """Print rows under column titles; the columns named in `numbers` are aligned right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    console.width = 240  # a file or a pipe takes lines as long as they need to be
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n")))


def show_scores(scores: Mapping[str, Mapping[str, float]]) -> None:
    """Print loss and metrics of each split."""
    names = list(next(iter(scores.values())))
    rows = [[split, *(f"{values[name]:.6g}" for name in names)] for split, values in scores.items()]
    show_table(["split", *names], rows, numbers=names)
