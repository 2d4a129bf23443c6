"""Code of plugins runs inside these: what it prints, where it changes to, how long its import takes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, cast

from specnet.words import printable

SLOW = 5.0
"""Seconds that an import may take before a message names it."""


@contextmanager
def staying() -> Iterator[None]:
    """Restore the working directory after a block that may change it: paths of a run are relative to it."""
    before = working_directory()
    try:
        yield
    finally:
        return_to(before)


def working_directory() -> str | None:
    """Return the working directory; None if it was deleted."""
    with suppress(FileNotFoundError):
        return os.getcwd()  # noqa: PTH109
    return None


def return_to(folder: str | None) -> None:
    """Make an earlier working directory that of the process again."""
    if folder and working_directory() != folder:
        os.chdir(folder)


class _Stray:
    """Standard error, but closing it has no effect."""

    def close(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


STRAY = cast(TextIO, _Stray())
"""Where output of plugins goes, as it is not part of a command's output."""


def find_line(cause: BaseException, belongs: Callable[[str], bool]) -> str | None:
    """Return the innermost line that raised an error, or called what did, as FILE:LINE in a file that belongs."""
    from traceback import walk_tb  # takes some time, and errors are rare

    place = None
    for frame, line in walk_tb(cause.__traceback__):
        if belongs(file := frame.f_code.co_filename):
            place = f"{printable(file)}:{line}"
    if isinstance(cause, SyntaxError) and cause.filename and belongs(cause.filename):
        place = f"{printable(cause.filename)}:{cause.lineno}"
    return place


@contextmanager
def importing(what: object) -> Iterator[None]:
    """Import code of a plugin inside this `with`; if it takes long, or is interrupted, a message says what it is."""
    timer = threading.Timer(SLOW, _name, [what])
    timer.daemon = True
    timer.start()
    try:
        with staying(), redirect_stdout(STRAY):
            yield
    except KeyboardInterrupt as error:
        error.add_note(f"this was during the import of {what}")
        raise
    finally:
        timer.cancel()


def _name(what: object) -> None:
    with suppress(OSError, ValueError):  # closed
        sys.stderr.write(f"note: the import of {what} takes long; Ctrl-C ends it\n")
