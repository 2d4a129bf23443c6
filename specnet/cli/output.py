"""Output of commands. Standard output belongs to `echo`: what plugins print goes to standard error."""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO

import click

from specnet.cli.messages import coloured
from specnet.plugin_code import STRAY

_QUIET = "specnet.quiet"
_STDOUT = "specnet.stdout"


def claim_output(command: click.Command) -> None:
    """Give a command the option `--quiet`, and standard output while it runs."""
    option = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=lambda ctx, parameter, value: ctx.meta.update({_QUIET: value}),
        help="Print errors only.",
    )
    option(command)
    if (run := command.callback) is not None:

        @functools.wraps(run)
        def claiming(*arguments: Any, **options: Any) -> Any:
            with _claimed():
                return run(*arguments, **options)

        command.callback = claiming


@contextmanager
def _claimed() -> Iterator[None]:
    ctx, own = click.get_current_context(), sys.stdout
    with open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123
        others = nothing if is_quiet() or sys.stderr is None else STRAY
        ctx.meta[_STDOUT] = nothing if is_quiet() or own is None else own
        if is_quiet() and ctx.obj:
            os.dup2(nothing.fileno(), 1)
        with redirect_stdout(others):
            yield


def take_stdout() -> TextIO | None:
    """Let `sys.stdout` be a duplicate of standard output, which code of plugins cannot close; None if there is none.

    File descriptor 1, to which compiled code and child processes write, becomes that of standard error.
    """
    before = sys.stdout
    if not isinstance(before, io.TextIOWrapper) or sys.stderr is None:
        return None
    own = open(os.dup(before.fileno()), "w", encoding=before.encoding, errors=before.errors)  # noqa: PTH123, SIM115
    os.dup2(2, 1)
    sys.stdout = own
    return own


def return_stdout(own: TextIO | None) -> None:
    """Make file descriptor 1 standard output again, for the command of a plugin."""
    if own:
        os.dup2(own.fileno(), 1)


def stdout() -> TextIO:
    """Return the standard output of the command that runs."""
    stream: TextIO = click.get_current_context().meta[_STDOUT]
    return stream


def echo(message: Any = "", *, nl: bool = True, err: bool = False) -> None:
    """Print a message to standard output, or to standard error."""
    click.echo(coloured(message) if err else message, None if err else stdout(), nl, err)


def echo_json(value: Any) -> None:
    """Print JSON for programs, in UTF-8 whatever the terminal's encoding."""
    import json

    # A file name may contain bytes that are not Unicode; JSON escapes them.
    echo(json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def note(text: str, nl: bool = True) -> None:
    """Print a message that is not an error to standard error, unless the command is quiet."""
    if not is_quiet():
        echo(text, err=True, nl=nl)


def tell(*lines: str) -> None:
    """Print lines to standard error, also where no command runs."""
    with suppress(OSError, ValueError):  # a closed terminal does not change the exit code
        click.echo(coloured("\n".join(lines)), err=True)


def is_quiet() -> bool:
    """Return whether the command should print errors only."""
    return bool(click.get_current_context().meta.get(_QUIET))
