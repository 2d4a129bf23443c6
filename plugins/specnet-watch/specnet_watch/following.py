"""A history that is followed while a run writes it."""

from __future__ import annotations

import os
import zlib
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from specnet.errors import RunError
from specnet.functions import thin
from specnet.improvement import ImprovementTracker
from specnet.recording.curves import COUNTERS
from specnet.runs.storage.history import parse_line
from specnet_watch.directories import open_inside

LONGEST = 2**20
"""Bytes of the longest line that is read."""
PIECE = 2**22
"""Bytes that are read at a time."""
PACE = 0.05
"""Share of the last epoch in the mean of the seconds that an epoch takes."""
_generations = count(1)


class FollowedHistory:
    """The lines of a history so far, thinned to `most` rows whenever they are twice as many.

    `line` counts complete lines, `rows` has the values of those that are kept, and `last` those of the newest.
    `generation` changes when rows were left out or the file was replaced, as by a run that is resumed: whoever has rows
    of another generation needs all of them again. `problem` says why reading has stopped.
    """

    def __init__(self, path: Path, most: int, watch: ImprovementTracker | None = None) -> None:
        self.path, self.most, self.watch = path, most, watch
        self._identity: tuple[int, int] | None = None
        self.problem = ""
        self._begin()

    def _begin(self) -> None:
        self.line = self._offset = self._check = self.best_epoch = 0
        self.names: list[str] = []
        self.rows: list[list[float]] = []
        self.last: dict[str, Any] = {}
        self.seconds = self.pace = 0.0
        self.generation = f"{os.getpid()}.{next(_generations)}"
        if self.watch:
            self.watch.best = None

    @property
    def position(self) -> str:
        """The last line and the generation, as the identifier of an event."""
        return f"{self.line}-{self.generation}"

    def rows_after(self, position: str) -> tuple[int, list[list[float]]]:
        """Return the rows after a position, and the line after which they begin: 0 if it is of another generation."""
        line, _, generation = position.partition("-")
        after = int(line) if generation == self.generation and line.isdecimal() else 0
        return after, [row for row in self.rows if row[0] > after]

    def columns(self) -> dict[str, np.ndarray]:
        """Return the kept values by name."""
        table = np.array(self.rows, np.float64).reshape(len(self.rows), len(self.names))
        return dict(zip(self.names, table.T, strict=True))

    def update(self, most: int = PIECE) -> bool:
        """Read further lines, about `most` bytes, and return whether there may be more."""
        try:
            with open_inside(self.path) as file:
                return self._read(file, most)
        except RunError as error:
            self.problem = error.message
            return False

    def _read(self, file: BinaryIO, most: int) -> bool:
        self._find(file)
        self.problem, end = "", self._offset + most
        while self._offset < end:
            text = file.readline(LONGEST)
            if not text.endswith(b"\n"):
                if len(text) == LONGEST:
                    raise RunError(f"{self.path} is damaged: line {self.line + 1} is longer than {LONGEST:,} bytes")
                return False
            self._add(parse_line(text, self.line + 1, self.path))
            self._offset += len(text)
            self._check = zlib.crc32(text)
            self._length = len(text)
        return True

    def _find(self, file: BinaryIO) -> None:
        """Go behind the last line that was read, or begin again if it is no longer there."""
        status = os.fstat(file.fileno())
        identity = (status.st_dev, status.st_ino)
        if self.line and (identity != self._identity or status.st_size < self._offset):
            file.seek(self._offset - self._length)
            if zlib.crc32(file.read(self._length)) != self._check:
                self._begin()
        self._identity = identity
        file.seek(self._offset)

    def _add(self, line: dict[str, Any]) -> None:
        names = [name for name in line if name not in ("step", "seconds")]
        self.names = self.names or names
        if names != self.names or line["epoch"] != self.line + 1:
            raise RunError(f"{self.path} is damaged: line {self.line + 1} does not follow the one before it")
        self.line += 1
        self.last = line
        self.seconds += line["seconds"]
        self.pace += (line["seconds"] - self.pace) * max(PACE, 1 / self.line)
        self.rows.append([line[name] for name in names])
        if self.watch and self.watch.monitor in line and self.watch.look(line):
            self.best_epoch = self.line
        if len(self.rows) > 2 * self.most:
            self._thin()

    def _thin(self) -> None:
        curves = [values for name, values in self.columns().items() if name not in COUNTERS]
        each = max(4, self.most // max(1, len(curves)))
        shown = np.unique(np.concatenate([[0, len(self.rows) - 1], *(thin(curve, each) for curve in curves)]))
        self.rows = [self.rows[place] for place in shown]
        self.generation = f"{os.getpid()}.{next(_generations)}"
