"""Commands for many runs of one spec: `repeat`, `cross-validate`, `refit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import PATH, format_option, kernels_option, load, plugin_option, spec_argument, spec_options
from specnet.cli.output import echo, echo_json, is_quiet, note
from specnet.errors import DivergenceError
from specnet.words import show_path

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.studies.ensemble import Ensemble
    from specnet.studies.group import Group


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that train many runs: the kernels, and those of `train_all`."""
    threads = click.option("--threads", type=click.IntRange(min=1), help="BLAS threads of each run; by default one.")
    jobs = click.option(
        "-j",
        "--jobs",
        "workers",
        type=click.IntRange(min=1),
        help="Runs that are trained at the same time; by default one for each core.",
    )
    engine = click.option(
        "--engine",
        metavar="dask|ray|dask://HOST:PORT|ray://HOST:PORT",
        help="Train on the workers of a Dask or Ray cluster that share a file system, or on a local cluster.",
    )
    return jobs(engine(threads(kernels_option(command))))


group_argument = click.argument("group", metavar="GROUP|SWEEP", type=PATH)


@click.command()
@spec_argument
@click.option("--seeds", default="20", show_default=True, metavar="N|A,B,…", help="Seeds 1 to N, or a list of them.")
@click.option(
    "--vary",
    default="start,order",
    show_default=True,
    metavar="PARTS",
    help="What depends on the seed: start (initial weights), order (of samples, and other random numbers in training), "
    "data (synthetic samples), split.",
)
@click.option(
    "--target", metavar="NAME=NUMBER", help="Count the runs that reach a value, such as validation/accuracy=0.95."
)
@click.option(
    "-o", "--out", type=PATH, help="Directory of the group; by default runs/NAME-repeat, with the spec's name."
)
@spec_options
@engine_options
@format_option()
def repeat(
    spec: Path,
    seeds: str,
    vary: str,
    target: str | None,
    out: Path | None,
    overrides: tuple[str, ...],
    budget: str | None,
    kernels: str | None,
    form: str,
    **engine: Any,
) -> None:
    """Train SPEC with several seeds, and summarize the runs.

    Writes a directory with a run for each seed, statistics in summary.json, curves with bands and a page. Run the
    command again, also with more seeds, to keep finished runs and resume the others.

    \b
    Example:
      specnet repeat specs/spiral.json --seeds 20 --target validation/accuracy=0.95
    """
    import specnet
    from specnet.cli.group_progress import show_group_progress
    from specnet.studies.plans import parse_seeds

    numbers = parse_seeds(seeds)
    loaded = load(spec, overrides, budget, kernels)
    parts = [part.strip() for part in vary.split(",") if part.strip()]
    with show_group_progress(is_quiet(), form) as observer:
        group = specnet.repeat(loaded, numbers, out, vary=parts, target=target, observer=observer, **engine)
    show_group(group, form)


@click.command("cross-validate")
@spec_argument
@click.option(
    "--folds",
    type=click.IntRange(2, 1000),
    default=5,
    show_default=True,
    help="Number of folds, which have equal size.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of cross-validations, each with different folds.",
)
@click.option("--group", metavar="COLUMN", help="Rows with the same value in this column stay in one fold.")
@click.option("--order", is_flag=True, help="Keep the order of samples: each fold is predicted from those before it.")
@click.option(
    "--stratify/--no-stratify",
    default=None,
    help="Divide each class in the same way; by default as the spec's split says.",
)
@click.option(
    "-o", "--out", type=PATH, help="Directory of the group; by default runs/NAME-folds, with the spec's name."
)
@spec_options
@engine_options
@format_option()
def cross_validate(
    spec: Path,
    folds: int,
    repeats: int,
    out: Path | None,
    overrides: tuple[str, ...],
    budget: str | None,
    kernels: str | None,
    form: str,
    **options: Any,
) -> None:
    """Train SPEC once for each fold, and predict that fold.

    Each fold is the test split of one run, instead of the spec's test share. The validation share is taken from the
    other folds. Writes a directory with a run for each fold, all predictions of held-out samples in predictions.csv,
    statistics in summary.json, curves with bands and a page. Run the command again to resume runs that were stopped.

    \b
    Example:
      specnet cross-validate specs/spiral.json --folds 5 --repeats 2
    """
    import specnet
    from specnet.cli.group_progress import show_group_progress

    loaded = load(spec, overrides, budget, kernels)
    with show_group_progress(is_quiet(), form) as observer:
        group = specnet.cross_validate(loaded, folds, repeats, out, observer=observer, **options)
    show_group(group, form)


@click.command()
@group_argument
@plugin_option
@click.option("-o", "--out", type=PATH, help="Run directory; by default runs/NAME-refit, with the spec's name.")
@format_option()
def refit(group: Path, out: Path | None, form: str) -> None:
    """Train the spec of a group or sweep on all samples.

    For a SWEEP, trains the spec of its best trial. There are no validation and no test samples.

    If the runs have stopped early or kept their best state, it trains for the median number of epochs of these states.

    \b
    Example:
      specnet refit runs/spiral-folds -o runs/final
    """
    import specnet
    from specnet.cli.progress import show_progress
    from specnet.cli.running import show_run
    from specnet.studies.refit import refit_epochs

    loaded = specnet.load_group(group)
    epochs, most = refit_epochs(loaded), loaded.spec.training.epochs
    if gaps := loaded.summary.gaps:
        note(f"warning: the epochs are chosen without runs that have no results: {gaps}")
    why = f"the median of the runs' best states; the spec has {most:,}" if epochs < most else "as in the spec"
    note(f"note: training on all samples for {epochs:,} epochs, {why}")
    with show_progress(is_quiet(), form) as observer:
        finished = specnet.refit(loaded, out, observer=observer)
    show_run(finished, True, form)


def show_group(group: Group, form: str) -> None:
    """Print statistics, a sentence, and where all is saved; then raise a DivergenceError if no run has results."""
    from specnet.cli.show import show_link, show_table
    from specnet.functions import format_number
    from specnet.studies.group import show_limits
    from specnet.studies.summary import statistics_rows

    summary = group.summary
    if form == "json":
        echo_json({"directory": str(group.directory)} | summary.model_dump(mode="json"))
    elif not is_quiet():
        titles = ["", "mean", "std", "median", "95 % interval", "least", "greatest"]
        found_rows = [*statistics_rows(summary)]
        if any(found.count < len(summary.done) for _, found in found_rows):
            titles.append("runs")  # of the others the value is missing or not finite
        rows = [
            [
                name,
                format_number(found.mean),
                "" if found.std is None else format_number(found.std),
                format_number(found.median),
                "" if found.interval is None else show_limits(found.interval),
                format_number(found.minimum),
                format_number(found.maximum),
                f"{found.count} of {len(summary.done)}",
            ][: len(titles)]
            for name, found in found_rows
        ]
        if rows:
            show_table(titles, rows, numbers=titles[1:])
            echo(f"\n{summary.sentence}\n")
        echo(f"The runs were saved in {show_path(group.directory)}")
        for name in ("predictions.csv", "curves.png", "report.html"):
            if (group.directory / name).is_file():
                show_link(group.directory / name, "  ")
    if not summary.done:
        raise DivergenceError("no run has results: all diverged")


def evaluate_group(group: Ensemble, split: str | None, file: Path | None, form: str) -> dict[str, float]:
    """Print statistics of loss and metrics of the runs, and metrics of the ensemble; return the means."""
    from specnet.cli.show import show_scores
    from specnet.runs.results import finite_scores
    from specnet.runs.trained.samples import blamed_on, read_samples

    if file:
        name = str(file)
        with blamed_on(file, group):
            samples = read_samples(group, file)
            found, together = group.evaluate_each(samples), group.evaluate(samples)
    else:
        name = split or list(group.members[0].data.splits)[-1]
        found = group.evaluate_each(name)
        together = group.evaluate(name) if group.shares_data else {}
    means = {value: statistic.mean for value, statistic in found.items()}
    if form == "json":
        runs = {value: statistic.model_dump() for value, statistic in found.items()}
        echo_json({name: {"runs": runs, "ensemble": finite_scores(together)}})
    else:
        beside: dict[str, Any] = {
            "standard deviation": {name: {value: statistic.std for value, statistic in found.items()}},
            "95 % interval": {name: {value: statistic.interval for value, statistic in found.items()}},
            "ensemble": {name: together},
        }
        echo(f"means over {len(group.members)} run{'s' * (len(group.members) > 1)}")
        show_scores({name: means}, beside)
    return means
