"""Output of commands. Standard output belongs to `echo`: what plugins print goes to standard error."""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, cast

import click

from specnet.cli.messages import coloured
from specnet.plugin_code import STRAY

_QUIET = "specnet.quiet"
_STDOUT = "specnet.stdout"
_HIGH = 500
"""Least number of the file descriptor that standard output gets."""
_taken: dict[TextIO, os.stat_result] = {}
"""What the duplicates of standard output lead to."""


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
    """Replace `sys.stdout` by a duplicate that plugins do not close by accident; None if there is no output.

    File descriptor 1, to which compiled code and child processes write, then leads to standard error.
    """
    before = sys.stdout
    if not isinstance(before, io.TextIOWrapper) or sys.stderr is None:
        return None
    own = open(_duplicate(before.fileno()), "w", encoding=before.encoding, errors=before.errors)  # noqa: SIM115
    _taken[own] = os.fstat(own.fileno())
    os.dup2(2, 1)
    sys.stdout = own
    return own


def _duplicate(number: int) -> int:
    """Return a duplicate of a file descriptor, where possible with a number that nobody closes by accident."""
    try:
        import fcntl

        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except (ImportError, OSError):
        return os.dup(number)


def is_lost(own: TextIO | None) -> bool:
    """Return whether other code has closed the file descriptor that `take_stdout` made."""
    if own not in _taken:
        return False
    try:
        return not os.path.samestat(os.fstat(own.fileno()), _taken[own])
    except OSError:
        return True


def give_up(stream: TextIO) -> None:
    """Discard what is written to a stream from now on, as nobody reads it."""
    _taken.pop(stream, None)
    with suppress(OSError), open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), stream.fileno())


def drop_unwritten() -> None:
    """Flush standard output. If that fails, discard what is left: the command has already reported the error."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            give_up(sys.stdout)
        except ValueError:  # closed
            pass


def return_stdout(own: TextIO | None) -> None:
    """Make file descriptor 1 standard output again, for the command of a plugin."""
    if own:
        os.dup2(own.fileno(), 1)


def stdout() -> TextIO:
    """Return the standard output of the command that runs; Python's own in a program that is not one of specnet's."""
    context = click.get_current_context(silent=True)
    return cast(TextIO, sys.stdout if context is None else context.meta.get(_STDOUT, sys.stdout))


def echo(message: Any = "", *, nl: bool = True, err: bool = False) -> None:
    """Print a message to standard output, or to standard error."""
    if err:
        tell(message, nl=nl)
    else:
        click.echo(message, stdout(), nl)


def echo_json(value: Any, indent: int | None = 2) -> None:
    """Print JSON for programs, in UTF-8 whatever the terminal's encoding; without `indent` on one line."""
    import json

    # A file name may contain bytes that are not Unicode; JSON escapes them.
    echo(json.dumps(value, indent=indent, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def note(text: str, nl: bool = True) -> None:
    """Print a message that is not an error to standard error, unless the command is quiet."""
    if not is_quiet():
        echo(text, err=True, nl=nl)


def tell(*lines: str, nl: bool = True) -> None:
    """Print lines to standard error, also where no command runs. That nobody reads them changes no exit code."""
    with suppress(OSError, ValueError):
        click.echo(coloured("\n".join(lines)), err=True, nl=nl)


def be_quiet() -> None:
    """Print errors only from now on."""
    click.get_current_context().meta[_QUIET] = True


def is_quiet() -> bool:
    """Return whether the command should print errors only."""
    return bool(click.get_current_context().meta.get(_QUIET))
