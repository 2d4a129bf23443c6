"""Arguments and options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

import click

from specnet.errors import Diagnostic, SpecError, SpecnetError, UsageError, printable, quote
from specnet.names import suggest

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.runs.run import Run
    from specnet.spec.model import Spec


class FilePath(click.Path):
    """A `pathlib.Path`; that module is imported only when there is one to make, as `--help` should not wait for it."""

    def coerce_path_result(self, value: str | os.PathLike[str]) -> Path:
        from pathlib import Path

        return Path(value)


class Group(click.Group):
    """A group that tells which of its commands may be meant by one that it does not have."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not (args[0].startswith("-") or ctx.resilient_parsing or self.get_command(ctx, args[0])):
            ctx.fail(f"there is no command {quote(args[0])}: {printable(self.suggest(args))}")
        return super().resolve_command(ctx, args)

    def suggest(self, args: list[str]) -> str:
        """Return what to type instead of these arguments."""
        return suggest(args[0], self.commands)


PATH = FilePath()


def _load_plugins(ctx: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]) -> None:
    """Run the files that `--plugin` names: what they register is found as if it was installed."""
    for path in paths:
        from specnet.local import load_file

        if not load_file(path):
            note(f'warning: {printable(str(path))} registers nothing: @specnet.register("layers", "…")')


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
    help="Set of kernels that computes: numpy by default, textbook for the definitions themselves, or a plugin's. "
    "A run keeps the set that it was made with.",
)
allow_kernels_option = click.option(
    "--allow-other-kernels",
    "allow",
    is_flag=True,
    help="Compute with another set of kernels than the run was made with.",
)
spec_argument = click.argument("spec", type=PATH)
strict_option = click.option(
    "--strict", is_flag=True, help="Refuse to go on with another NumPy, BLAS kernel or number of threads."
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="BLAS threads; by default as OPENBLAS_NUM_THREADS says, or one for small layers and more for large ones. "
    "A run that goes on keeps its number.",
)
report_option = click.option("--report/--no-report", default=True, help="Write report.html at the end; default: do.")


def _be_quiet(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    ctx.meta[QUIET] = value
    if value:
        ctx.with_resource(redirect_stdout(ctx.with_resource(open(os.devnull, "w", encoding="utf-8"))))  # noqa: PTH123, SIM115


quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_be_quiet,
    help="Print errors alone.",
)
QUIET = "specnet.quiet"


def is_quiet() -> bool:
    """Return whether the command that runs should print errors alone."""
    return bool(click.get_current_context().meta.get(QUIET))


def note(text: str, nl: bool = True) -> None:
    """Print to standard error what is no error, unless the command should be quiet."""
    if not is_quiet():
        click.echo(text, err=True, nl=nl)


run_argument = click.argument("run", metavar="RUN", type=PATH)
checkpoint_option = click.option(
    "--checkpoint", metavar="best|latest|STEP", default="best", show_default=True, help="Which checkpoint is used."
)


logger_option = click.option(
    "--logger",
    "loggers",
    metavar="NAME",
    multiple=True,
    help="Also send the history to this logger of an installed plugin; may be repeated.",
)


def build_loggers(names: tuple[str, ...]) -> list[Any]:
    """Return the loggers of these names.

    Raises:
        SpecnetError: if one is not installed, or broken.
    """
    from specnet.component import build

    return [build("loggers", name) for name in names]


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that takes a spec."""
    budget = click.option(
        "--memory-budget",
        "budget",
        metavar="BYTES",
        help="Memory that training may take, such as 2GB; by default what the machine has.",
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
    """Return a checked spec; its warnings are printed."""
    spec = read_spec(path, overrides, parse_bytes(budget), kernels)
    note(show_warnings(spec), nl=False)
    return spec


def load_run(directory: Path, checkpoint: str, kernels: str | None = None, allow: bool = False) -> Run:
    """Return a run; what is not as one would expect of it is printed."""
    import specnet

    run = specnet.load_run(directory, checkpoint, kernels, allow)
    if run.status != "finished":
        note(f"note: the status of this run is: {run.status}")
    for warning in run.warnings:
        note(f"warning: {printable(warning)}")
    return run


def read_spec(path: Path, overrides: tuple[str, ...], memory_budget: int | None, kernels: str | None = None) -> Spec:
    """Return a checked spec.

    Raises:
        SpecError: with every mistake that was found; if only the file's ending was left out, that is told.
    """
    import specnet

    if os.access(f"{path}.json", os.R_OK) and not os.access(path, os.F_OK):
        found = Diagnostic("file", "there is no such file", help=f'did you mean "{path}.json"?')
        raise SpecError([found], file=str(path))
    try:
        return specnet.load_spec(path, overrides, memory_budget, **({"kernels": kernels} if kernels else {}))
    except SpecError as error:
        raise _recall(error, path) from None


def _recall(error: SpecError, path: Path) -> SpecError:
    """Return the error with what to install, if a spec has been run with components that are gone."""
    from pathlib import Path

    from specnet.runs.manifest import read_manifest, recall
    from specnet.spec.document import read_document

    # The spec may lie in a run directory. In another file, mistakes in a component's fields are new ones.
    for run, codes in ((path.parent, None), (Path("runs") / path.stem, ("unknown-component", "broken-component"))):
        with suppress(SpecnetError, OSError):
            found = recall(error.diagnostics, read_document(path).value, read_manifest(run), run, codes)
            if found != error.diagnostics:
                return SpecError(found, file=error.file)
    return error


def show_warnings(spec: Spec) -> str:
    """Return a spec's warnings as text."""
    return "".join(f"{warning.render(spec.source)}\n\n" for warning in spec.warnings)


def parse_bytes(text: str | None) -> int | None:
    """Return the number of bytes that a text such as 2GB or 512MiB tells.

    Raises:
        UsageError: if it tells none.
    """
    from pydantic import ByteSize, TypeAdapter, ValidationError

    if text is None:
        return None
    try:
        return TypeAdapter(ByteSize).validate_python(text)
    except (ValidationError, OverflowError):
        raise UsageError(f"--memory-budget {text}: give bytes as in 500MB, 2GB or 2GiB") from None


def refuse_overwriting(output: Path, *read: Path) -> None:
    """Let no command write over a file that it reads.

    Raises:
        UsageError: if `output` is one of the files in `read`.
    """
    if output.exists() and any(path.exists() and output.samefile(path) for path in read):
        raise UsageError(f"{output} is what this command reads: it is not overwritten", help="give -o another name")


def echo_json(value: Any) -> None:
    """Print JSON, in UTF-8 whatever the terminal's encoding: it is read by programs."""
    import json

    # A file name may hold what is no Unicode; JSON writes such a surrogate as an escape.
    click.echo(json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace"))
