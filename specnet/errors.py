"""The exception family: every mistake a user can make ends in one of these, never in a traceback.

A `SpecnetError` knows what is wrong (`message`), where in the spec (`pointer`) and what to do about it
(`help`). Code that finds a mistake names the place relative to itself; each caller on the way up puts its own
place in front with `at`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

Pointer = tuple[str | int, ...]


@dataclass(frozen=True)
class Diagnostic:
    """One mistake: a stable code, a sentence, a place in the spec and what to type instead."""

    code: str
    message: str
    pointer: Pointer = ()
    help: str | None = None

    def render(self, file: str | None = None) -> str:
        """Return the text that is shown to a person; `file` is the spec's path where there is one."""
        place = " at ".join(part for part in (file, show_pointer(self.pointer)) if part)
        lines = [f"error[{self.code}]: {self.message}"]
        if place:
            lines.append(f"  --> {place}")
        if self.help:
            lines.append(f"   = help: {self.help}")
        return "\n".join(lines)


class SpecnetError(Exception):
    """Base of all errors; `exit_code` is what the command line ends with."""

    code = "error"
    exit_code = 2

    def __init__(self, message: str, *, pointer: Pointer = (), help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer
        self.help = help
        self.file: str | None = None

    def at(self, *prefix: str | int) -> SpecnetError:
        """Return this error with `prefix` put in front of its pointer."""
        self.pointer = (*prefix, *self.pointer)
        return self

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All mistakes this error stands for."""
        return [Diagnostic(self.code, self.message, self.pointer, self.help)]

    def __str__(self) -> str:
        return "\n\n".join(diagnostic.render(self.file) for diagnostic in self.diagnostics)


class SpecError(SpecnetError):
    """The spec is wrong; holds every mistake that was found in it."""

    code = "spec"

    def __init__(self, diagnostics: Iterable[Diagnostic], *, file: str | None = None) -> None:
        self._diagnostics = list(diagnostics)
        super().__init__(self._diagnostics[0].message)
        self.file = file

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All mistakes found, in the order of the spec."""
        return [
            Diagnostic(found.code, found.message, (*self.pointer, *found.pointer), found.help)
            for found in self._diagnostics
        ]


class UsageError(SpecnetError):
    """A command or function was asked for something that does not exist."""

    code = "usage"


class ShapeError(SpecnetError):
    """Shapes do not fit each other."""

    code = "shape"


class DataError(SpecnetError):
    """Data cannot be read, or are not what the spec says."""

    code = "data"


class PlotError(SpecnetError):
    """A plot cannot show this kind of problem."""

    code = "plot"


class ComponentError(SpecnetError):
    """A component's name cannot be resolved."""

    code = "component"


class UnknownComponentError(ComponentError):
    """No installed distribution offers this name."""

    code = "unknown-component"


class AmbiguousComponentError(ComponentError):
    """Several distributions claim this name."""

    code = "ambiguous-component"


class BrokenComponentError(ComponentError):
    """The distribution that offers this name fails to deliver it."""

    code = "broken-component"


class RunError(SpecnetError):
    """A run directory or a checkpoint cannot be trusted."""

    code = "run"
    exit_code = 3


class DivergenceError(SpecnetError):
    """Training met a number that is not finite."""

    code = "divergence"
    exit_code = 4


def show_pointer(pointer: Pointer) -> str:
    """Return a pointer as one writes it, `layers[2].units`.

    >>> show_pointer(("layers", 2, "units"))
    'layers[2].units'
    """
    text = ""
    for part in pointer:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def json_pointer(pointer: Pointer) -> str:
    """Return a pointer as RFC 6901 writes it, `/layers/2/units`.

    >>> json_pointer(("layers", 2, "a/b"))
    '/layers/2/a~1b'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in pointer)


def os_reason(error: OSError) -> str:
    """Return why a file cannot be opened, read or written, in words."""
    return "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)


def suggest(name: str, known: Iterable[str]) -> str:
    """Return what to type instead of `name`: the nearest of the known names, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"one of: {', '.join(names)}" if names else "there is none"
