"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from specnet.spec.model import Spec


class FilePath(click.Path):
    """A `pathlib.Path`; that module is imported only when there is one to make, as `--help` should not wait for it."""

    def coerce_path_result(self, value: str | os.PathLike[str]) -> Path:
        from pathlib import Path

        return Path(value)


PATH = FilePath()
spec_argument = click.argument("spec", type=PATH)
run_argument = click.argument("run", metavar="RUN", type=PATH)
checkpoint_option = click.option(
    "--checkpoint", metavar="best|latest|STEP", default="best", show_default=True, help="Which checkpoint is used."
)


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
    return override(budget(command))


def load(path: Path, overrides: tuple[str, ...], budget: str | None) -> Spec:
    """Return a checked spec; its warnings are printed."""
    import specnet

    spec = specnet.load_spec(path, overrides, parse_bytes(budget))
    click.echo(show_warnings(spec), err=True, nl=False)
    return spec


def show_warnings(spec: Spec) -> str:
    """Return a spec's warnings as text."""
    return "".join(f"{warning.render(spec.source)}\n\n" for warning in spec.warnings)


def parse_bytes(text: str | None) -> int | None:
    """Return the number of bytes that a text such as 2GB or 512MiB tells.

    Raises:
        UsageError: if it tells none.
    """
    from pydantic import ByteSize, TypeAdapter, ValidationError

    from specnet.errors import UsageError

    if text is None:
        return None
    try:
        return TypeAdapter(ByteSize).validate_python(text)
    except (ValidationError, OverflowError):
        raise UsageError(f"--memory-budget {text}: give bytes as in 500MB, 2GB or 2GiB") from None
