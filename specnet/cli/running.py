"""`specnet run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import PATH, load, spec_argument, spec_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@spec_argument
@click.option("--out", type=PATH, help="Run directory; by default runs/ and the spec's name.")
@spec_options
@click.option("--quiet", is_flag=True, help="Print only the run directory.")
def run(spec: Path, out: Path | None, overrides: tuple[str, ...], budget: str | None, quiet: bool) -> None:
    """Train the network that SPEC describes.

    Leaves a run directory with weights, history and plots. A taken name is never overwritten: the next free one of
    NAME-2, NAME-3, … is used.

    \b
    Example:
      specnet run specs/spiral.json --set training.epochs=200
    """
    import specnet
    from specnet.cli.progress import watch
    from specnet.cli.show import show_scores

    loaded = load(spec, overrides, budget)
    with watch(quiet) as observer:
        finished = specnet.run(loaded, out, observer)
    if quiet:
        click.echo(finished.directory)
        return
    if finished.status == "stopped early":
        click.echo(f"stopped early, after epoch {finished.history['epoch'][-1]}")
    show_scores({split: finished.evaluate(split) for split in finished.data.splits})
    best = finished.best
    value = f", {best['monitor']} {best['value']:.4g}" if best["value"] is not None else ""
    click.echo(f"\nThese are of the best checkpoint: epoch {best['epoch']}{value}.")
    click.echo(f"The run is in {finished.directory}")
    for path in finished.plots:
        click.echo(f"  {path}")
