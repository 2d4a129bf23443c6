"""The journal of a study, with a digest of each of its lines in a file beside it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from specnet.errors import RunError

DIGESTS = "journal.sha256"
AGAIN = "remove it: the same trials are then chosen again, and their runs are kept"


class _NoLock:
    """Only the process that holds the lock of the directory writes to the journal."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class CheckedJournal(JournalFileBackend):
    """A journal whose lines are compared with their digests when it is opened.

    A digest is written after its line. So a process that is killed leaves lines without one, but no digest without its
    line. An incomplete last line is removed.

    Raises:
        RunError: naming the line that is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._digests = path, path.with_name(DIGESTS)
        for file in (self._path, self._digests):
            _complete(file)
        self._size = self._check()
        super().__init__(str(path), _NoLock())  # type: ignore[arg-type]
        self._seal()

    def _check(self) -> int:
        """Compare the lines with their digests, and return how many bytes have one."""
        if not self._path.exists():
            self._digests.unlink(missing_ok=True)
            return 0
        lines = self._path.read_bytes().splitlines(keepends=True)
        digests = self._digests.read_bytes().split() if self._digests.exists() else []
        for number, line in enumerate(lines, start=1):
            try:
                json.loads(line)
            except ValueError as error:
                raise RunError(f"{self._path} is damaged: line {number}: {error}", help=AGAIN) from error
            if number <= len(digests) and _digest(line) != digests[number - 1]:
                raise RunError(f"{self._path} is damaged: line {number}: its SHA-256 does not match", help=AGAIN)
        if len(lines) < len(digests):
            message = f"{self._path} is damaged: it ends after line {len(lines)} of {len(digests)}"
            raise RunError(message, help=AGAIN)
        return sum(map(len, lines[: len(digests)]))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines, and their digests."""
        super().append_logs(logs)
        self._seal()

    def _seal(self) -> None:
        """Write digests of the lines that have none."""
        with self._path.open("rb") as journal, self._digests.open("ab") as digests:
            journal.seek(self._size)
            lines: Sequence[bytes] = journal.readlines()
            digests.writelines(_digest(line) + b"\n" for line in lines)
            self._size += sum(map(len, lines))


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest().encode()


def _complete(path: Path) -> None:
    """Remove an incomplete last line, which a process that was killed has left.

    Raises:
        RunError: if it is not a regular file of the directory, so that something else would be written to.
    """
    if os.path.lexists(path):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise RunError(f"{path} is not a regular file of this directory")
        with path.open("r+b") as file:
            content = file.read()
            if not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)
                os.fsync(file.fileno())
