"""Commands that show specs, data and components without training: `validate`, `components`, `data`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.messages import terminal_width
from specnet.cli.options import (
    PATH,
    format_option,
    kernels_option,
    load,
    load_silently,
    out_option,
    parse_bytes,
    plugin_option,
    show_warnings,
    spec_argument,
    spec_options,
)
from specnet.cli.output import echo, echo_json, note
from specnet.errors import ComponentError, Diagnostic, SpecnetError, UsageError
from specnet.words import show_path

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from specnet.datasets.base import Data
    from specnet.datasets.rows import Rows
    from specnet.spec.model import Spec

MAX_COLUMNS = 100
"""Columns of a table that are shown one by one."""
SCHEMA_SUFFIX = ".schema.json"
"""Ending of JSON Schema files, which editors need beside specs."""


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", type=PATH)
@spec_options
@kernels_option
@format_option()
@click.option("--resolved", is_flag=True, help="Print the spec with all defaults and overrides, as JSON.")
@click.option("--data", is_flag=True, help="Also load the data, check each sample, and warn as run does.")
def validate(
    specs: tuple[Path, ...],
    overrides: tuple[str, ...],
    budget: str | None,
    kernels: str | None,
    form: str,
    resolved: bool,
    data: bool,
) -> None:
    """Check each SPEC and report all mistakes, without training.

    Without --data, only small tables and the first bytes of other data files are read.

    \b
    Example:
      specnet validate specs/*.json
      specnet validate --data penguins.json
    """
    if resolved and (len(specs) > 1 or form == "json"):
        raise UsageError("--resolved takes one spec, and no --format")
    limit, wrong, found = parse_bytes(budget), False, []
    for path in specs:
        if path.name.endswith(SCHEMA_SUFFIX) and path.is_file() and not resolved:
            note(f"{path}: a schema of specs, skipped")
            continue
        try:
            spec = load_silently(path, overrides, limit, kernels)
            found_in_data = _look_at_data(spec) if data else []
        except SpecnetError as error:
            wrong, diagnostics, told = True, error.diagnostics, f"{error.render(terminal_width())}\n\n"
        else:
            diagnostics, told = [*spec.warnings, *found_in_data], show_warnings(spec, found_in_data)
            if resolved:
                echo_json(spec.to_json())
            elif form == "text":
                loaded = "" if data else "; data not loaded (use --data)"
                echo(f"{show_path(path)}: no mistakes found{loaded}")
        found += [diagnostic.to_json(str(path)) for diagnostic in diagnostics]
        if form == "text" and any(each.severity == "error" for each in diagnostics):
            echo(told, err=True, nl=False)
        elif form == "text":
            note(told, nl=False)
    if form == "json":
        echo_json(found)
    if wrong:
        click.get_current_context().exit(2)


def _look_at_data(spec: Spec) -> list[Diagnostic]:
    """Return warnings about a spec's data, after checking everything that a run checks before it trains."""
    from specnet.runs.experiment import Experiment

    return [Diagnostic("data", message, severity="warning") for message in Experiment(spec, new=True).warnings]


@click.command()
@click.argument("group", required=False)
@click.argument("name", required=False)
@format_option()
@plugin_option
def components(group: str | None, name: str | None, form: str) -> None:
    """List the components that are installed.

    Lists all components, those of one GROUP, or one component with its fields.

    \b
    Example:
      specnet components layers linear
    """
    from specnet import registry
    from specnet.cli.show import show_table

    if group and name:
        _show_component(group, name, form)
        return
    groups = [group] if group else [each for each in registry.SINGULAR if registry.claims(each)]
    if form == "json":
        keys = ("name", "from", "doc")
        echo_json({each: [dict(zip(keys, row, strict=True)) for row in _rows(each)] for each in groups})
        return
    for number, each in enumerate(groups):
        if number:
            echo()
        show_table([each, "from", ""], _rows(each))


def _rows(group: str) -> list[list[str]]:
    """Return name, origin and first line of the documentation of each component of a group."""
    from specnet import registry
    from specnet.component import find_class

    rows = []
    for name, entries in registry.claims(group).items():
        try:
            doc = _describe(find_class(group, name)).partition("\n")[0]
        except ComponentError as error:
            doc = f"broken: {error.message}"
        winner, *others = entries
        passed_over = "".join(f"; also claimed by {entry.distribution}" for entry in others)
        rows.append([name, f"{winner.owner}{passed_over}", doc])
    return rows


def _describe(found: object) -> str:
    """Return the documentation of a class or of a command."""
    import inspect

    return inspect.cleandoc((found.help if isinstance(found, click.Command) else found.__doc__) or "").strip()


def _show_component(group: str, name: str, form: str) -> None:
    from specnet import registry
    from specnet.cli.show import show_table
    from specnet.component import Component, find_class
    from specnet.spec.describe import describe_fields

    entry, cls = registry.find(group, name), find_class(group, name)
    fields = describe_fields(cls) if isinstance(cls, type) and issubclass(cls, Component) else []
    if form == "json":
        described = [field._asdict() for field in fields]
        echo_json({"group": group, "name": name, "from": entry.owner, "doc": _describe(cls), "fields": described})
        return
    echo(f"{name}, a component of {group}, from {entry.owner}\n")
    echo(_describe(cls))
    if fields:
        echo()
        show_table(["field", "type", "default", "", ""], fields)


@click.command()
@spec_argument
@out_option("Write the arrays to this .npz file, which must not exist.")
@spec_options
def data(spec: Path, out: Path | None, **options: Any) -> None:
    """Show what the network that SPEC describes will see.

    Shows shapes, ranges and classes. With -o, writes the transformed arrays as train_inputs, train_targets,
    validation_inputs, …

    \b
    Example:
      specnet data specs/spiral.json -o spiral.npz
    """
    from specnet.runs.experiment import Experiment
    from specnet.runs.storage.files import write_file
    from specnet.runs.trained.building import load_data, transform
    from specnet.runs.trained.samples import write_arrays

    if out is not None and out.suffix != ".npz":
        raise UsageError(f"{out}: the file's name should end in .npz")
    loaded = load(spec, **options)
    try:
        experiment = Experiment(loaded)
    except SpecnetError:
        # If layers or loss do not fit the data, the data may show why.
        samples = load_data(loaded)
        _show_data(samples, transform(loaded, samples)[2])
        raise
    splits = _show_data(experiment.data, experiment.splits)
    if out is not None:
        arrays = {f"{split}_{name}": array for split, pair in splits.items() for name, array in pair.items()}
        write_file(out, lambda file: write_arrays(file, arrays))
        echo(f"\nwritten to {show_path(out)}")


def _show_data(data: Data, prepared: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray | Rows]]:
    """Show the prepared arrays of each split, and return them; then the columns and the classes of the data."""
    from specnet.cli.show import show_table
    from specnet.datasets.rows import pieces
    from specnet.functions import summarize

    splits = {name: {"inputs": each.inputs, "targets": each.targets} for name, each in prepared.items()}
    rows = []
    for split, arrays in splits.items():
        for name, array in arrays.items():
            found = summarize(pieces(array))
            numbers = [f"{value:.4g}" for value in (found.least, found.most, found.mean, found.std)]
            rows.append([split, name, len(array), array.shape[1:], array.dtype, *numbers])
    columns = ["split", "", "rows", "shape", "dtype", "min", "max", "mean", "std"]
    show_table(columns, rows, numbers=("rows", "min", "max", "mean", "std"))
    _show_columns(data)
    _show_classes(data)
    return splits


def _show_columns(data: Data) -> None:
    """Show each input column of a table as it is in the file, before transforms."""
    import numpy as np

    from specnet.cli.show import show_table
    from specnet.datasets.base import Samples

    features, samples = data.input_features, data.train
    if not features or len(features) > MAX_COLUMNS or not isinstance(samples, Samples):
        return
    rows = []
    for feature, x in zip(features, np.moveaxis(samples.inputs, -1, 0), strict=True):
        known = x[~np.isnan(x)]
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = [f"{f(known):.4g}" if known.size else "" for f in (np.min, np.max, np.mean, np.std)]
        rows.append([feature.name, feature.kind, x.size - known.size, *numbers])
    echo()
    columns = ["column", "kind", "missing", "min", "max", "mean", "std"]
    show_table(columns, rows, numbers=columns[2:])


def _show_classes(data: Data) -> None:
    import numpy as np

    from specnet.cli.show import show_table
    from specnet.datasets.rows import pieces

    if not data.classes:
        return
    rows = [
        [number, name]
        + [sum(int(np.sum(piece == number)) for piece in pieces(samples.targets)) for samples in data.splits.values()]
        for number, name in enumerate(data.classes)
    ]
    echo()
    show_table(["class", "name", *data.splits], rows, numbers=("class", *data.splits))
