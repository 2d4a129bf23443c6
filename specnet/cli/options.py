"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

spec_argument = click.argument("spec", type=click.Path(path_type=Path))
run_argument = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
set_option = click.option(
    "--set",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    help="Override a value of the spec, such as training.epochs=20 or layers.0.units=8; may be repeated.",
)
checkpoint_option = click.option(
    "--checkpoint", metavar="best|latest|STEP", default="best", show_default=True, help="Which checkpoint is used."
)
