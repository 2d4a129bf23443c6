"""Commands that draw a run: `plot`, `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import (
    PATH,
    checkpoint_option,
    load,
    open_run,
    out_option,
    plugin_option,
    refuse_existing,
    run_argument,
)
from specnet.cli.output import echo, note
from specnet.errors import SpecnetError, UsageError
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("run", metavar="RUN|SPEC", type=PATH)
@plugin_option
@click.argument("names", nargs=-1, metavar="[NAME...]")
@out_option("Write one plot to this .png, .svg or .gif file, which must not exist.")
@click.option("--format", "form", type=click.Choice(["png", "svg", "gif"]), default="png", help="Format of the files.")
@checkpoint_option
def plot(run: Path, names: tuple[str, ...], out: Path | None, form: str, checkpoint: str) -> None:
    """Draw plots of a run, or a plot of an untrained network.

    Draws the plots that the spec of the run names, or each NAME, into the run directory. Animated plots, such as
    replay, may be GIFs. If a plot fails, the others are still drawn. For a SPEC, NAME and -o are required.

    \b
    Example:
      specnet plot runs/spiral curves decision_boundary
      specnet plot runs/spiral replay -o spiral.gif
      specnet plot specs/digits_conv.json network -o digits_conv.svg
    """
    if run.is_file():
        if out is None or len(names) != 1:
            raise UsageError("for a spec, name one plot and a file", help=f"specnet plot {run} network -o FILE")
        refuse_existing(out)
        _plot_spec(run, names[0], out)
        return
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


def _plot_spec(spec: Path, name: str, out: Path) -> None:
    """Draw a plot of the network of a spec that was not run, with its initial weights."""
    from specnet.component import build
    from specnet.plots.base import Plot
    from specnet.report.pictures import write_picture
    from specnet.runs.experiment import Experiment
    from specnet.runs.storage.files import write_file

    plot = build("plots", name)
    assert isinstance(plot, Plot)
    run, warnings = Experiment(load(spec, (), None)).unsaved_run(), list[str]()
    write_file(out, lambda file: warnings.extend(write_picture(plot, run, file, out.suffix[1:].lower())))
    for warning in warnings:
        note(f"warning: {printable(warning)}")
    echo(show_path(out))


@click.command()
@run_argument
@plugin_option
def report(run: Path) -> None:
    """Write the page of a run, its report.html.

    The page shows the replay, curves, results, layers and the spec. It needs no internet connection and no other file.

    \b
    Example:
      specnet report runs/spiral
    """
    from specnet.cli.show import show_link

    show_link(open_run(run, "best", allow=True).report())
