"""`specnet new`: starting points that run as they are."""

from __future__ import annotations

import click

from specnet.cli.options import Group
from specnet.errors import UsageError

KINDS = ("classification", "regression", "images", "sequence")
SCHEMA = "specnet.schema.json"


@click.group(cls=Group)
def new() -> None:
    """Write a starting point that runs as it is.

    \b
    Example:
      specnet new spec digits --kind images
    """


@new.command()
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(KINDS), default="classification", show_default=True, help="What the spec is about."
)
def spec(name: str, kind: str) -> None:
    """Write the spec NAME.json, to be run and changed.

    Beside it goes specnet.schema.json, by which an editor completes and checks specs. A file that is there already
    is never overwritten.

    \b
    Example:
      specnet new spec digits --kind images
    """
    import json
    from importlib.resources import files
    from pathlib import Path

    import specnet
    from specnet.runs.files import write_json
    from specnet.spec.schema import make_schema

    name = name.removesuffix(".json")
    template = (files("specnet.spec") / "templates" / f"{kind}.json").read_text(encoding="utf-8")
    specnet.load_spec({**json.loads(template), "name": name})  # what is wrong with the name is told by its field
    path, schema = Path(f"{name}.json"), Path(SCHEMA)
    if path == schema:
        raise UsageError(f"{SCHEMA} is the name of the schema: choose another for the spec")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template)
    except FileExistsError:
        raise UsageError(f"{path} is there already: choose another name, or remove it") from None
    if not schema.exists():
        write_json(schema, make_schema())
    click.echo(f"written to {path}; next:\n  specnet run {path}")
