"""`specnet compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import PATH, format_option, open_run, out_option, plugin_option, sort_option, where_option
from specnet.cli.output import echo, echo_json, note
from specnet.errors import UsageError
from specnet.words import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from specnet.report.compare import Comparison
    from specnet.report.entries import Measured, RunSet

BEST = " *"
"""Mark of the best of several results."""
_NUMBERS: dict[str, Callable[[Measured], float | None]] = {
    "": lambda value: value.mean,
    " sd": lambda value: value.sd,
    " low": lambda value: value.interval and value.interval[0],
    " high": lambda value: value.interval and value.interval[1],
}
"""What programs get of a value, each in a column of its own, by the end of its title."""


@click.command()
@click.argument("runs", metavar="RUN|GROUP...", nargs=-1, required=True, type=PATH)
@plugin_option
@where_option
@sort_option
@out_option("Write a page with curves, parameters and replays to this file, which must not exist.")
@format_option("text", "csv", "markdown")
def compare(runs: tuple[Path, ...], where: tuple[str, ...], order: str | None, out: Path | None, form: str) -> None:
    """Compare the results and specs of runs or groups of runs.

    Prints a row for each run or group. A group is a directory of runs with different seeds or folds. It has the mean
    and standard deviation of each value, and a 95 % bootstrap interval of the mean. The difference of two groups
    with the same seeds is tested by a permutation test. A single run has the interval of its test split. For a single
    GROUP, its runs are compared.

    --where and --sort take names of columns, and places of the spec such as optimizer.type.

    \b
    Example:
      specnet compare runs/spiral runs/spiral-2 -o spirals.html
      specnet compare runs/tanh runs/relu --format markdown
      specnet compare runs/* --where optimizer.type=adam --sort -test/accuracy
    """
    from specnet.cli.show import show_link
    from specnet.report.compare import compare as compare_entries
    from specnet.runs.groups import open_entries
    from specnet.runs.results import write_comparison
    from specnet.runs.selecting import parse_condition, select

    conditions = [parse_condition(text) for text in where]
    for path in runs:
        _check_group(path)
    left_out: list[str] = []

    def warn(text: str) -> None:
        left_out.append(text)
        note(f"warning: {printable(text)}")

    entries = open_entries(runs, lambda run: open_run(run, "best", allow=True), warn)
    if len(entries) < 2 and len(runs) < 2:
        raise UsageError("compare needs at least two runs", help=f"specnet compare {runs[0]} RUN")
    if conditions or order:
        rows = [*zip(entries, _values(compare_entries(entries)), strict=True)]
        entries = [entry for entry, _ in select(rows, conditions, order)]
        if not entries:
            help = "a group meets a condition if all of its runs do"
            what, help = ("group", help) if any(row[0].is_group for row in rows) else ("run", "")
            raise UsageError(f"no {what} meets {' and '.join(map(str, conditions))}", help=help or None)
    if out:
        show_link(write_comparison(entries, out, left_out))
        return
    found = compare_entries(entries)
    if form == "json":
        echo_json(_to_json(found, left_out))
    else:
        _show(found, form)


def _check_group(path: Path) -> None:
    """Say what is wrong with the summary of a group, and which of its runs are gone."""
    from specnet.studies.summary import AGAIN, find_doubt, is_group, read_summary

    if doubt := find_doubt(path):
        note(f"warning: {printable(doubt)}; {AGAIN}")
    elif is_group(path):
        summary = read_summary(path)
        if gone := [run.name for run in summary.runs if not (path / run.name).exists()]:
            note(f"warning: {printable(str(path))} has no directory of {', '.join(gone)}; {AGAIN}")


def _values(found: Comparison) -> Iterator[dict[str, Any]]:
    """Yield the values of each entry by which it can be chosen: columns, and those of its runs' specs."""
    from specnet.report.entries import flat_values
    from specnet.runs.selecting import SeveralValues

    for n, entry in enumerate(found.entries):
        specs = [dict(flat_values(run.spec.to_json())) for run in entry.runs]
        names = dict.fromkeys(name for spec in specs for name in spec)
        each = {name: SeveralValues(spec.get(name) for spec in specs) for name in names}
        given = {name: values[0] if values.count(values[0]) == len(values) else values for name, values in each.items()}
        seconds = sum(run.manifest["seconds"] for run in entry.runs)
        results = {row.name: value.mean for row in found.results if (value := row.values[n]) and value.numbers}
        told = {row.name: row.values[n] for row in found.facts}
        yield given | told | results | {"name": entry.name, "time": seconds, "runs": len(entry.runs)}


def _columns(found: Comparison, for_programs: bool) -> Iterator[list[str]]:
    """Yield the columns of the table, each with its title; `for_programs` has each number in a column of its own."""
    from specnet.report.entries import in_cell, unquoted

    yield ["run", *found.names]
    for row in found.specs if for_programs else found.shown_specs:
        yield [row.name, *map(unquoted if for_programs else in_cell, row.values)]
    for values in found.results if for_programs else found.shown_results:
        if for_programs:
            for title, number in _NUMBERS.items():
                numbers = [each and number(each) for each in values.values]
                if not title or any(each is not None for each in numbers):
                    yield [f"{values.name}{title}", *("" if each is None else repr(each) for each in numbers)]
        else:
            marks = [BEST if n in values.best else "" for n in range(len(found.names))]
            yield [values.name, *(f"{each or '–'}{mark}" for each, mark in zip(values.values, marks, strict=True))]
    for row in found.facts if for_programs else found.varied:
        yield [row.name, *(value or "–" for value in row.values)]


def _show(found: Comparison, form: str) -> None:
    from specnet.cli.show import show_rows

    columns = [[printable(cell) for cell in column] for column in _columns(found, form == "csv")]
    titles, *rows = zip(*columns, strict=True)
    show_rows(titles, rows, form)
    if form == "csv":
        return
    for sentence in sentences(found):
        echo(f"\n{printable(sentence)}")
    for each in found.notes:
        note(f"note: {printable(each)}")


def sentences(found: Comparison) -> Iterator[str]:
    """Yield what is said below the table."""
    for text in found.more:
        yield f"{text} --format json has all."
    if found.shared:
        yield f"The same for all: {found.shared}."
    intervals = [value for row in found.results for value in row.values if value and value.interval]
    if any(value.sd is not None for value in intervals):
        yield "± is the standard deviation over the runs of a group; in brackets is the 95 % interval of the mean."
    elif intervals:
        yield "In brackets is the 95 % interval of the test split."
    if any(row.best for row in found.results):
        others = ", with those that cannot be told apart from them" if found.pairs else ""
        yield f"The best are marked by{BEST}{others}."
    yield from found.conclusions
    if not found.specs and len(found.entries) > 1:
        yield "The specs are the same."


def _to_json(found: Comparison, left_out: Sequence[str]) -> dict[str, Any]:
    def describe(n: int, entry: RunSet) -> dict[str, Any]:
        return {
            "name": entry.name,
            "directory": str(entry.directory),
            "group": entry.is_group,
            "specs": {row.name: row.values[n] for row in found.specs},
            "values": {row.name: value.to_json() for row in found.results if (value := row.values[n])},
            "best": [row.name for row in found.results if n in row.best],
            "facts": {row.name: row.values[n] for row in found.facts},
        }

    pairs = [
        {
            **{key: None if pair.reason and isinstance(v, float | tuple) else v for key, v in pair._asdict().items()},
            "first": found.names[pair.first],
            "second": found.names[pair.second],
            "apart": pair.apart,
        }
        for pair in found.pairs
    ]
    entries = [describe(n, entry) for n, entry in enumerate(found.entries)]
    told = {"value": found.main, "pairs": pairs, "conclusions": found.conclusions}
    told["notes"] = [*left_out, *found.notes]
    return {"entries": entries} | told
