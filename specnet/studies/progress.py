"""How far a run of a group is, from the files in its directory."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from specnet.errors import RunError
from specnet.runs.directory import find_writer
from specnet.runs.files import open_file
from specnet.runs.history import parse_line
from specnet.studies.belief import ended

_TAIL = 2**14
"""Bytes at the end of a history that contain its last line."""


class RunProgress(NamedTuple):
    """The status of a run, and its last line of the history; empty before the first epoch."""

    status: str
    values: dict[str, Any]


def look(directory: Path) -> RunProgress:
    """Return how far a run is; its status is that of its manifest, or "running", or "waiting" for a worker."""
    status = ended(directory) or ("running" if find_writer(directory) else "waiting")
    values: dict[str, Any] = {}
    path = directory / "history.jsonl"
    with suppress(RunError, OSError), open_file(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        *_, last, _incomplete = [b"", *file.read().split(b"\n")]
        values = parse_line(last, 0, path) if last else values
    return RunProgress(status, values)
