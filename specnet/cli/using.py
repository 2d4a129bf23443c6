"""Commands that use a trained run: `evaluate`, `predict`, `plot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import (
    PATH,
    allow_kernels_option,
    checkpoint_option,
    kernels_option,
    open_run,
    out_option,
    plugin_option,
    run_argument,
)
from specnet.cli.output import echo, note
from specnet.errors import SpecnetError, UsageError
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@run_argument
@plugin_option
@click.option("--split", help="train, validation or test; by default the last of these in the run.")
@click.option("--data", "file", type=PATH, help="Other samples: .npz or .csv, not transformed.")
@checkpoint_option
@kernels_option
@allow_kernels_option
def evaluate(
    run: Path, split: str | None, file: Path | None, checkpoint: str, kernels: str | None, allow: bool
) -> None:
    """Print loss and metrics of the run in directory RUN.

    \b
    Example:
      specnet evaluate runs/mnist --split test
    """
    from specnet.cli.show import show_scores
    from specnet.runs.samples import blamed_on, read_samples

    if split and file:
        raise UsageError("--split and --data cannot be combined")
    loaded = open_run(run, checkpoint, kernels, allow)
    if file:
        with blamed_on(file, loaded):
            scores = loaded.evaluate(read_samples(loaded, file))
        show_scores({str(file): scores})
    else:
        chosen = split or list(loaded.data.splits)[-1]
        show_scores({chosen: loaded.evaluate(chosen)})


@click.command()
@run_argument
@plugin_option
@click.argument("input", type=PATH)
@out_option("Write to this .csv, .npy or .npz file, which must not exist.")
@checkpoint_option
@kernels_option
@allow_kernels_option
def predict(run: Path, input: Path, out: Path | None, checkpoint: str, kernels: str | None, allow: bool) -> None:
    """Predict the targets of the inputs in the file INPUT.

    INPUT is a .csv, .npy or .npz file, not transformed. Without -o, prints the predictions as CSV. Classes come
    with their probabilities where the network computes them.

    \b
    Example:
      specnet predict runs/spiral points.csv -o predictions.csv
    """
    from specnet.runs.samples import blamed_on, predictions_csv, read_inputs, write_predictions

    loaded = open_run(run, checkpoint, kernels, allow)
    with blamed_on(input, loaded):
        predictions = loaded.predict(read_inputs(loaded, input))
    if out is None:
        echo(predictions_csv(loaded, predictions), nl=False)
    else:
        write_predictions(loaded, predictions, out)
        echo(f"{len(predictions)} predictions written to {show_path(out)}")


@click.command()
@run_argument
@plugin_option
@click.argument("names", nargs=-1, metavar="[NAME...]")
@out_option("Write one plot to this .png, .svg or .gif file, which must not exist.")
@click.option("--format", "form", type=click.Choice(["png", "svg", "gif"]), default="png", help="File format.")
@checkpoint_option
def plot(run: Path, names: tuple[str, ...], out: Path | None, form: str, checkpoint: str) -> None:
    """Draw plots of the run in directory RUN.

    Draws those that its spec names, or each NAME, into the run directory. Animated plots, such as replay, may be GIFs.
    A plot that fails does not stop those after it.

    \b
    Example:
      specnet plot runs/spiral curves decision_boundary
      specnet plot runs/spiral replay -o spiral.gif
    """
    if out and len(names) != 1:
        raise UsageError("-o takes one plot", help=f"specnet plot {run} NAME -o {out}")
    loaded = open_run(run, checkpoint, allow=True)
    known, failed = len(loaded.warnings), list[SpecnetError]()
    for each in names or loaded.spec.plots:
        try:
            echo(loaded.plot(each, out, form))
        except SpecnetError as error:
            failed.append(error)
    for warning in loaded.warnings[known:]:
        note(f"warning: {printable(warning)}")
    for each_failed in failed[:-1]:
        note(f"{each_failed}\n")
    if failed:
        raise failed[-1]


@click.command()
@run_argument
@plugin_option
def report(run: Path) -> None:
    """Write the page of the run in directory RUN: its report.html.

    It shows the replay, curves, results, layers and the spec, and needs no internet connection or other file.

    \b
    Example:
      specnet report runs/spiral
    """
    from specnet.cli.show import show_link

    show_link(open_run(run, "best", allow=True).report())


@click.command()
@click.argument("runs", metavar="RUN RUN...", nargs=-1, required=True, type=PATH)
@plugin_option
@out_option("Write a page with curves and replays side by side to this file, which must not exist.")
def compare(runs: tuple[Path, ...], out: Path | None) -> None:
    """Show how runs differ: their specs and their results.

    The best results are marked.

    \b
    Example:
      specnet compare runs/spiral runs/spiral-2 -o spirals.html
    """
    from specnet.cli.show import show_comparison, show_link
    from specnet.runs.results import write_comparison

    if len(runs) < 2:
        raise UsageError("compare needs at least two runs", help=f"specnet compare {runs[0]} RUN")
    loaded = [open_run(run, "best", allow=True) for run in runs]
    if out:
        show_link(write_comparison(loaded, out))
    else:
        show_comparison(loaded)
