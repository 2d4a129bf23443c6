"""The exception family: every mistake a user can make ends in one of these, never in a traceback.

A `SpecnetError` knows what is wrong (`message`), where in the spec (`pointer`) and what to do about it
(`help`). Code that finds a mistake names the place relative to itself; each caller on the way up puts its own
place in front with `at`.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal, NamedTuple

from specnet.location import Location
from specnet.words import Pointer, json_pointer, printable, show_pointer

MAX_LINE = 120
"""Maximum number of characters shown of a line."""


class Diagnostic(NamedTuple):
    """One mistake: a stable code, a sentence, a place in the spec and what to type instead.

    A warning is about something that is allowed but probably not intended; it stops nothing.
    """

    code: str
    message: str
    pointer: Pointer = ()
    help: str | None = None
    location: Location | None = None
    severity: Literal["error", "warning"] = "error"

    def render(self, file: str | None = None, width: int | None = None) -> str:
        """Return the text to print; `file` is the spec's path, if its lines are unknown.

        The line of the spec is shortened to `width` columns.
        """
        title, path = f"{self.severity}[{self.code}]: {printable(self.message)}", show_pointer(self.pointer)
        help = printable(self.help or "")
        if self.location is None:
            place = printable(" at ".join(part for part in (file, path) if part))
            return "\n".join([title, *([f"  --> {place}"] if place else []), *([f"   = help: {help}"] if help else [])])
        margin = " " * len(str(self.location.line))
        room = MAX_LINE if width is None else min(MAX_LINE, max(width - len(f"{margin} | …"), 20))
        line, carets = self.location.underline(room)
        place = printable(f"{self.location} at {path}" if path else str(self.location))
        beside = len(carets) + len(self.help or "") <= room
        lines = [title, f"{margin}--> {place}", f"{margin} |", f"{self.location.line} | {line}"]
        lines.append(f"{margin} | {carets} {help if beside else ''}".rstrip())
        return "\n".join(lines if beside else [*lines, f"{margin} = help: {help}"])

    def to_json(self, file: str | None = None) -> dict[str, str | int | None]:
        """Return the same as a JSON value; line and column are null if unknown."""
        location = self.location
        return {
            "file": location.file if location else file,
            "line": location.line if location else None,
            "column": location.column if location else None,
            "pointer": json_pointer(self.pointer),
            "severity": self.severity,
            "code": self.code,
            "message": printable(self.message),
            "help": self.help and printable(self.help),
        }


def _pickled(error: BaseException, **changed: Any) -> tuple[Any, ...]:
    """Return what `__reduce__` does, for an error whose `args` are not those of its constructor."""
    return copyreg.__newobj__, (type(error), *error.args), vars(error) | changed  # type: ignore[attr-defined]


def _placed(location: Location | None, found: Diagnostic) -> Diagnostic:
    return found._replace(location=location)


class SpecnetError(Exception):
    """Base class of all errors; `exit_code` is that of the command line.

    `locate`, if set, finds the lines of the spec that pointers lead to. A pickle has only these lines.
    """

    code = "error"
    exit_code = 2

    def __init__(
        self, message: str, *, pointer: Pointer = (), help: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        if code:
            self.code = code
        self.message = message
        self.pointer = pointer
        self.help = help
        self.file: str | None = None
        self.locate: Callable[[Diagnostic], Diagnostic] | None = None
        self.complete = False
        """Whether message and pointer are already relative to the whole spec."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _pickled(self, locate=self.locate and partial(_placed, self.diagnostics[0].location))

    def at(self, *prefix: str | int) -> SpecnetError:
        """Return this error with `prefix` put in front of its pointer."""
        self.pointer = (*prefix, *self.pointer)
        return self

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All mistakes in this error."""
        return [self.locate(found) if self.locate else found for found in self._found()]

    def _found(self) -> list[Diagnostic]:
        return [Diagnostic(self.code, self.message, self.pointer, self.help)]

    def __str__(self) -> str:
        return self.render()

    def render(self, width: int | None = None) -> str:
        """Return the text to print; `width` as in `Diagnostic.render`."""
        found = self.diagnostics
        more = [f"… and {len(found) - MAX_SHOWN} more"] if len(found) > MAX_SHOWN else []
        return "\n\n".join([*(diagnostic.render(self.file, width) for diagnostic in found[:MAX_SHOWN]), *more])


MAX_SHOWN = 100
"""Number of mistakes that are shown one by one; the rest is counted."""


class SpecError(SpecnetError):
    """The spec is wrong; contains every mistake that was found in it."""

    code = "spec"

    def __init__(self, diagnostics: Iterable[Diagnostic], *, file: str | None = None) -> None:
        self._diagnostics = list(diagnostics)
        super().__init__(self._diagnostics[0].message)
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return _pickled(self, locate=None, pointer=(), _diagnostics=self.diagnostics)

    def _found(self) -> list[Diagnostic]:
        return [found._replace(pointer=(*self.pointer, *found.pointer)) for found in self._diagnostics]


class UsageError(SpecnetError):
    """A command or function got a wrong argument or asked for something that does not exist."""

    code = "usage"


class BusyError(UsageError):
    """Another process writes to the run directory."""

    code = "busy"


class PluginError(SpecnetError):
    """A local file that registers components raises an error."""

    code = "plugin"


class ShapeError(SpecnetError):
    """Shapes do not fit each other."""

    code = "shape"


class DataError(SpecnetError):
    """Data cannot be read, or are not what the spec says.

    If a `row` of an array is wrong, `{place}` in the message stands for it, and is replaced by where it comes from.
    """

    code = "data"

    def __init__(self, message: str, *, row: int | None = None, pointer: Pointer = (), help: str | None = None) -> None:
        super().__init__(message, pointer=pointer, help=help)
        self.row = row
        self.rename(message)

    def rename(self, message: str) -> None:
        """Set the message."""
        self._text = self.message = message
        if self.row is not None:
            self.name_row(self.row, f"row {self.row}")

    def name_row(self, row: int, place: str) -> None:
        """Set which row is wrong, and how the message names it."""
        self.row = row
        self.message = self._text.replace("{place}", place)


class WeightsError(SpecnetError):
    """Pretrained weights cannot be read, or do not fit the network."""

    code = "pretrained"


class AmbiguousTaskError(SpecnetError):
    """Dataset and loss leave two tasks possible."""

    code = "ambiguous-task"


class PlotError(SpecnetError):
    """A plot cannot show this kind of problem."""

    code = "plot"


class ExportError(SpecnetError):
    """A network cannot be written for a target, or computes something else there."""

    code = "export"


class ComponentError(SpecnetError):
    """A component's name cannot be resolved."""

    code = "component"


class UnknownComponentError(ComponentError):
    """No installed distribution registers this name."""

    code = "unknown-component"


class AmbiguousComponentError(ComponentError):
    """Several distributions register this name."""

    code = "ambiguous-component"


class BrokenComponentError(ComponentError):
    """The component of this name cannot be used."""

    code = "broken-component"


class RunError(SpecnetError):
    """A run directory or a checkpoint cannot be trusted."""

    code = "run"
    exit_code = 3


class DivergenceError(SpecnetError):
    """Training met a number that is not finite."""

    code = "divergence"
    exit_code = 4


class RequirementError(SpecnetError):
    """A result is not as good as required."""

    code = "requirement"
    exit_code = 5


class Interrupted(KeyboardInterrupt):
    """A signal has ended a run.

    It is a `KeyboardInterrupt`: a loop that continues after the errors of one run ends after this.
    """

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"stopped by {name}")
        self.exit_code = 128 + number

    def __reduce__(self) -> tuple[Any, ...]:
        return _pickled(self)
