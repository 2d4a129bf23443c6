"""The command `schema`: JSON Schema of the spec, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import PATH, echo_json, note, plugin_option
from specnet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option("-o", "--out", type=PATH, help="Write the schema to this file.")
@click.option("--no-plugins", is_flag=True, help="Leave out components of other distributions.")
@plugin_option
def schema(out: Path | None, no_plugins: bool) -> None:
    """Print the JSON Schema of specs, for editors.

    It contains every installed component. Editors complete and check a spec that begins with
    "$schema": "./specnet.schema.json" if that file is beside it. -o replaces an older schema, but no other file.

    \b
    Example:
      specnet schema -o specs/specnet.schema.json
    """
    from specnet.errors import Diagnostic
    from specnet.runs.files import write_json
    from specnet.spec.schema import make_schema, unusable

    if out is not None and out.is_file() and not _is_schema(out):
        raise UsageError(f"{out} already exists and is not a JSON Schema", help="choose another name, or remove it")
    for error in unusable(plugins=not no_plugins):
        left_out = Diagnostic(error.code, f"left out: {error.message}", help=error.help, severity="warning")
        note(left_out.render())
    made = make_schema(plugins=not no_plugins)
    if out is None:
        echo_json(made)
    else:
        write_json(out, made)
        click.echo(f"written to {out}")


def _is_schema(path: Path) -> bool:
    import json

    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "$defs" in value
