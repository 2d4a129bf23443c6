"""The logger `csv`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from specnet.runs.observers import Logger, TrainingView
from specnet.runs.storage.files import write_text


class CsvLogger(Logger):
    """Writes the history of a run as a table, `logs/history.csv` in its directory, a row after each epoch.

    In a resumed run each epoch is there once, also if it was trained without this logger.
    """

    def begin(self, view: TrainingView) -> None:
        self.columns: list[str] = []

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        path = view.logs / "history.csv"
        if not {*values} <= {*self.columns}:
            self._start(path, view.directory / "history.jsonl")
            return
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, self.columns, lineterminator="\n").writerow(values)

    def _start(self, path: Path, history: Path) -> None:
        """Write the whole history so far, which ends in the current epoch."""
        self.columns = list(dict.fromkeys(name for line in _lines(history) for name in line))
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_lines(history))
        write_text(path, text.getvalue())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(json.loads, file)
