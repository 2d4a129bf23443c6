"""Commands of plugins: `specnet --help` lists them by their metadata, and only the one that is used is imported."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from specnet.words import printable

if TYPE_CHECKING:
    import click

    from specnet.registry import Entry

SECTION = re.compile(r"^\[specnet\.commands\]\s*\n([^\[]*)", re.MULTILINE)
POINT = re.compile(r"^([a-z][a-z0-9_]*)\s*=", re.MULTILINE)


def list_plugins() -> dict[str, str]:
    """Return the names of plugins' commands, and the distribution of each.

    Reads the files directly: `importlib.metadata` would add half of the time of `specnet --help`.
    """
    found: dict[str, list[str]] = {}
    for folder in dict.fromkeys(sys.path):
        for path in _metadata(folder or os.curdir):
            for section in SECTION.findall(_read(f"{path}/entry_points.txt")):
                for name in POINT.findall(section):
                    found.setdefault(name, []).append(_owner(path))
    return {name: printable(" and ".join(sorted(set(owners)))) for name, owners in sorted(found.items())}


def _metadata(folder: str) -> Iterator[str]:
    with suppress(OSError):  # an archive, or missing
        yield from (entry.path for entry in os.scandir(folder) if entry.name.endswith((".dist-info", ".egg-info")))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


def _owner(path: str) -> str:
    found = re.search(r"^Name: *(\S+)", _read(f"{path}/METADATA") or _read(f"{path}/PKG-INFO"), re.MULTILINE)
    return found[1] if found else "unknown"


def find_command(name: str) -> tuple[Entry, click.Command] | None:
    """Import and return the command that a plugin registers under a name, with its entry; None if there is none.

    Raises:
        ComponentError: if two plugins register it, or it cannot be used.
    """
    from specnet import registry

    if name not in registry.claims("commands"):
        return None
    from specnet.component import find_class

    command: click.Command = find_class("commands", name)
    return registry.find("commands", name), command
