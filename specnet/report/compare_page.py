"""The page of several runs, or groups of runs, side by side."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from specnet.plugin_code import staying
from specnet.report.base import Reported
from specnet.report.compare import Comparison, compare, is_higher_better
from specnet.report.entries import RunSet, in_cell, unquoted
from specnet.report.page import LETTERS, SCRIPTS, describe_run, final_epoch, render_page
from specnet.report.replay import PAGE_FRAMES, replay
from specnet.report.series import FEW, panels
from specnet.report.view import Part, make_part
from specnet.words import enumerate_some, shorten

REPLAYS = 20
"""Runs whose replays a page has at most, the best ones; those of others are in their own pages."""
PICTURES = 12
"""Pictures of a value against a parameter at most."""
CATEGORIES = 30
"""Different texts of a parameter up to which it has a picture."""
DECADES = 15
"""Ratio of the largest and the smallest number above which an axis is logarithmic."""


class TableColumn(NamedTuple):
    """A column of the table: text for each entry, what to sort by, and which entries are the best."""

    name: str
    cells: list[str]
    keys: list[Any]
    best: frozenset[int] = frozenset()


@staying()
def compare_page(given: Sequence[RunSet | Reported], output: Path | None = None, left_out: Sequence[str] = ()) -> str:
    """Return the page of several runs or groups as HTML; `output` is where it will be, to link to pages of runs.

    `left_out` says what the page does not show, and why.

    It loads nothing and sends nothing, and its content security policy forbids both.
    """
    found = compare(given)
    entries, owners = found.entries, [n for n, entry in enumerate(found.entries) for _ in entry.runs]
    runs = [run for entry in entries for run in entry.runs]
    grouped = any(entry.is_group for entry in entries)
    together = len(entries) <= FEW and not grouped
    ranked = rank(found)
    replays = _replays(runs, ranked[:REPLAYS])
    epochs = sorted({epoch for part in replays if part.value for epoch in part.value["epochs"]})
    drawn = panels(entries, epochs)
    labels = [
        f"{entry.name} {run.directory.name}" if entry.is_group else entry.name
        for entry in entries
        for run in entry.runs
    ]
    pictures, picture_notes = draw_parameters(found, owners)
    first = next((n for n in ranked if replays[n].value), 0)
    data = {
        "runs": [part.value for part in replays],
        "panels": drawn,
        "stills": [],
        "many": len(entries) if len(entries) > FEW else 0,
        "best": None,
        "last": final_epoch(runs),
        "pictures": pictures,
        "owners": owners,
        "labels": labels,
        "links": [None if together else _link(run, output) for run in runs],
        "reasons": [part.reason for part in replays],
        "chosen": None if together else first,
    }
    picks = {owners[run]: run for run in reversed(ranked)}  # the best run of each entry
    shown = [{"name": entry.name, "pick": picks[n]} for n, entry in enumerate(entries)]
    kind = "group" if all(entry.is_group for entry in entries) else "run"
    title = f"{len(entries)} {kind}{'s' * (len(entries) > 1)} compared"
    described = (
        [describe_run(run, label, part) for run, label, part in zip(runs, labels, replays, strict=True)]
        if (together)
        else []
    )
    return render_page(
        "compare.html",
        (*SCRIPTS, "sorting.js", "parameters.js", "compare.js"),
        data,
        title=title,
        entries=shown,
        columns=[*_columns(found)],
        caption=_caption(found),
        conclusions=found.conclusions,
        notes=[*left_out, *found.notes],
        shared=found.shared,
        more=found.more,
        same_specs=not found.specs and len(entries) > 1,
        together=together,
        grouped=grouped,
        runs=described,
        documents=described or [describe_run(entries[0].runs[0], labels[0], replays[0])],
        value=found.main,
        pictures=pictures,
        picture_notes=picture_notes,
        played=any(part.value for part in replays),
        panels=drawn,
        labels=labels,
        first=first,
    )


def rank(found: Comparison) -> list[int]:
    """Return the numbers of the runs, the best first; those without a number come last."""
    sign = -1 if found.main and is_higher_better(found.entries, found.main) else 1
    numbers = found.numbers
    return sorted(range(len(numbers)), key=lambda n: (numbers[n] is None, sign * (numbers[n] or 0.0)))


def _replays(runs: Sequence[Reported], chosen: Sequence[int]) -> list[Part]:
    count = len(chosen)

    def make(run: Reported) -> dict[str, Any]:
        return replay(run, LETTERS // count, frames=max(2, PAGE_FRAMES // count), units=False)

    return [
        make_part(run, lambda run=run: make(run)) if n in chosen else Part(None)  # type: ignore[misc]
        for n, run in enumerate(runs)
    ]


def _link(run: Reported, output: Path | None) -> str | None:
    """Return where the page of a run is, from the page to be written; None if it has no page."""
    page = run.directory / "report.html"
    if output is None or not page.is_file():
        return None
    return Path(os.path.relpath(page.absolute(), output.absolute().parent)).as_posix()


def _columns(found: Comparison) -> Iterator[TableColumn]:
    yield TableColumn("run", found.names, [None] * len(found.names))
    for row in found.shown_specs:
        yield TableColumn(row.name, [*map(in_cell, row.values)], [_key(value) for value in row.values])
    for values in found.shown_results:
        cells = ["–" if value is None else str(value) for value in values.values]
        yield TableColumn(values.name, cells, [value and value.mean for value in values.values], values.best)
    for row in found.varied:
        yield TableColumn(row.name, [value or "–" for value in row.values], [None] * len(row.values))


def _key(value: str | None) -> Any:
    """Return the number that a JSON text stands for, if it is one."""
    try:
        number = json.loads(value or "null")
    except ValueError:
        return None
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def _caption(found: Comparison) -> str:
    parts = ["Loss and metrics with the parameters of each run's best checkpoint"]
    measured = [value for row in found.results for value in row.values if value]
    if any(value.sd is not None for value in measured):
        parts.append(
            "± is the standard deviation over the runs of a group, in brackets is the 95 % interval of the mean"
        )
    elif any(value.interval for value in measured):
        parts.append("in brackets is the 95 % interval of the test split")
    if any(row.best for row in found.results):
        parts.append("★ is the best" + (" and those that cannot be told apart from it" if found.pairs else ""))
    parts.append("select a title to sort" + ("; point to a run to see its curves" if len(found.names) > FEW else ""))
    return "; ".join(parts)


def draw_parameters(found: Comparison, owners: Sequence[int]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a picture of the main value against each parameter that differs, as JSON values, and notes.

    A picture has `points`, each with x, y and the number of a run; x is a number, or the number of one of `names`.
    """
    if not found.main:
        return [], []
    pictures, left = [], []
    for row in found.parameters:
        known = [None if value is None else json.loads(value) for value in row.values]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
            pictures.append(_picture(row.name, None, known, found.numbers))
            continue
        texts = ["none" if value is None else shorten(unquoted(value)) for value in row.values]
        names = list(dict.fromkeys(texts))
        if len(names) > CATEGORIES:
            left.append(row.name)
        else:
            pictures.append(_picture(row.name, names, [names.index(text) for text in texts], found.numbers))
    grouped = any(entry.is_group for entry in found.entries)
    if grouped and len(found.names) <= CATEGORIES and not any(picture["names"] for picture in pictures):
        pictures.insert(0, _picture("group", found.names, owners, found.numbers))
    left += [picture["title"] for picture in pictures[PICTURES:]]
    notes = [f"Without a picture, as there are too many: {enumerate_some(left)}."] if left else []
    return pictures[:PICTURES], notes


def _picture(title: str, names: list[str] | None, x: Sequence[Any], y: Sequence[float | None]) -> dict[str, Any]:
    points = [[each, number, n] for n, (each, number) in enumerate(zip(x, y, strict=True)) if number is not None]
    numbers = [abs(each) for each, *_ in points] or [1]
    log = names is None and min(each for each, *_ in points or [[0]]) > 0 and max(numbers) / min(numbers) >= DECADES
    return {"title": title, "names": names, "log": log, "points": points}
