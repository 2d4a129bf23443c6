"""The history of a run: one JSON line per epoch."""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from collections.abc import Iterator, KeysView, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Self

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, PositiveInt

from specnet.errors import RunError
from specnet.functions import format_number
from specnet.names import suggest
from specnet.runs.storage.files import check_model, error_about, open_file, parse_run_json, write_bytes, write_file
from specnet.training.callbacks import Callback
from specnet.training.trainer import Trainer
from specnet.words import quote

_LARGEST = 2**36
"""Bytes of the largest history that is read: of some hundred million epochs."""
_LONGEST = 2**20
"""Bytes of the longest line that is read."""
_TAIL = 2**16
"""Bytes at the end of a history that contain its last line."""


class Beginning:
    """The first lines of a history, as they are read: their number, size in bytes and seconds, and a writer's digest.

    Only these are kept, so a long history takes no memory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length = self.size = 0
        self.seconds = 0.0
        self.digest = hashlib.sha256()

    def add(self, line: Mapping[str, Any], text: bytes) -> None:
        self.length += 1
        self.size += len(text)
        self.seconds += line["seconds"]
        self.digest.update(_content(line))

    def check(self, state: Mapping[str, Any]) -> None:
        """Raise a RunError unless the lines are those that a writer with this state had written."""
        if self.length < state["length"] or self.digest.hexdigest() != state["sha256"]:
            raise RunError(f"{self.path} no longer contains the first {state['length']} epochs unchanged")


class HistoryWriter(Callback):
    """Writes `history.jsonl`, a line after each epoch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._written = Beginning(path)
        self._file: BinaryIO

    def open(self, beginning: Beginning | None = None) -> None:
        """Start the file, with the first lines of the old one when a run is resumed.

        An existing file is replaced, so that no other process writes to the new one. An OSError says that it cannot be
        written.
        """
        if beginning and beginning.length:
            self._written = beginning
            with self.path.open("rb") as old:
                write_file(self.path, partial(_copy, old, beginning.size))
        else:
            write_bytes(self.path, b"")
        self._file = self.path.open("ab")

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        text = f"{json.dumps(dict(values), allow_nan=False)}\n".encode()
        self._written.add(values, text)
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise error_about(self.path, error) from error

    def sync(self) -> None:
        """Wait until all lines are on the disk."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise error_about(self.path, error) from error

    def state(self) -> dict[str, Any]:
        """Return the number of lines, and the SHA-256 of their values without the seconds."""
        return {"length": self._written.length, "sha256": self._written.digest.hexdigest()}

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # the write has already raised this error
            self._file.close()


_Count = Annotated[PositiveInt, Field(lt=2**63)]


class _Line(BaseModel, extra="allow"):
    """A line of the history; further names are values of losses, metrics and schedules."""

    __pydantic_extra__: dict[str, FiniteFloat]
    epoch: _Count
    step: _Count
    seconds: Annotated[FiniteFloat, Field(ge=0)]


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the number and text of each line of a history, or raise a RunError if they cannot be read.

    An incomplete last line, left by a process that was killed, is ignored.
    """
    with open_file(path, _LARGEST) as file:
        for number, text in enumerate(iter(partial(file.readline, _LONGEST), b""), 1):
            if text.endswith(b"\n"):
                yield number, text
            elif len(text) == _LONGEST:
                raise RunError(f"{path} is damaged: line {number} is longer than {_LONGEST:,} bytes")


def parse_line(text: bytes, number: int, path: Path) -> dict[str, Any]:
    """Return the values in a line of a history, or raise a RunError if it is damaged."""
    line = parse_run_json(text, path, f"line {number}")
    check_model(_Line, line, path, f"line {number}")
    return dict(line)


def read_until(path: Path, state: Mapping[str, Any]) -> Beginning:
    """Read the lines that a writer with `state` had written, or raise a RunError if they are gone or have changed."""
    beginning = Beginning(path)
    if state["length"]:
        for number, text in islice(read_lines(path), state["length"]):
            beginning.add(parse_line(text, number, path), text)
    beginning.check(state)
    return beginning


class History(Mapping[str, np.ndarray]):
    """Columns of the history by name: `history["train/loss"]` has one item per epoch."""

    def __init__(self, columns: Mapping[str, np.ndarray]) -> None:
        self._columns = columns

    @classmethod
    def read(cls, path: Path, state: Mapping[str, Any]) -> Self:
        """Return the history in a file, or raise a RunError unless it begins as it was when a writer had `state`."""
        beginning = Beginning(path)
        columns: dict[str, array[Any]] = {}
        for number, text in read_lines(path):
            line = parse_line(text, number, path)
            if beginning.length < state["length"]:
                beginning.add(line, text)
            columns = columns or {name: array("q" if name in ("epoch", "step") else "d") for name in line}
            if line.keys() != columns.keys():
                raise RunError(f"{path} is damaged: its lines have different names")
            for name, column in columns.items():
                column.append(line[name])
        beginning.check(state)
        return cls({name: np.array(column) for name, column in columns.items()})

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._columns[name]
        except KeyError:
            raise KeyError(f"there is no {quote(str(name))}: {suggest(str(name), self._columns)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        epochs = len(next(iter(self._columns.values()), ()))
        last = "".join(f", {name} {format_number(values[-1])}" for name, values in self._columns.items() if "/" in name)
        return f"History({epochs:,} epochs{last})"

    def keys(self) -> KeysView[str]:
        return self._columns.keys()


def read_last(path: Path) -> dict[str, Any]:
    """Return the values in the last complete line of a history; none if there is no such line, or it is damaged."""
    with suppress(RunError), open_file(path, _LARGEST) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        *_, last, _incomplete = [b"", *file.read().split(b"\n")]
        return parse_line(last, 0, path) if last else {}
    return {}


def check_history(path: Path) -> tuple[int, dict[int, str]]:
    """Return the number of lines of a history, and what is wrong with those that do not follow the lines before them.

    Raises:
        RunError: if it cannot be read.
    """
    number = epoch = step = 0
    names: list[str] = []
    wrong = {}
    for number, text in read_lines(path):
        try:
            line = parse_line(text, number, path)
        except RunError as error:
            wrong[number] = error.message.removeprefix(f"{path} is damaged: ")
            epoch += 1
            continue
        names = names or list(line)
        if line["epoch"] != epoch + 1:
            wrong[number] = f"line {number} has epoch {line['epoch']} after epoch {epoch}"
        elif line["step"] <= step:
            wrong[number] = f"line {number} has step {line['step']} after step {step}"
        elif list(line) != names:
            wrong[number] = f"line {number} has different names than the lines before it"
        epoch, step = line["epoch"], line["step"]
    return number, wrong


def ends_incomplete(path: Path) -> bool:
    """Return whether the last line of a history has no end, or raise a RunError if it cannot be read."""
    with open_file(path, _LARGEST) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        return file.read() not in (b"", b"\n")


def _copy(source: BinaryIO, size: int, to: BinaryIO) -> None:
    """Copy the first bytes of a file to another."""
    while size and (part := source.read(min(size, 2**20))):
        size -= to.write(part)


def _content(line: Mapping[str, Any]) -> bytes:
    """Return a line without its seconds, which may differ in a run that was interrupted."""
    return json.dumps({**line, "seconds": None}).encode()
