"""Component names, resolved lazily through the entry points of installed distributions.

The registry knows no module path: built-ins are declared in this project's `pyproject.toml` like any plugin's in
its own. Only the entry point that a spec names is imported, so a broken plugin breaks nothing else.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TypeVar

import importlib_metadata

from specnet.distributions import (
    BUILTIN,
    extras,
    is_installed,
    pip_command,
    requirements,
    same_distribution,
    show_distribution,
    version,
)
from specnet.errors import AmbiguousComponentError, BrokenComponentError, UnknownComponentError, UsageError
from specnet.names import suggest
from specnet.plugin_code import find_line, importing
from specnet.words import describe_error, quote

_T = TypeVar("_T")
GROUPS = (
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "schedules",
    "initializers",
    "datasets",
    "transforms",
    "plots",
    "callbacks",
)
"""Groups named by specs. Group `layers` is the entry-point group `specnet.layers`."""

OTHER_GROUPS = ("commands", "loggers", "exporters", "kernels", "ranks")
"""Groups that specs do not name: commands, and components named by options."""

SINGULAR = {group: group.removesuffix("s") for group in (*GROUPS, *OTHER_GROUPS)}
SINGULAR |= {"losses": "loss", "kernels": "set of kernels", "ranks": "set of ranks"}
COMPONENT_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Entry:
    """One claim to a component name by one installed distribution."""

    group: str
    name: str
    target: str
    distribution: str
    version: str
    point: importlib_metadata.EntryPoint

    def __str__(self) -> str:
        return f'the {SINGULAR[self.group]} "{self.name}" of {self.owner}'

    @property
    def owner(self) -> str:
        """The distribution and its version."""
        return f"{self.distribution} {self.version}"

    @property
    def advice(self) -> str:
        """What to do if the component is broken."""
        help = pip_command("install --upgrade", self.distribution)
        return f"try another version, {help}; or remove the distribution" if help.startswith("pip") else help

    def load(self) -> object:
        """Import and return what the entry point names.

        Raises:
            BrokenComponentError: if the import fails for any reason, or if its distribution requires another version
                of specnet.
        """
        if self.distribution != BUILTIN and (wanted := unmet_requirement(self.point)):
            message = f"{self} requires specnet {wanted}, but this is specnet {version()}"
            raise BrokenComponentError(message, help=pip_command("install --upgrade", self.distribution))
        try:
            with nullcontext() if self.distribution == BUILTIN else importing(self):
                return self.point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # test libraries and compiled modules may raise others than `Exception`
            message = f"{self} cannot be imported: {describe_error(cause)}"
            raise BrokenComponentError(message, help=self.remedy(cause)) from cause

    def where(self, cause: BaseException) -> str:
        """Return the place in the component's source that an error comes from, to append to a method's name, or ""."""
        place = self.place_of(cause)
        return f" ({place})" if place else ""

    def place_of(self, cause: BaseException) -> str | None:
        """Return file and line of the component's source that an error comes from, or None."""
        if self.distribution == BUILTIN:
            return None
        try:
            spec = find_spec(self.target.partition(":")[0].partition(".")[0].strip())
        except (ImportError, ValueError):
            spec = None
        folders = spec.submodule_search_locations if spec else None
        own = tuple(f"{folder}{os.sep}" for folder in folders or ()) or (spec and spec.origin) or ()
        return find_line(cause, lambda file: file.startswith(own))

    def remedy(self, cause: BaseException) -> str:
        """Return what to type if the component fails for this cause."""
        missing = (cause.name or "").partition(".")[0] if isinstance(cause, ModuleNotFoundError) else ""
        if missing == BUILTIN:
            return f"it was made for another version of specnet: {pip_command('install --upgrade', self.distribution)}"
        if not missing.isidentifier() or missing == re.split(r"[.:]", self.target)[0].strip():
            correct = f"correct {place}, or " if (place := self.place_of(cause)) else ""
            return f"{correct}reinstall or remove the distribution {show_distribution(self.distribution)}"
        named = [name for name in requirements(self.distribution, optional=True) if same_distribution(name, missing)]
        if found := named[:1] or [name for name in requirements(self.distribution) if not is_installed(name)]:
            return f"pip install {' '.join(found)}"
        return f"pip install {missing}; {show_distribution(self.distribution)} needs it and does not declare it"


def unmet_requirement(point: importlib_metadata.EntryPoint) -> str | None:
    """Return which versions of specnet the distribution of an entry point requires, unless this is one of them."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import Version

    try:
        lines = point.dist.requires if point.dist else None
    except Exception:  # Metadata are missing or damaged.
        lines = None
    for line in lines or ():
        with suppress(InvalidRequirement):
            required = Requirement(line)
            applies = required.marker is None or required.marker.evaluate({"extra": ""})
            if same_distribution(required.name, BUILTIN) and applies:
                base = Version(version()).base_version  # a development version belongs to the edition it precedes
                if not required.specifier.contains(base, prereleases=True):
                    return str(required.specifier)
    return None


def entry_points() -> Iterator[importlib_metadata.EntryPoint]:
    """Yield every entry point in a group that begins with `specnet.`."""
    return (point for point in importlib_metadata.entry_points() if point.group.startswith(f"{BUILTIN}."))


@cache
def _claims() -> Mapping[str, Mapping[str, list[Entry]]]:
    """Return every claim to every name: one scan of the installed distributions per process, as it is slow."""
    claims: dict[str, dict[str, list[Entry]]] = {group: {} for group in SINGULAR}
    for point in entry_points():
        group = point.group.removeprefix(f"{BUILTIN}.")
        if group in claims and COMPONENT_NAME.fullmatch(point.name):
            entry = Entry(group, point.name, point.value, *owner_of(point), point)
            claims[group].setdefault(point.name, []).append(entry)
    return {group: _in_order(found) for group, found in claims.items()}


def _in_order(found: Mapping[str, list[Entry]]) -> dict[str, list[Entry]]:
    """Return claims by name, and of each name the entry that wins first."""
    return {
        name: sorted(entries, key=lambda entry: (entry.distribution != BUILTIN, entry.distribution))
        for name, entries in sorted(found.items())
    }


LOCAL_ENTRIES: dict[tuple[str, str], Entry] = {}
"""Entries registered by `specnet.register` in this process, by group and name."""


DEFINITIONS: dict[type, type] = {}
"""The definitions that kernels replace in this process, by kernel."""


def definition(cls: type[_T]) -> type[_T]:
    """Return the class that a spec names for a component of this class: the definition, if this is a kernel."""
    return DEFINITIONS.get(cls, cls)


def owner_of(point: importlib_metadata.EntryPoint) -> tuple[str, str]:
    """Return name and version of the distribution that declares an entry point, as far as they are known."""
    try:
        assert isinstance(point.dist, importlib_metadata.Distribution)
        return _name_and_version(point.dist)
    except Exception:  # Metadata are missing or damaged, as after an interrupted installation.
        return "unknown", "unknown"


@cache  # a distribution parses its metadata each time it is asked
def _name_and_version(distribution: importlib_metadata.Distribution) -> tuple[str, str]:
    return distribution.name, distribution.version


def claims(group: str) -> Mapping[str, list[Entry]]:
    """Return every claim to the names of a group, the winner first, or raise a UsageError if there is no such group."""
    if group not in SINGULAR:
        raise UsageError(f'there is no component group "{group}"', help=suggest(group, SINGULAR))
    found = _claims()[group]
    local = {name: entry for (_, name), entry in LOCAL_ENTRIES.items() if entry.group == group}
    if not local:
        return found
    return _in_order({**found, **{name: [*found.get(name, ()), entry] for name, entry in local.items()}})


def find(group: str, name: str) -> Entry:
    """Return the entry that a spec means by `name`; a built-in wins over every plugin that claims its name.

    Raises:
        UnknownComponentError: if nothing of that name is installed.
        AmbiguousComponentError: if two plugins register the name.
    """
    known = claims(group)
    if name not in known:
        plugin = extras().get(name)
        help = pip_command("install", plugin) if plugin and not is_installed(plugin) else suggest(name, known, group)
        raise UnknownComponentError(f"there is no {SINGULAR[group]} {quote(name)}", help=help)
    first, *others = known[name]
    if others and first.distribution != BUILTIN:
        owners = " and ".join(entry.owner for entry in known[name])
        removals = " or ".join(pip_command("uninstall", entry.distribution) for entry in known[name])
        raise AmbiguousComponentError(
            f'the {SINGULAR[group]} "{name}" is claimed by {owners}', help=f"keep one of them: {removals}"
        )
    return first


def name_of(group: str, cls: type) -> str:
    """Return the name under which a class, or the definition of a kernel, is registered; errors as of `entry_of`."""
    return entry_of(group, cls).name


def entry_of(group: str, cls: type) -> Entry:
    """Return the entry that registers a class: specnet's own, if a plugin registers the class under another name.

    A kernel has the entry of its definition.

    Raises:
        UnknownComponentError: if no installed distribution registers it.
    """
    cls = definition(cls)
    for entry in LOCAL_ENTRIES.values():
        if entry.group == group and entry.load() is cls:
            return entry
    target = f"{cls.__module__}:{cls.__qualname__}"
    entries = [entry for entry, *_ in claims(group).values()]
    for entry in entries:  # most classes are specnet's own, and found here in a tenth of the time
        if entry.target == target and entry.distribution == BUILTIN:
            return entry
    # A plugin may register a class under a module that re-exports it.
    found = [entry for entry in entries if entry.target == target or _imported(entry.target) is cls]
    if found:
        return min(found, key=lambda entry: entry.distribution != BUILTIN)
    raise UnknownComponentError(
        f"{cls.__module__}.{cls.__qualname__} is not registered",
        help=f'decorate it with @specnet.register("{group}", "…"), or declare it under '
        f'[project.entry-points."specnet.{group}"] of a distribution and install that',
    )


def _imported(target: str) -> object:
    """Return what an entry point names if its module is imported already, else None."""
    module, _, name = target.partition(":")
    return getattr(sys.modules.get(module), name, None)
