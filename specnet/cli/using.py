"""Commands that use a trained run: `evaluate`, `predict`, `plot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import PATH, checkpoint_option, load_run, refuse_overwriting, run_argument
from specnet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@run_argument
@click.option("--split", help="train, validation or test; by default the last of these that the run has.")
@click.option("--data", "file", type=PATH, help="Further samples: .npz or .csv, not transformed.")
@checkpoint_option
def evaluate(run: Path, split: str | None, file: Path | None, checkpoint: str) -> None:
    """Print loss and metrics of the run in directory RUN.

    \b
    Example:
      specnet evaluate runs/mnist --split test
    """
    from specnet.cli.show import show_scores
    from specnet.runs.samples import about, read_samples

    if split and file:
        raise UsageError("--split and --data exclude each other")
    loaded = load_run(run, checkpoint)
    if file:
        with about(file):
            scores = loaded.evaluate(read_samples(loaded, file))
        show_scores({str(file): scores})
    else:
        chosen = split or list(loaded.data.splits)[-1]
        show_scores({chosen: loaded.evaluate(chosen)})


@click.command()
@run_argument
@click.argument("input", type=PATH)
@click.option("-o", "--output", type=PATH, help="Write to this .csv, .npy or .npz file.")
@checkpoint_option
def predict(run: Path, input: Path, output: Path | None, checkpoint: str) -> None:
    """Predict the targets of the inputs in the file INPUT.

    INPUT is a .csv, .npy or .npz file, not transformed. Without -o the predictions are printed as CSV. Classes are
    told with their probabilities where the network gives them.

    \b
    Example:
      specnet predict runs/spiral points.csv -o predictions.csv
    """
    from specnet.runs.samples import about, predictions_csv, read_inputs, write_predictions

    loaded = load_run(run, checkpoint)
    if output:
        refuse_overwriting(output, input, loaded.checkpoint)
    with about(input):
        predictions = loaded.predict(read_inputs(loaded, input))
    if output is None:
        click.echo(predictions_csv(loaded, predictions), nl=False)
    else:
        write_predictions(loaded, predictions, output)
        click.echo(f"{len(predictions)} predictions written to {output}")


@click.command()
@run_argument
@click.argument("names", nargs=-1, metavar="[NAME...]")
@checkpoint_option
def plot(run: Path, names: tuple[str, ...], checkpoint: str) -> None:
    """Draw plots of the run in directory RUN.

    Those its spec names, or each NAME.

    \b
    Example:
      specnet plot runs/spiral curves decision_boundary
    """
    loaded = load_run(run, checkpoint)
    for each in names or loaded.spec.plots:
        click.echo(loaded.plot(each))
