"""The command `schema`: JSON Schema of the spec, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import out_option, plugin_option
from specnet.cli.output import echo, echo_json, note
from specnet.words import show_path

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@out_option("Write the schema to this file, which must not exist.")
@click.option("--no-plugins", is_flag=True, help="Leave out components of plugins.")
@plugin_option
def schema(out: Path | None, no_plugins: bool) -> None:
    """Print the JSON Schema of specs, for editors.

    The schema contains every installed component. Editors complete and check a spec that begins with "$schema":
    "./specnet.schema.json", if the schema is beside it.

    \b
    Example:
      specnet schema -o specs/specnet.schema.json
    """
    from specnet.errors import Diagnostic
    from specnet.runs.storage.files import write_json
    from specnet.spec.schema import make_schema, unusable

    for error in unusable(plugins=not no_plugins):
        left_out = Diagnostic(error.code, f"left out: {error.message}", help=error.help, severity="warning")
        note(left_out.render())
    made = make_schema(plugins=not no_plugins)
    if out is None:
        echo_json(made)
    else:
        write_json(out, made)
        echo(f"written to {show_path(out)}")
