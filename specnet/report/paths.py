"""Paths as a page shows them: relative to the run, since pages are mailed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specnet.report.base import Reported

ABSOLUTE = r"""(?<![\w/.:~-])(?:/|[A-Za-z]:\\)[^\s:"',;()]*[^\s:"',;().]"""
"""An absolute path in a sentence."""


def relative(path: str, directory: Path) -> str:
    """Return an absolute path relative to a run directory; its last part alone where they share no folder."""
    try:
        found = os.path.relpath(path, directory)
    except ValueError:  # another drive
        return Path(path).name
    upwards = Path(found).parts.count(os.pardir)
    return Path(path).name if upwards >= len(directory.absolute().parts) - 1 else found


def relative_paths(value: Any, directory: Path) -> Any:
    """Return a JSON value whose absolute paths are relative to a run directory."""
    if isinstance(value, dict):
        return {key: relative_paths(each, directory) for key, each in value.items()}
    if isinstance(value, list):
        return [relative_paths(each, directory) for each in value]
    return relative(value, directory) if isinstance(value, str) and Path(value).is_absolute() else value


def shorten_paths(text: str, run: Reported) -> str:
    """Return a message about a run whose absolute paths are relative to its directory."""
    known = sorted(absolute_paths(run.spec.to_json()), key=len, reverse=True)  # these may hold spaces and quotes
    either = "|".join([*map(re.escape, known), ABSOLUTE])
    return re.sub(either, lambda match: relative(match[0], run.directory), text)


def absolute_paths(value: Any) -> Iterator[str]:
    """Yield the absolute paths in a JSON value."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from absolute_paths(each)
    elif isinstance(value, str) and Path(value).is_absolute():
        yield value
