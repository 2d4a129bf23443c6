"""`specnet new`: specs and plugins to start from, which run as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import PATH, refuse_existing
from specnet.cli.output import echo
from specnet.cli.unknown import CommandGroup
from specnet.errors import UsageError
from specnet.words import quote

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("classification", "regression", "images", "sequence")
SCHEMA = "specnet.schema.json"
PLUGIN = {
    "layer": "layers",
    "loss": "losses",
    "metric": "metrics",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "initializer": "initializers",
    "dataset": "datasets",
    "transform": "transforms",
    "plot": "plots",
    "callback": "callbacks",
}
"""Kinds of plugins, each with its own templates, and their groups."""
FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md": "README.md",
    "$kind/module.py.txt": "$module.py",
    "$kind/test.py.txt": "tests/test_$name.py",
    "$kind/spec.json": "$spec",
    "tests.yml": ".github/workflows/tests.yml",
    "gitignore": ".gitignore",
}
"""Templates of a plugin, and the files made from them."""
_SPECS = {"dataset": "$name.json", "loss": "sines.json", "metric": "sines.json"}
"""Names of the specs of kinds that do not use the spiral."""
PREFIX = "specnet-"
TAKEN = (
    "None", "True", "False", "Activation", "Annotated", "Any", "Callable", "Callback", "Data", "Dataset", "Field",
    "Figure", "Initializer", "Iterable", "Layer", "Mapping", "Optimizer", "Outline", "Path", "Plot", "Samples",
    "Schedule", "Transform",
)  # fmt: skip
"""Names that no class in a plugin's module can have."""


@click.group(cls=CommandGroup)
def new() -> None:
    """Write a spec or plugin to start from.

    \b
    Example:
      specnet new spec digits --kind images
      specnet new plugin specnet-mish
    """


@new.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), help="Kind of problem; by default classification, or that of DATA.")
@click.option("--data", type=PATH, help="Table to train on: a CSV file, or one that a plugin reads.")
@click.option(
    "--target", "targets", multiple=True, metavar="COLUMN", help="Column of DATA to predict; may be repeated."
)
def spec(name: str, kind: str | None, data: Path | None, targets: tuple[str, ...]) -> None:
    """Write the spec NAME.json to start from.

    With --data the spec names the columns of a table with their types, fills missing values, and has a network, loss
    and metrics for the target. Also writes specnet.schema.json, which editors use to complete and check specs. Existing
    files are never overwritten.

    \b
    Example:
      specnet new spec digits --kind images
      specnet new spec penguins --data penguins.csv --target species
    """
    from pathlib import Path

    from specnet.runs.storage.files import write_json
    from specnet.spec.schema import make_schema

    name = name.removesuffix(".json")
    template = _filled(name, kind, data, targets)
    path, schema = Path(f"{name}.json"), Path(SCHEMA)
    if path == schema:
        raise UsageError(f"{SCHEMA} is the name of the schema: choose another name for the spec")
    refuse_existing(path)
    with path.open("x", encoding="utf-8") as file:
        file.write(template)
    if not schema.exists():
        write_json(schema, make_schema())
    echo(f"written to {path}; next:\n  specnet run {path}")


def _filled(name: str, kind: str | None, data: Path | None, targets: tuple[str, ...]) -> str:
    """Return the text of a spec, after checking that it is one; say what was decided about a table."""
    import json
    from importlib.resources import files

    import specnet

    if bool(data) != bool(targets):
        raise UsageError(
            "--data and --target need each other", help=f"specnet new spec {name} --data FILE --target COLUMN"
        )
    if data is None:
        path = files("specnet.spec") / "templates" / f"{kind or KINDS[0]}.json"
        template = path.read_text(encoding="utf-8")
        specnet.load_spec({**json.loads(template), "name": name})  # reports an invalid name
        return template
    from specnet.spec.layout import tidy
    from specnet.spec.starting import spec_for_table

    if kind not in (None, "classification", "regression"):
        raise UsageError(f"--kind {kind} cannot be combined with --data", help="choose classification or regression")
    made = spec_for_table(data, targets, kind)  # type: ignore[arg-type]
    content = {"$schema": SCHEMA, **made.spec}
    specnet.load_spec({**content, "name": name})
    for note in made.notes:
        echo(note)
    return tidy(content) + "\n"


@new.command()
@click.argument("name")
@click.option("--kind", type=click.Choice([*PLUGIN]), default="layer", show_default=True, help="Kind of component.")
def plugin(name: str, kind: str) -> None:
    """Write a plugin with a component called NAME.

    The new folder contains a distribution, specnet-NAME, which can be installed, tested and trained with at once.
    Replace its formula with your own. The prefix specnet- of NAME is optional. An existing folder is never overwritten.

    \b
    Example:
      specnet new plugin specnet-mish
      specnet new plugin rings --kind dataset
    """
    from importlib.resources import files
    from pathlib import Path
    from string import Template

    names = _plugin_names(name, kind)
    folder, templates = Path(names["distribution"]), files("specnet") / "templates" / "plugin"

    def filled(template: str) -> str:
        path = templates / Template(template).substitute(names)
        return Template(path.read_text(encoding="utf-8")).substitute(names)

    names |= {"about": filled("$kind/about.md").rstrip(), "example": filled("$kind/example.txt").rstrip()}
    refuse_existing(folder)
    folder.mkdir()
    for template, target in FILES.items():
        path = folder / Template(target).substitute(names)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(template), encoding="utf-8")
    echo(f"written to {folder}; next:\n  cd {folder}\n  pip install -e '.[dev]'\n  pytest")
    echo(f"  specnet run {names['spec']}")


def _plugin_names(name: str, kind: str) -> dict[str, str]:
    """Return the names of a plugin and its parts, or raise a UsageError if one is invalid or taken."""
    import re

    from specnet import registry
    from specnet.distributions import is_installed, own_requirement

    short, group = re.sub("[-_.]+", "-", name).removeprefix(PREFIX), PLUGIN[kind]
    component, cls = short.replace("-", "_"), "".join(part.capitalize() for part in short.split("-"))
    if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", short) or len(short) > 60 or cls in TAKEN or short == "specnet":
        help = "use up to 60 lowercase letters, digits and hyphens, a letter first, as in specnet-mish"
        raise UsageError(f"{quote(name)} is not a valid plugin name", help=help)
    if claims := registry.claims(group).get(component):
        raise UsageError(f'the {kind} "{component}" already exists, in {claims[0].owner}: choose another name')
    if is_installed(PREFIX + short):
        raise UsageError(f"the distribution {PREFIX}{short} is already installed: choose another name")
    return {
        "kind": kind,
        "group": group,
        "distribution": PREFIX + short,
        "module": f"specnet_{component}",
        "name": component,
        "Class": cls,
        "spec": _SPECS.get(kind, "spiral.json").replace("$name", component),
        "specnet": own_requirement(),
    }
