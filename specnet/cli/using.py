"""Commands that use a trained run: `evaluate`, `predict`, `bundle`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import (
    PATH,
    as_group,
    format_option,
    model_argument,
    model_options,
    open_model,
    open_run,
    out_option,
    plugin_option,
    refuse_existing,
    run_argument,
)
from specnet.cli.output import echo, echo_json
from specnet.errors import UsageError
from specnet.words import show_path

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from specnet.runs.bundle import Bundle
    from specnet.runs.run import Run
    from specnet.studies.ensemble import Ensemble

_BLOCK = 2**16
"""Bytes of standard input that are answered together at most."""


@click.command()
@model_argument
@plugin_option
@click.option("--split", help="train, validation or test; by default the last of these that the run has.")
@click.option("--data", "file", type=PATH, help="Other samples, not transformed: .npz, .csv, or a folder of images.")
@click.option(
    "--require",
    "requirements",
    multiple=True,
    metavar="'NAME>=NUMBER'",
    help="Exit with 5 unless a value meets this condition, such as 'loss<0.1'; may be repeated.",
)
@format_option()
@model_options
def evaluate(
    run: Path, split: str | None, file: Path | None, requirements: tuple[str, ...], form: str, **model: Any
) -> None:
    """Print loss and metrics of a run, bundle, group or sweep.

    A bundle contains no samples, and needs --data. For a group, prints means over its runs, and --require applies to
    them. The row "ensemble" has the metrics of the mean of their predictions.

    \b
    Example:
      specnet evaluate runs/mnist --split test --require "accuracy>=0.95"
    """
    from specnet.cli.show import show_scores
    from specnet.runs.requirements import check_requirements, parse_requirement
    from specnet.runs.results import finite_scores
    from specnet.runs.trained.samples import blamed_on, read_samples

    if split and file:
        raise UsageError("--split and --data cannot be combined")
    required = [parse_requirement(text) for text in requirements]
    loaded = open_model(run, **model)
    if group := as_group(loaded):
        from specnet.cli.many import evaluate_group

        check_requirements(required, evaluate_group(group, split, file, form))
        return
    if file:
        name = str(file)
        with blamed_on(file, loaded):
            scores = loaded.evaluate(read_samples(loaded, file))
    elif hasattr(loaded, "data"):
        name = split or list(loaded.data.splits)[-1]
        scores = loaded.evaluate(name)
    else:
        raise UsageError(f"{run} is a bundle, which has no samples", help="name a file with --data")
    if form == "json":
        echo_json({name: finite_scores(scores)})
    else:
        show_scores({name: scores})
    check_requirements(required, scores)


@click.command()
@model_argument
@plugin_option
@click.argument("input", type=PATH)
@out_option("Write to this .csv, .npy or .npz file, which must not exist.")
@click.option(
    "--keep", multiple=True, metavar="COLUMN", help="Copy this column of INPUT into the result; may be repeated."
)
@format_option("csv")
@model_options
def predict(run: Path, input: Path, out: Path | None, keep: tuple[str, ...], form: str, **model: Any) -> None:
    """Predict the targets of the inputs in the file INPUT.

    INPUT has the format of the training files, or is a .csv, .npy or .npz file, not transformed; "-" means a table on
    standard input. It may be a folder if the run was trained on folders of images; --keep file names each image.
    Without -o, prints the predictions as CSV. Probabilities of classes follow if the network computes them. For a
    group, predictions are means over its runs, and columns with their standard deviations follow.

    With --format json, prints a line of JSON for each prediction. Each line of standard input is then a JSON object
    with the columns, or a list. It is answered at once, with its line number and a prediction or an error. Exits with
    2 at the end if there was an error.

    \b
    Example:
      specnet predict runs/spiral points.csv -o predictions.csv
      gunzip -c patients.csv.gz | specnet predict runs/patients - --keep id
      echo '{"x": 0.5, "y": 1}' | specnet predict model.zip - --format json
    """
    from specnet.datasets.text_files import STDIN
    from specnet.runs.trained.json_lines import to_json
    from specnet.runs.trained.samples import blamed_on, predictions_csv, read_inputs, read_kept, write_predictions

    if form == "json" and (out or keep):
        raise UsageError("--format json cannot be combined with --out or --keep")
    loaded = open_model(run, **model)
    if form == "json" and input == STDIN:
        _answer(loaded)
        return
    spread: dict[str, np.ndarray] = {}
    with blamed_on(input, loaded):
        kept, (inputs, mask) = read_kept(loaded, input, keep), read_inputs(loaded, input)
        predictions = loaded.predict(inputs, mask)
        if (group := as_group(loaded)) and predictions.ndim <= 2:
            spread = group.spread_columns(predictions, group.spread(inputs, mask))
    if form == "json":
        for row, prediction in enumerate(to_json(loaded, predictions)):
            more = {name: float(column[row]) for name, column in spread.items()}
            echo_json({"row": row, "prediction": prediction | more if more else prediction}, indent=None)
    elif out is None:
        echo(predictions_csv(loaded, predictions, kept, spread), nl=False)
    else:
        write_predictions(loaded, predictions, out, kept, spread)
        echo(f"{len(predictions)} predictions written to {show_path(out)}")


def _answer(model: Run | Bundle | Ensemble) -> None:
    """Answer the lines on standard input, all that have arrived together."""
    from specnet.runs.trained.json_lines import answer_lines

    number, refused, rest = 1, False, list[bytes]()
    read = getattr(sys.stdin.buffer, "read1", sys.stdin.buffer.read)
    while True:
        block = read(_BLOCK)
        first, *others = block.split(b"\n")
        rest.append(first)
        if block and not others:
            continue
        lines = [b"".join(rest), *others]
        rest = [lines.pop()] if block else []
        for answer in answer_lines(model, model.schema, lines, number):
            refused |= "error" in answer
            echo_json(answer, indent=None)
        number += len(lines)
        if not block:
            break
    if refused:
        click.get_current_context().exit(2)


@click.command()
@run_argument
@plugin_option
@out_option("Write to this file, which must not exist; by default the run's name and .zip.")
@model_options
def bundle(run: Path, out: Path | None, **model: Any) -> None:
    """Write the network of a run to one file, a bundle.

    The commands predict, evaluate and export take a bundle instead of a run. It contains weights, fitted transforms,
    the spec, a description of the inputs with ranges and categories, and some made-up rows with their predictions. It
    contains no training data and no paths of this machine.

    \b
    Example:
      specnet bundle runs/mnist -o mnist.zip
    """
    from pathlib import Path

    loaded = open_run(run, **model)
    path = Path(f"{loaded.name}.zip") if out is None else out
    refuse_existing(path)
    echo(f"written to {show_path(loaded.bundle(path))}")
