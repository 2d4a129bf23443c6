"""The history of a run: one JSON line per epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from specnet.errors import RunError


class HistoryWriter:
    """Appends lines to `history.jsonl`, each written as soon as its epoch is over."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("x", encoding="utf-8", buffering=1)

    def append(self, line: dict[str, Any]) -> None:
        """Write one epoch."""
        self._file.write(json.dumps(line) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class History(Mapping[str, np.ndarray]):
    """Columns of the history by name: `history["train/loss"]` has one item per epoch."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        names = list(lines[0]) if lines else []
        self._columns = {name: np.array([line[name] for line in lines]) for name in names}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the history in a file.

        Raises:
            RunError: if it cannot be read.
        """
        try:
            with path.open(encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            if any("epoch" not in line for line in lines):
                raise ValueError("a line has no epoch")
            return cls(lines)
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path} is damaged: {error}") from error

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)
