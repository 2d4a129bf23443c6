"""Arguments and options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import click

from specnet.cli.messages import terminal_width
from specnet.cli.output import note
from specnet.errors import Diagnostic, SpecError, SpecnetError, UsageError
from specnet.words import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from specnet.runs.bundle import Bundle
    from specnet.runs.run import Run
    from specnet.spec.model import Spec
    from specnet.studies.ensemble import Ensemble


class FilePath(click.Path):
    """A `pathlib.Path`; the module is imported only when needed, to keep `--help` fast."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if not os.fspath(value):  # for pathlib, the working directory
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)

    def coerce_path_result(self, value: str | os.PathLike[str]) -> Path:
        from pathlib import Path

        path = Path(value)
        return path.expanduser() if path.parts[:1] == ("~",) else path  # a shell leaves the ~ of --out=~/mine


PATH = FilePath()


def refuse_existing(path: str | os.PathLike[str]) -> None:
    """Raise a UsageError if there is a file or folder of this name."""
    if os.path.lexists(path):
        raise UsageError(f"{path} already exists", help="choose another name, or remove it")


def out_option(help: str) -> Callable[..., Any]:
    """Return the option that names what a command writes, which must not exist."""

    def check(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
        if path is not None:
            refuse_existing(path)
        return path

    return click.option("-o", "--out", type=PATH, callback=check, help=help)


def _load_plugins(ctx: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]) -> None:
    """Run the files that `--plugin` names: what they register is found as if it were installed."""
    for path in paths:
        from specnet.local import load_file

        if not load_file(path):
            help = 'decorate a class with @specnet.register("layers", "…")'
            note(f"warning: {printable(str(path))} registers nothing: {help}")


plugin_option = click.option(
    "--plugin",
    "plugins",
    type=PATH,
    metavar="FILE.py",
    multiple=True,
    expose_value=False,
    callback=_load_plugins,
    help="Add the components that a Python file registers; may be repeated.",
)
kernels_option = click.option(
    "--kernels",
    metavar="NAME",
    help="Set of kernels to compute with: numpy by default, textbook for the definitions themselves, or a plugin's. "
    "A resumed run uses the same set.",
)
allow_kernels_option = click.option(
    "--allow-other-kernels",
    "allow",
    is_flag=True,
    help="Allow a set of kernels that differs from the run's.",
)
spec_argument = click.argument("spec", type=PATH)
run_argument = click.argument("run", metavar="RUN", type=PATH)
model_argument = click.argument("run", metavar="RUN|BUNDLE|GROUP|SWEEP", type=PATH)
checkpoint_option = click.option(
    "--checkpoint", metavar="best|latest|STEP", default="best", show_default=True, help="Checkpoint to use."
)


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that open a trained model, as `open_model` takes them."""
    return checkpoint_option(kernels_option(allow_kernels_option(command)))


def build_loggers(names: tuple[str, ...]) -> list[Any]:
    """Return the loggers of these names or JSON texts, or raise a SpecnetError if one is broken or named twice."""
    from specnet.component import build
    from specnet.spec.parse import parse_component

    made = [parse_component("loggers", name) if name.startswith("{") else build("loggers", name) for name in names]
    types = [logger.to_spec()["type"] for logger in made]
    if twice := [name for name in types if types.count(name) > 1]:
        raise UsageError(f"the logger {twice[0]} is named twice", help="it would write each epoch twice")
    return made


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that takes a spec."""
    budget = click.option(
        "--memory-budget",
        "budget",
        metavar="BYTES",
        help="Memory that training may use, such as 2GB; by default, all memory of the machine.",
    )
    override = click.option(
        "--set",
        "overrides",
        metavar="PATH=VALUE",
        multiple=True,
        help="Override a value of the spec, such as training.epochs=20 or layers.0.units=8; may be repeated.",
    )
    return override(budget(plugin_option(command)))


def load(path: Path, overrides: tuple[str, ...], budget: str | None, kernels: str | None = None) -> Spec:
    """Return a checked spec, after printing its warnings."""
    spec = load_silently(path, overrides, parse_bytes(budget), kernels)
    note(show_warnings(spec), nl=False)
    return spec


where_option = click.option(
    "--where",
    multiple=True,
    metavar="NAME=VALUE",
    help="Show only rows that meet a condition, with =, !=, <, <=, > or >=; may be repeated.",
)
sort_option = click.option(
    "--sort", "order", metavar="NAME", help="Sort by this value, smallest first; -NAME: largest first."
)


def format_option(*others: str) -> Callable[..., Any]:
    """Return the option that says how results are printed: as JSON, or by default as the first of `others`."""
    names = [*(others or ("text",)), "json"]
    return click.option("--format", "form", type=click.Choice(names), default=names[0], help="Format of the output.")


def open_run(directory: Path, checkpoint: str, kernels: str | None = None, allow: bool = False) -> Run:
    """Return a run, after printing its status if unfinished, and its warnings."""
    import specnet

    run = specnet.load_run(directory, checkpoint, kernels, allow)
    _show_state(run)
    return run


def open_model(path: Path, checkpoint: str, kernels: str | None = None, allow: bool = False) -> Run | Bundle | Ensemble:
    """Return a run, a bundle or the runs of a group together, after printing the same."""
    import specnet

    model: Run | Bundle | Ensemble
    if path.is_dir() and not (path / "manifest.json").exists() and _is_group(path):
        from specnet.studies.ensemble import open_ensemble

        if checkpoint != "best":
            raise UsageError(f"{path} is a group, and always uses its best checkpoints", help="name one of its runs")
        model = open_ensemble(path)
    else:
        model = specnet.load_model(path, checkpoint, kernels, allow)
    _show_state(model)
    return model


def _is_group(path: Path) -> bool:
    from specnet.studies.summary import find_doubt, is_group, is_sweep

    return is_group(path) or is_sweep(path) or find_doubt(path) is not None


def as_group(model: Any) -> Ensemble | None:
    """Return a model if it is the runs of a group; None of a run or a bundle, without importing groups."""
    return cast("Ensemble", model) if hasattr(model, "members") else None


def _show_state(model: Run | Bundle | Ensemble) -> None:
    if (status := getattr(model, "status", "finished")) != "finished":
        note(f"note: the status of this run is: {status}")
    for warning in model.warnings:
        note(f"warning: {printable(warning)}")


def load_silently(
    path: Path, overrides: tuple[str, ...], memory_budget: int | None, kernels: str | None = None
) -> Spec:
    """Return a checked spec, or raise a SpecError with every mistake, or a hint if only the extension is missing."""
    import specnet

    if os.access(f"{path}.json", os.R_OK) and not os.access(path, os.F_OK):
        found = Diagnostic("file", "there is no such file", help=f'did you mean "{path}.json"?')
        raise SpecError([found], file=str(path))
    try:
        return specnet.load_spec(path, overrides, memory_budget, **({"kernels": kernels} if kernels else {}))
    except SpecError as error:
        raise _recall(error, path) from None


def _recall(error: SpecError, path: Path) -> SpecError:
    """Return the error, saying what to install if a run's components are no longer installed."""
    from pathlib import Path

    from specnet.runs.provenance.components import recall
    from specnet.runs.provenance.manifest import read_manifest
    from specnet.spec.document import read_document

    # The spec may be in a run directory. In another file, mistakes in a component's fields are new ones.
    for run, codes in ((path.parent, None), (Path("runs") / path.stem, ("unknown-component", "broken-component"))):
        with suppress(SpecnetError, OSError):
            found = recall(error.diagnostics, read_document(path).value, read_manifest(run), run, codes)
            if found != error.diagnostics:
                return SpecError(found, file=error.file)
    return error


def show_warnings(spec: Spec, further: Sequence[Diagnostic] = ()) -> str:
    """Return a spec's warnings, and further ones, as text."""
    warnings = (*spec.warnings, *further)
    return "".join(f"{warning.render(spec.source, terminal_width())}\n\n" for warning in warnings)


def parse_bytes(text: str | None) -> int | None:
    """Return the number of bytes in a text such as 2GB or 512MiB, or raise a UsageError if it is not one."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    if text is None:
        return None
    try:
        return TypeAdapter(ByteSize).validate_python(text)
    except (ValidationError, OverflowError):
        raise UsageError(f"--memory-budget {text}: expected bytes, as in 500MB, 2GB or 2GiB") from None
