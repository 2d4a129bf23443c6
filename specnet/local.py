"""Components of local files: `register`, and the files that `--plugin` names.

A class that `register` decorates is a component of its group in this process, as if a distribution had registered it.
Specs name it like any other; they never name the file.
"""

from __future__ import annotations

import hashlib
import importlib.abc
import linecache
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from importlib_metadata import EntryPoint

from specnet import registry
from specnet.component import check_class
from specnet.distributions import BUILTIN
from specnet.errors import ComponentError, PluginError, SpecnetError, UsageError
from specnet.location import Location
from specnet.plugin_code import find_line, importing
from specnet.words import describe_error, os_reason, printable, quote

__path__: list[str] = []
"""Modules of plugin files are called `specnet.local.NAME_DIGEST`; they are not importable from disk."""


@dataclass(frozen=True)
class LocalFile:
    """A file or notebook cell that registers components, as it was when it ran."""

    path: str
    content: bytes

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of its content in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def name(self) -> str:
        """Its name without folders, with only characters that are safe in a command."""
        return re.sub(r"[^\w.-]", "_", Path(self.path).name.removesuffix(".py"), flags=re.ASCII).lstrip("-.") + ".py"


@dataclass(frozen=True)
class LocalEntry(registry.Entry):
    """The entry of a class that `register` decorates."""

    cls: type
    file: LocalFile
    line: int

    @property
    def place(self) -> str:
        """Where the class is registered: file and line."""
        return f"{self.owner}:{self.line}"

    @property
    def owner(self) -> str:
        return printable(self.file.path)

    @property
    def advice(self) -> str:
        return f"correct {self.owner}"

    def load(self) -> object:
        return self.cls

    def remedy(self, cause: BaseException) -> str:
        if isinstance(cause, ModuleNotFoundError) and (cause.name or "").isidentifier():
            return f"pip install {cause.name}"
        return self.advice

    def place_of(self, cause: BaseException) -> str | None:
        return find_line(cause, lambda file: file == self.file.path)


_C = TypeVar("_C", bound=type)


def register(group: str, name: str) -> Callable[[_C], _C]:
    """Return a decorator that makes a class the component `name` of a group, in this process.

        @specnet.register("layers", "cube")
        class Cube(specnet.Layer): ...

    A run keeps a copy of the file with the class, and its SHA-256. In a notebook, a cell may be run again.

    Raises:
        UsageError: if there is no such group, or the name is invalid.
        ComponentError: if the class is not a component of that group, or something else has the name.
    """
    frame = sys._getframe(1)
    path, line = frame.f_code.co_filename, frame.f_lineno

    def decorate(cls: _C) -> _C:
        if not registry.COMPONENT_NAME.fullmatch(name):
            help = "use lowercase letters, digits and _, a letter first"
            raise UsageError(f"{quote(name)} is not a valid component name", help=help)
        if group == "commands":
            raise UsageError("a local file cannot add a command", help="declare it in a distribution")
        module, qualname = getattr(cls, "__module__", ""), getattr(cls, "__qualname__", "")
        point = EntryPoint(name, f"{module}:{qualname}", f"{BUILTIN}.{group}")
        claims = registry.claims(group).get(name, [])
        if any(not isinstance(claim, LocalEntry) and claim.target == point.value for claim in claims):
            return cls  # the module of a distribution that declares it as well
        file = LocalFile(path, _content(path))
        version = f"(sha256 {file.digest[:12]})"
        target = f"{printable(path)}:{qualname}"
        entry = LocalEntry(group, name, target, file.name, version, point, cls, file, line)
        for claim in claims:
            if not (isinstance(claim, LocalEntry) and _is_same(claim.cls, cls)):
                other = claim.place if isinstance(claim, LocalEntry) else claim.owner
                message = f"{entry.place} registers the {registry.SINGULAR[group]} {quote(name)}, a name of {other}"
                raise ComponentError(message, help="give it another name")
        check_class(entry, cls)
        registry.LOCAL_ENTRIES[group, name] = entry
        return cls

    return decorate


def _is_same(before: type, now: type) -> bool:
    """Return whether a class replaces another: its module was reloaded, or it is from a notebook cell."""
    if before.__module__ == now.__module__ == "__main__" and not hasattr(sys.modules["__main__"], "__file__"):
        return True
    return (before.__module__, before.__qualname__) == (now.__module__, now.__qualname__)


def _content(path: str) -> bytes:
    """Return the source text of a module or a cell; empty if unknown, as at the interactive prompt."""
    if path in _RUN:
        return _RUN[path]
    if Path(path).is_file():
        return Path(path).read_bytes()
    return "".join(linecache.getlines(path)).encode()


_RUN: dict[str, bytes] = {}
"""The executed content of plugin files, by path."""


def load_file(path: Path) -> list[registry.Entry]:
    """Run a plugin file and return the entries that it registers.

    Its output goes to standard error. A file is only run once.

    Raises:
        UsageError: if it cannot be read.
        PluginError: for any exception it raises, with file and line.
    """
    if not path.is_file():
        reason = "is not a file" if path.exists() else "there is no such file"
        help = "--plugin takes a Python file; installed distributions are found without it"
        raise UsageError(f"--plugin {path}: {reason}", help=help)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--plugin {path}: {os_reason(error)}") from error
    stem, digest = re.sub(r"\W", "_", path.stem), hashlib.sha256(content).hexdigest()
    name = f"{__name__}.{stem}_{digest[:12]}"
    if getattr(sys.modules.get(name), "__file__", None) != str(path.absolute()):
        _run(path, name, content)
    return [entry for entry in registry.LOCAL_ENTRIES.values() if getattr(entry.load(), "__module__", None) == name]


def _run(path: Path, name: str, content: bytes) -> None:
    before = dict(registry.LOCAL_ENTRIES)
    module = ModuleType(name)
    module.__file__ = str(path.absolute())
    _RUN[str(path)] = content
    sys.modules[name] = module  # where pydantic and pickle look up names of a class
    try:
        with importing(f"the file {printable(str(path))}"):
            exec(compile(content, str(path), "exec", dont_inherit=True), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as cause:
        del sys.modules[name]
        registry.LOCAL_ENTRIES.clear()
        registry.LOCAL_ENTRIES.update(before)
        raise _located(path, content, cause) from cause


def _located(path: Path, content: bytes, cause: BaseException) -> PluginError:
    """Return the error of a plugin file with its line."""
    message = cause.message if isinstance(cause, SpecnetError) else describe_error(cause).partition("\n")[0]
    missing = cause.name if isinstance(cause, ModuleNotFoundError) and (cause.name or "").isidentifier() else None
    help = cause.help if isinstance(cause, SpecnetError) else f"pip install {missing}" if missing else None
    error = PluginError(message, help=help)
    error.file = str(path)
    if found := find_line(cause, lambda file: file == str(path)):
        line = int(found.rpartition(":")[2])
        text = [*content.decode(errors="replace").splitlines(), ""][line - 1 : line]
        shown = text[0] if text else ""
        column = len(shown) - len(shown.lstrip()) + 1
        place = Location(str(path), line, column, shown, max(1, len(shown.strip())))
        error.locate = lambda found: found._replace(location=place)
    return error


class _Unloaded(importlib.abc.MetaPathFinder):
    """Explains why a class of a plugin file cannot be unpickled in a process that has not loaded the file."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname.startswith(f"{__name__}."):
            message = f"{fullname} is a local file that this process has not loaded: name it with --plugin"
            raise ModuleNotFoundError(message, name=fullname)


sys.meta_path.append(_Unloaded())
