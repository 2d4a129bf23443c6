"""The table of all runs below a directory."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Any

from specnet_watch.directories import list_runs
from specnet_watch.watched import WatchedRun

ROWS = 128
"""Rows of each history that the table keeps."""
PIECE = 2**20
"""Bytes of each history that are read at a time: a long one appears bit by bit."""


class WatchedTable:
    """The runs below a directory, each a row; `rows` is thread-safe."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = Lock()
        self._runs: dict[str, WatchedRun] = {}

    def rows(self) -> dict[str, dict[str, Any]]:
        """Look at all runs, and return the row of each by name."""
        with self._lock:
            found = list_runs(self.root)
            self._runs = {name: self._runs.get(name) or WatchedRun(name, path, ROWS) for name, path in found.items()}
            for run in self._runs.values():
                run.update(PIECE)
            return {name: run.row() for name, run in self._runs.items()}


class TableReader:
    """What one reader of the table has been sent."""

    def __init__(self, table: WatchedTable) -> None:
        self.table = table
        self._sent: dict[str, str] | None = None

    def changes(self) -> dict[str, Any] | None:
        """Return the rows that are new or have changed, and the names of those that are gone; None if nothing has.

        The first are `all` rows.
        """
        rows = self.table.rows()
        texts = {name: json.dumps(row) for name, row in rows.items()}
        before = self._sent
        changed = [rows[name] for name, text in texts.items() if before is None or before.get(name) != text]
        gone = [name for name in before or () if name not in rows]
        self._sent = texts
        if before is None:
            return {"all": True, "rows": changed, "gone": []}
        return {"all": False, "rows": changed, "gone": gone} if changed or gone else None
