"""The outcome of a check, and the error that lists every failed check."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from textwrap import indent
from typing import NamedTuple

from specnet.errors import BrokenComponentError, SpecnetError
from specnet.words import printable, show_pointer

SHOWN = 3
"""Number of problems reported for one check."""
NOT_ITS_OWN = ("specnet.testing", "numpy", "pydantic")
"""Modules that never contain a component's mistake."""


class Outcome(NamedTuple):
    """One check of a component: what should hold and, if it does not, why.

    A passed check with a reason could not run, or suggests an improvement.
    """

    check: str
    passed: bool
    reason: str = ""


class ConformanceError(AssertionError):
    """A component breaks its contract; `outcomes` are the checks that failed."""

    def __init__(self, name: str, outcomes: Sequence[Outcome]) -> None:
        self.name = name
        self.outcomes = list(outcomes)
        lines = [f"- {outcome.check}:\n{indent(outcome.reason, '    ')}" for outcome in outcomes]
        count = f"{len(lines)} of its checks fail" if len(lines) > 1 else "a check fails"
        super().__init__("\n".join([f"{name}: {count}", *lines]))


def concluded(check: str, problems: Sequence[str]) -> Outcome:
    """Return the outcome of a check that found these problems."""
    more = [f"… and {len(problems) - SHOWN} more problems"] if len(problems) > SHOWN else []
    return Outcome(check, not problems, "\n".join([*problems[:SHOWN], *more]))


def show_error(error: BaseException) -> str:
    """Return the error in words, with the line of the component that raised it."""
    if isinstance(error, BrokenComponentError):
        return f"raises an error: {error.message}"
    if isinstance(error, SpecnetError):
        found = error.diagnostics[0]
        at = f" at {show_pointer(found.pointer)}" if found.pointer else ""
        text = f"{type(error).__name__}{at}: {found.message}"
    else:
        text = f"{type(error).__name__}: {error}".rstrip(": ")
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    frames = [
        f", in {_file(module, frame.f_code.co_filename)}, line {line}, in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(cause.__traceback__)
        if not (module := str(frame.f_globals.get("__name__", ""))).startswith(NOT_ITS_OWN)
    ]
    return f"raises {text}{frames[-1] if frames else ''}"


def _file(module: str, path: str) -> str:
    """Return the name of a module, or the path of a file that `--plugin` names, whose module has a made-up name."""
    return printable(path) if module.startswith("specnet.local.") else module


def demand(name: str, found: Iterable[Outcome]) -> None:
    """Return if all outcomes are good.

    Raises:
        ConformanceError: listing those that are not.
    """
    failed = [outcome for outcome in found if not outcome.passed]
    if failed:
        raise ConformanceError(name, failed)
