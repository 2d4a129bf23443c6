"""Tables, and paths to click on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from specnet.cli.output import echo, give_up, stdout
from specnet.functions import format_number
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.runs.run import Run

WIDE = 240
"""Columns of lines in files and pipes."""
GAP = 2
"""Spaces between columns of a table."""
NARROW = 24
"""What is too long for any line is broken into lines of at least this many characters."""
_FINDINGS = 3
"""Findings that are printed at the end of a run at most."""


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()) -> None:
    """Print rows under column titles; the columns named in `numbers` are aligned right.

    Columns that do not fit on the lines follow below, beside the first column again. Only a column that does not fit
    beside the first one alone is broken into lines.
    """
    console = OutputConsole()
    width = console.width if console.is_terminal else WIDE
    lines = [[Text(str(cell)) for cell in row] for row in rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(map(Text, columns), *lines, strict=True)]
    widths[0] = min(widths[0], width - GAP - min(max(widths[1:], default=0), width // 2))
    blocks = _blocks(widths, width)
    for number, block in enumerate(blocks):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(columns[0], justify=_side(columns[0], numbers), overflow="fold", width=widths[0])
        for n in block:
            fits = widths[0] + GAP + widths[n] <= width
            table.add_column(columns[n], justify=_side(columns[n], numbers), overflow="fold", no_wrap=fits)
        for line in lines:
            table.add_row(*(line[n] for n in (0, *block)))
        _print_table(console, table, width)
        if number + 1 < len(blocks):
            echo()


def _side(column: str, numbers: Sequence[str]) -> Literal["left", "right"]:
    return "right" if column in numbers else "left"


def _blocks(widths: Sequence[int], width: int) -> list[list[int]]:
    """Return which columns besides the first are shown beside it, as many at a time as fit into the width."""
    room = most = width - widths[0]
    blocks = [list[int]()]
    for n, wanted in enumerate(widths[1:], 1):
        needed = GAP + wanted if GAP + wanted <= most else min(GAP + NARROW, most)
        if blocks[-1] and needed > room:
            blocks.append([])
            room = most
        blocks[-1].append(n)
        room -= needed
    return blocks


def _print_table(console: OutputConsole, table: Table, width: int) -> None:
    if console.is_terminal:
        console.print(table)
        return
    console.width = width
    with console.capture() as capture:
        console.print(table)
    echo("\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n")))


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], form: str, numbers: Sequence[str] = ()) -> None:
    """Print rows under column titles as text, csv or markdown; the columns named in `numbers` are aligned right."""
    if form == "csv":
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
        echo(file.getvalue(), nl=False)
    elif form == "markdown":
        rule = ["---:" if column in numbers else "---" for column in columns]
        for row in ([*columns], rule, *rows):
            echo(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
    else:
        show_table(columns, rows, numbers)


class OutputConsole(Console):
    """The standard output of the command that runs. What is printed when nobody reads it any more is lost."""

    def __init__(self) -> None:
        super().__init__(file=stdout(), highlight=False)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        give_up(cast(TextIO, self.file))


Scores = Mapping[str, Mapping[str, float]]
"""Values by name, of each split."""


def show_scores(scores: Scores, beside: Mapping[str, Mapping[str, Mapping[str, object]]] | None = None) -> None:
    """Print loss and metrics of each split, and below them what is `beside` them, by title and split."""
    names = list(next(iter(scores.values())))
    rows = []
    for split, values in scores.items():
        rows.append([split, *(f"{values[name]:.6g}" for name in names)])
        for title, found in (beside or {}).items():
            if below := found.get(split):
                rows.append([f"  {title}", *(_cell(below.get(name)) for name in names)])
    show_table(["split", *names], rows, numbers=names)


def _cell(value: object) -> str:
    """Return a number or the limits of an interval as text; nothing for None."""
    if isinstance(value, tuple):
        return "–".join(format_number(limit) for limit in value)
    return "" if value is None else f"{value:.6g}"


def show_results(run: Run) -> None:
    """Print loss and metrics of each split of a run, with intervals and baselines."""
    beside: dict[str, Mapping[str, Mapping[str, object]]]
    beside = {"95 % interval": run.intervals, "baseline": run.baselines, "linear": run.linear_baselines}
    show_scores({split: run.evaluate(split) for split in run.data.splits}, beside)
    if run.baselines:
        echo("baseline: always predicting the most common class, or the mean, of the training samples")
    if run.linear_baselines:
        echo("linear: the least squared error on the training samples")


def describe_findings(run: Run) -> list[str]:
    """Return the most telling findings about a run as lines; those about its data were printed before training.

    That it diverged is an error of its own: only what to do about it is new.
    """
    from specnet.diagnosis.table import OF_DATA

    found = [each for each in run.diagnosis.findings if each.code not in OF_DATA]
    texts = [each.text for each in found if each.code != "diverged" or each.cure][:_FINDINGS]
    if not texts:
        return []
    more = f"  the evidence, and more: specnet explain {show_path(run.directory)}"
    return ["What stands out:", *(f"  {printable(text)}" for text in texts), more]


def run_to_json(run: Run, page: Path | None) -> dict[str, Any]:
    """Return how a run ended as JSON; without results if it diverged before it had any."""
    from specnet.runs.results import beside_scores, finite_scores

    has_results = (run.directory / "results.json").is_file()
    return {
        "directory": str(run.directory),
        "status": run.status,
        "stopped_early": run.manifest.get("stopped_early", False),
        "reason": run.manifest.get("reason"),
        "best": run.best,
        "results": {split: finite_scores(run.evaluate(split)) for split in run.data.splits} if has_results else {},
        **(beside_scores(run) if has_results else {}),
        "plots": [str(path) for path in run.plots],
        "report": page and str(page),
        "findings": [found.to_json() for found in run.diagnosis.findings],
    }


def show_link(path: Path, indent: str = "") -> None:
    """Print a path, as a link where the terminal supports links."""
    console = OutputConsole()
    if console.is_terminal:
        link = Text(show_path(path), style=f"link {path.absolute().as_uri()}")
        console.print(indent, link, sep="", soft_wrap=True)
    else:
        echo(f"{indent}{show_path(path)}")
