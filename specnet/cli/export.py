"""The command `export`: a trained network for use elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import PATH, as_group, model_argument, model_options, open_model, out_option, plugin_option
from specnet.cli.output import echo
from specnet.errors import UsageError
from specnet.words import printable

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@model_argument
@plugin_option
@click.option(
    "--to",
    "target",
    metavar="TARGET",
    required=True,
    help="numpy, notebook, javascript or safetensors, or the target of a plugin, such as onnx.",
)
@out_option("File to write, which must not exist; by default the name of the run, in the current folder.")
@click.option("--data", "file", type=PATH, help="Inputs to compare predictions with, if those of the run are gone.")
@model_options
def export(run: Path, target: str, out: Path | None, file: Path | None, **model: Any) -> None:
    """Write the network of a run for use without specnet.

    The exported network takes raw inputs and includes the transforms. Its predictions are compared with those of the
    run. For a group, each run is exported into one folder; for numpy, a script beside them computes mean and standard
    deviation.

    \b
    Example:
      specnet export runs/penguins --to numpy -o penguins.py
      python penguins.py rows.csv
      specnet export runs/spiral --to javascript -o spiral.js
    """
    from pathlib import Path

    from specnet.component import find_class
    from specnet.distributions import extras
    from specnet.exporters.base import export as write
    from specnet.registry import claims
    from specnet.runs.trained.samples import blamed_on, read_inputs
    from specnet.studies.export import export_group

    if target in extras() and target not in claims("exporters"):
        raise UsageError(f"{extras()[target]} is not installed", help=f'pip install "specnet[{target}]"')
    extension = find_class("exporters", target).extension
    loaded = open_model(run, **model)
    group = as_group(loaded)
    rows = None
    if file:
        with blamed_on(file, loaded):
            rows, _ = read_inputs(loaded, file)
    path = out or Path(f"{loaded.name}{'' if group else extension}")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}")
    for line in export_group(group.group, target, path, rows) if group else write(loaded, target, path, rows):
        echo(printable(line))
