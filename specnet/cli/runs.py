"""`specnet runs`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import PATH, format_option, sort_option, where_option
from specnet.cli.output import echo, echo_json, note
from specnet.errors import SpecnetError, UsageError
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from specnet.runs.inventory import ListedRun

LISTED_COLUMNS = ("run", "status", "started", "epochs", "monitor", "value")
"""Columns of the table, besides those of the size and those that are named by an option."""


@click.command()
@click.argument("directory", metavar="[DIR]", type=PATH, default="runs")
@where_option
@sort_option
@click.option("--prune", is_flag=True, help="Remove the runs that --where selects, after confirmation.")
@click.option("--yes", is_flag=True, help="Remove them without confirmation.")
@format_option("text", "csv", "markdown")
def runs(directory: Path, where: tuple[str, ...], order: str | None, prune: bool, yes: bool, form: str) -> None:
    """List the runs in DIR and its subfolders, by default runs/.

    --where and --sort take names of columns, results such as test/accuracy, and places of the spec such as
    optimizer.learning_rate. --format json prints all of these.

    --prune removes run directories, except those in use and those with files that no run has written.

    \b
    Example:
      specnet runs --where status=finished --sort validation/loss
      specnet runs --where "size>1e8" --sort -size
      specnet runs --where status=killed --prune
    """
    from specnet.runs.inventory import find_runs, list_values
    from specnet.runs.selecting import parse_condition, select
    from specnet.studies.summary import AGAIN, find_doubt

    conditions = [parse_condition(text) for text in where]
    if prune and not conditions:
        raise UsageError(
            "--prune needs --where", help="for example --where status=failed; --where 'size>0' selects all"
        )
    if yes and not prune:
        raise UsageError("--yes needs --prune")
    damaged: list[str] = []
    found = [(run, list_values(run)) for run in find_runs(directory, damaged)]
    chosen = select(found, conditions, order)
    groups = dict.fromkeys([directory, *(run.directory.parent for run, _ in found)])
    damaged += [f"{doubt}; {AGAIN}" for path in groups if (doubt := find_doubt(path))]
    for message in damaged:
        note(f"warning: {printable(message)}")
    if prune:
        _prune([run for run, _ in chosen], yes, form)
        return
    further = [condition.name for condition in conditions] + ([order.removeprefix("-")] if order else [])
    if form == "json":
        echo_json({"runs": [{"directory": str(run.directory), **values} for run, values in chosen]})
    else:
        _show(chosen, further, directory, form)


def _show(
    chosen: Sequence[tuple[ListedRun, Mapping[str, Any]]], further: Sequence[str], folder: Path, form: str
) -> None:
    from specnet.cli.show import show_rows
    from specnet.functions import format_number
    from specnet.runs.selecting import is_number, to_text
    from specnet.spec.memory import show_bytes

    columns = [*dict.fromkeys([*LISTED_COLUMNS, *further, "size"])]
    plain = form == "csv"

    def cell(name: str, value: Any) -> str:
        if value is None:
            return "" if plain else "–"
        if name.startswith("size") and not plain:
            return show_bytes(value)
        if name == "started" and not plain:
            return str(value)[:16].replace("T", " ")
        if is_number(value) and not plain:
            return format_number(value) if isinstance(value, float) else f"{value:,}"
        return to_text(value)

    rows = [[cell(name, values.get(name)) for name in columns] for _, values in chosen]
    if not plain:
        columns.append("mostly")
        for row, (run, _) in zip(rows, chosen, strict=True):
            kind = max(run.sizes, key=run.sizes.__getitem__)
            row.append(f"{kind} {run.sizes[kind] / run.size:.0%}" if run.size else "")
    numbers = [name for name in columns if any(is_number(values.get(name)) for _, values in chosen)]
    if rows or plain:
        show_rows([printable(name) for name in columns], rows, form, numbers)
    if form == "text":
        total: Counter[str] = Counter()
        for run, _ in chosen:
            total.update(run.sizes)
        kinds = [f"{kind} {show_bytes(size)}" for kind, size in total.most_common() if size]
        about = f", {show_bytes(total.total())}: {', '.join(kinds)}" if kinds else ""
        echo(
            f"{'' if not rows else chr(10)}{len(rows)} run{'' if len(rows) == 1 else 's'} in {show_path(folder)}{about}"
        )


def _prune(chosen: Sequence[ListedRun], yes: bool, form: str) -> None:
    """Say which runs would be removed, ask, and remove them."""
    from specnet.runs.inventory import remove_run, why_kept
    from specnet.spec.memory import show_bytes

    kept = {run.directory: reason for run in chosen if (reason := why_kept(run))}
    wanted = [run for run in chosen if run.directory not in kept]
    for path, reason in kept.items():
        note(printable(f"kept: {path} is {reason}" if reason.startswith("in use") else f"kept: {path}: {reason}"))
    what = f"{len(wanted)} run{'' if len(wanted) == 1 else 's'}, {show_bytes(sum(run.size for run in wanted))}"
    removed: list[ListedRun] = []
    if wanted:
        if not yes or form == "text":
            for run in wanted:
                note(printable(f"to remove: {run.directory} ({run.status}, {show_bytes(run.size)})"))
        if yes or click.confirm(f"Remove {what}?", err=True):
            for run in wanted:
                try:
                    remove_run(run.directory)
                    removed.append(run)
                except SpecnetError as error:  # a process has begun to write to it
                    kept[run.directory] = error.message
                    note(f"kept: {printable(error.message)}")
    _forget([run.directory for run in removed])
    if form == "json":
        told = {str(path): reason for path, reason in kept.items()}
        echo_json({"removed": [str(run.directory) for run in removed], "kept": told})
    elif removed:
        echo(f"removed {what}" if len(removed) == len(wanted) else f"removed {len(removed)} runs")
    else:
        echo("Nothing was removed.")


def _forget(removed: Sequence[Path]) -> None:
    """Leave removed runs out of the summaries of their groups."""
    from specnet.studies.results import forget
    from specnet.studies.summary import AGAIN, is_group

    for group in dict.fromkeys(path.parent for path in removed):
        if is_group(group):
            names = [path.name for path in removed if path.parent == group]
            try:
                forget(group, names)
                note(printable(f"{group}: its summary is rewritten without {', '.join(names)}"))
            except SpecnetError as error:
                note(printable(f"warning: {group} still names {', '.join(names)}: {error.message}; {AGAIN}"))
