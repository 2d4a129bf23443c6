"""How far a run of a group is, from the files in its directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from specnet.runs.storage.directory import find_writer
from specnet.runs.storage.history import read_last
from specnet.studies.belief import ended


class RunProgress(NamedTuple):
    """The status of a run, and its last line of the history; empty before the first epoch."""

    status: str
    values: dict[str, Any]


def look(directory: Path) -> RunProgress:
    """Return how far a run is; its status is that of its manifest, or "running", or "waiting" for a worker."""
    status = ended(directory) or ("running" if find_writer(directory) else "waiting")
    return RunProgress(status, read_last(directory / "history.jsonl"))
