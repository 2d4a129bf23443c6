"""Commands that show what a trained network looks at: `importance`, `influence`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.many import engine_options
from specnet.cli.options import (
    allow_kernels_option,
    format_option,
    model_options,
    open_run,
    plugin_option,
    run_argument,
)
from specnet.cli.output import echo, echo_json, is_quiet, note
from specnet.errors import UsageError
from specnet.words import show_path

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.inspection.dependence import Dependence
    from specnet.inspection.importance import Importance, Rise
    from specnet.studies.influence import Influence

_FORMS = ("text", "csv", "markdown")
split_option = click.option("--split", help="train, validation or test; by default the last of these that the run has.")


@click.command()
@run_argument
@plugin_option
@split_option
@click.option(
    "--repeats",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Number of permutations of each column.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the permutations.")
@click.option(
    "--dependence",
    "columns",
    multiple=True,
    metavar="COLUMN",
    help="Show the mean prediction over the values of this column instead; may be repeated.",
)
@format_option(*_FORMS)
@model_options
def importance(
    run: Path, split: str | None, repeats: int, seed: int, columns: tuple[str, ...], form: str, **model: Any
) -> None:
    """Show which input columns are important for a network.

    Permutes each column of held-out samples, and shows how much loss and metrics change: the mean over the
    permutations and its 95 % interval. A category is one column. If columns are correlated, each may seem
    unimportant, because the network can use the others.

    With --dependence, shows the partial dependence of the predictions on a column: their mean over all samples, with
    the column at each of its values.

    For images and sequences: specnet plot RUN saliency occlusion.

    \b
    Example:
      specnet importance runs/penguins
      specnet importance runs/penguins --dependence bill_length_mm --dependence island
    """
    from specnet.inspection.dependence import partial_dependence
    from specnet.inspection.importance import permutation_importance

    loaded = open_run(run, **model)
    if columns:
        _show_dependence(partial_dependence(loaded, columns, split), form)
    else:
        _show_importance(permutation_importance(loaded, split, repeats, seed), form)


def _show_importance(found: Importance, form: str) -> None:
    from specnet.cli.show import show_rows
    from specnet.runs.results import finite_scores

    if form == "json":
        columns = [
            {"column": each.column, "changes": {name: _told(change) for name, change in each.rises.items()}}
            for each in found.columns
        ]
        about = {"split": found.split, "repeats": found.repeats, "values": finite_scores(found.values)}
        echo_json({**about, "columns": columns})
        return
    titles = [title for name in found.values for title in (f"{name} change", *_limits(name, form))]
    rows = [
        [each.column, *(cell for change in each.rises.values() for cell in _cells(change, form))]
        for each in found.columns
    ]
    show_rows(["column", *titles], rows, form, titles)
    if form == "text":
        values = ", ".join(f"{name} {value:.4g}" for name, value in found.values.items())
        times = "once" if found.repeats == 1 else f"{found.repeats} times"
        echo(f"\n{values} on {found.label}; each column was permuted {times}")
    if found.split == "train":
        note("note: the run has only the samples that it was trained on")


def _limits(name: str, form: str) -> list[str]:
    return [f"{name} low", f"{name} high"] if form == "csv" else [f"{name} 95 % interval"]


def _cells(change: Rise, form: str) -> list[str]:
    """Return mean and interval as cells of a table."""
    from specnet.functions import format_number

    numbers = [change.mean, *change.interval]
    if form == "csv":
        return [f"{number:.10g}" if math.isfinite(number) else "" for number in numbers]
    mean, low, high = (format_number(number, 3) for number in numbers)
    return [mean, f"{low} to {high}" if math.isfinite(change.interval[0]) else ""]


def _told(change: Rise) -> dict[str, Any]:
    interval = [*change.interval] if math.isfinite(sum(change.interval)) else None
    return {"mean": change.mean if math.isfinite(change.mean) else None, "interval": interval}


def _show_dependence(found: list[Dependence], form: str) -> None:
    from specnet.cli.show import show_rows

    if form == "json":
        echo_json(
            [
                {
                    "column": each.column,
                    "values": each.labels if each.values is None else each.values.tolist(),
                    "mean": dict(zip(each.outputs, each.mean.T.tolist(), strict=True)),
                }
                for each in found
            ]
        )
        return
    digits = ".10g" if form == "csv" else ".4g"
    rows = [
        [each.column, label, *(f"{number:{digits}}" for number in mean)]
        for each in found
        for label, mean in zip(each.labels, each.mean.tolist(), strict=True)
    ]
    show_rows(["column", "value", *found[0].outputs], rows, form, found[0].outputs)


@click.command()
@run_argument
@plugin_option
@click.option(
    "--samples",
    type=click.IntRange(1, 9999),
    default=20,
    show_default=True,
    help="Number of training samples to leave out, each in a run of its own; evenly spaced.",
)
@click.option("--rows", metavar="A,B,…", help="Leave out these rows of the training split instead, counted from 0.")
@split_option
@click.option(
    "--predict",
    type=click.IntRange(min=0),
    metavar="ROW",
    help="Also compare the predictions for this row of the split, counted from 0.",
)
@engine_options
@allow_kernels_option
@format_option(*_FORMS)
def influence(
    run: Path,
    samples: int,
    rows: str | None,
    split: str | None,
    predict: int | None,
    kernels: str | None,
    allow: bool,
    form: str,
    **engine: Any,
) -> None:
    """Show what single training samples change in a run.

    Trains the spec of RUN again without each of some training samples, with the same initial weights and the same
    order of the other samples. Shows how loss and metrics on held-out samples change: if they get worse without a
    sample, the sample helps. The runs are written to the folder "influence" of RUN. Run the command again to resume
    runs that were stopped, or to add samples.

    \b
    Example:
      specnet influence runs/penguins --samples 20 -j 2
      specnet influence runs/penguins --rows 3,7 --predict 0
    """
    from specnet.cli.group_progress import show_group_progress
    from specnet.studies.influence import influence as find_influence

    chosen = _parse_rows(rows)
    loaded = open_run(run, "best", kernels, allow)
    with show_group_progress(is_quiet(), "text" if form == "text" else "json") as observer:
        found = find_influence(loaded, samples, chosen, split, predict=predict, observer=observer, **engine)
    _show_influence(found, form)


def _parse_rows(text: str | None) -> list[int]:
    """Return the rows that a text such as "3,7" names, and none for None, or raise a UsageError if it names none."""
    try:
        found = [int(part) for part in (text or "").split(",") if part.strip()]
    except ValueError:
        found = []
    if text is not None and not found:
        raise UsageError(f"--rows {text}: expected numbers of rows", help="--rows 3,7")
    return found


def _show_influence(found: Influence, form: str) -> None:
    from specnet.cli.show import show_rows

    if form == "json":
        echo_json({"directory": str(found.directory), **found.to_json()})
        return
    predicted = {f"prediction of {name}": name for name in found.predictions}
    titles = [*(f"{name} change" for name in found.values), *predicted]
    digits = ".10g" if form == "csv" else ".3g"

    def cells(named: Mapping[str, float], names: Mapping[str, Any]) -> list[str]:
        return [f"{named[name]:{digits}}" if name in named else "" for name in names]

    rows = [
        [str(each.row), each.place, *cells(each.changes, found.values), *cells(each.predictions, found.predictions)]
        for each in found.rows
    ]
    show_rows(["row", "sample", *titles], rows, form, ["row", *titles])
    for each in found.rows:
        if not each.changes:
            note(f"warning: without row {each.row} the run ended as {each.status}")
    if form == "text":
        values = ", ".join(f"{name} {value:.4g}" for name, value in found.values.items())
        echo(f"\n{values} on {found.label} with all training samples; changes are those without the sample")
        echo(f"The runs were saved in {show_path(found.directory)}")
