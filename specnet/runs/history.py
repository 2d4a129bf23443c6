"""The history of a run: one JSON line per epoch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Self

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, PositiveInt

from specnet.errors import RunError
from specnet.functions import format_number
from specnet.runs.files import check_model, error_about, parse_run_json, read_bytes, write_file
from specnet.training.callbacks import Callback
from specnet.training.trainer import Trainer


class HistoryWriter(Callback):
    """Writes `history.jsonl`, a line after each epoch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._length = 0
        self._digest = hashlib.sha256()
        self._file: BinaryIO

    def open(self, lines: Iterable[Mapping[str, Any]] = ()) -> None:
        """Start the file with these lines. An existing one is replaced, so that no other process writes to the new one.

        Raises:
            OSError: if it cannot be written.
        """
        text = b"".join(map(self._note, lines))
        write_file(self.path, lambda file: file.write(text))
        self._file = self.path.open("ab")

    def _note(self, line: Mapping[str, Any]) -> bytes:
        """Count a line and return it as bytes."""
        self._digest.update(_content(line))
        self._length += 1
        return f"{json.dumps(line, allow_nan=False)}\n".encode()

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        try:
            self._file.write(self._note(values))
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
        return {"length": self._length, "sha256": self._digest.hexdigest()}

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # the write has already raised this error
            self._file.close()


class _Line(BaseModel, extra="allow"):
    """A line of the history; further names are values of losses, metrics and schedules."""

    __pydantic_extra__: dict[str, FiniteFloat]
    epoch: PositiveInt
    step: PositiveInt
    seconds: Annotated[FiniteFloat, Field(ge=0)]


def read_lines(path: Path, most: int | None = None) -> list[dict[str, Any]]:
    """Return the lines of a history, the first `most` of them.

    An incomplete last line, left by a process that was killed, is ignored.

    Raises:
        RunError: if they cannot be read.
    """
    return [parse_line(text, number, path) for number, text in enumerate(whole_lines(read_bytes(path))[:most], 1)]


def whole_lines(content: bytes) -> list[bytes]:
    """Return the lines of a history that end in a newline."""
    return content.split(b"\n")[:-1]


def parse_line(text: bytes, number: int, path: Path) -> dict[str, Any]:
    """Return the values in a line of a history.

    Raises:
        RunError: if it is damaged.
    """
    line = parse_run_json(text, path, f"line {number}")
    check_model(_Line, line, path, f"line {number}")
    return dict(line)


def read_until(path: Path, state: Mapping[str, Any], further: bool = False) -> list[dict[str, Any]]:
    """Return the lines that existed when a writer had `state`; with `further` also those after them.

    Raises:
        RunError: if they are gone or have changed.
    """
    length = state["length"]
    lines = read_lines(path, None if further else length) if length or further else []
    digest = hashlib.sha256(b"".join(map(_content, lines[:length]))).hexdigest()
    if len(lines) < length or digest != state["sha256"]:
        raise RunError(f"{path} no longer has the first {length} epochs as they were")
    return lines


def _content(line: Mapping[str, Any]) -> bytes:
    """Return a line without its seconds, which may differ in a run that was interrupted."""
    return json.dumps({**line, "seconds": None}).encode()


class History(Mapping[str, np.ndarray]):
    """Columns of the history by name: `history["train/loss"]` has one item per epoch."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        names = list(lines[0]) if lines else []
        self._columns = {name: np.array([line[name] for line in lines]) for name in names}

    @classmethod
    def read(cls, path: Path, state: Mapping[str, Any]) -> Self:
        """Return the history in a file, which begins as it was when a writer had `state`.

        Raises:
            RunError: if it cannot be read, or has changed.
        """
        lines = read_until(path, state, further=True)
        if any(line.keys() != lines[0].keys() for line in lines):
            raise RunError(f"{path} is damaged: its lines have different names")
        return cls(lines)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]

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


def wrong_lines(lines: Sequence[bytes], path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number of each history line that does not follow those before it, and what is wrong with it."""
    epoch = step = 0
    names: list[str] = []
    for number, text in enumerate(lines, 1):
        try:
            line = parse_line(text, number, path)
        except RunError as error:
            yield number, error.message.removeprefix(f"{path} is damaged: ")
            epoch += 1
            continue
        names = names or list(line)
        if line["epoch"] != epoch + 1:
            yield number, f"line {number} has epoch {line['epoch']} after epoch {epoch}"
        elif line["step"] <= step:
            yield number, f"line {number} has step {line['step']} after step {step}"
        elif list(line) != names:
            yield number, f"line {number} has other names than the lines before it"
        epoch, step = line["epoch"], line["step"]
