"""`specnet trace`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import PATH, format_option, load, open_run, spec_options
from specnet.cli.output import echo, echo_json
from specnet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def _count(ctx: click.Context, parameter: click.Parameter, text: str) -> int | None:
    """Return a number of samples, None for all."""
    if text == "all":
        return None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise click.BadParameter(f"{text!r} is neither a number from 1 nor all")


@click.command()
@click.argument("spec", metavar="SPEC|RUN", type=PATH)
@click.option(
    "--samples",
    metavar="N|all",
    default="2",
    show_default=True,
    callback=_count,
    help="Number of samples in a batch, or fewer if it has fewer.",
)
@click.option("--steps", type=click.IntRange(min=1), default=1, show_default=True, help="Number of training steps.")
@click.option("--layer", metavar="NAME", help="Show one layer, such as layers.0, and those inside it.")
@spec_options
@format_option("text", "csv", "markdown")
def trace(
    spec: Path,
    samples: int | None,
    steps: int,
    layer: str | None,
    overrides: tuple[str, ...],
    budget: str | None,
    form: str,
) -> None:
    """Show the first training steps of a spec or run as numbers.

    Shows inputs and outputs of each layer, loss, gradients, and each parameter before and after the update, beside
    their formulas, to check them by hand. Large arrays are shortened. Numbers are computed in float64 by the
    definitions of all components. With all samples of a batch, they are those of a run in float64 with --kernels
    textbook.

    \b
    Example:
      specnet trace specs/xor.json --samples 2 --layer layers.0
    """
    from specnet.cli.show import show_rows
    from specnet.report.trace import TRACE_COLUMNS
    from specnet.runs.tracing import trace as trace_spec

    if spec.is_dir():
        if overrides:
            raise UsageError("--set needs a spec, not a run", help=f"name {spec}/spec.json")
        found = open_run(spec, "best", allow=True).trace(samples, steps, layer)
    else:
        found = trace_spec(load(spec, overrides, budget), samples, steps, layer)
    if form == "json":
        echo_json(found.to_json())
    elif form == "csv":
        show_rows(TRACE_COLUMNS, [*found.cells()], form)
    else:
        echo(found.markdown() if form == "markdown" else found.text())
