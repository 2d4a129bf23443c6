"""The run directory: its files, its lock, and how a free one is found."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from specnet.errors import BusyError, RunError, UsageError, os_reason, printable, shorten
from specnet.runs.files import TEMPORARY, about, sync_directory

LOCK = ".lock"
HOLDER = re.compile(r"process \d+ on ")
"""Content of the lock of a directory in use."""
FOLDERS = ("checkpoints", "plots", "plugins")
BEGINNING = ("spec.json", "history.jsonl", "latest.json", "best.json", "record.npz", "checkpoints/step-00000000.npz")
"""Files that a run writes before its manifest. Without a manifest there is no run yet."""
OWN = {LOCK, *FOLDERS, *BEGINNING, "manifest.json", "report.html"}
"""Files that a run writes, besides further checkpoints and plots."""


class RunDirectory:
    """A run directory that only this object may write to, until it is closed.

    An advisory lock on the file `.lock` ensures that; it ends with the process, however that ends. The file stays:
    it also shows that the directory was empty when a run took it.

    Raises:
        BusyError: if another process or object holds the lock.
        OSError: if the lock cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._lock = os.open(path / LOCK, flags, 0o666)
        try:
            self._take()
        except BlockingIOError:
            holder = os.read(self._lock, 100).decode(errors="replace").strip()
            self.close()
            raise BusyError(
                f"another process writes to {path}: {printable(holder) or 'its number is not known yet'}",
                help="wait for it, or choose another directory with --out",
            ) from None
        except OSError as error:
            self.close()
            raise about(path / LOCK, error) from error

    def _take(self) -> None:
        status = os.fstat(self._lock)
        if status.st_nlink != 1 or not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is a link to a file elsewhere")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        holder = f"process {os.getpid()} on {shorten(socket.gethostname())}\n".encode()
        os.pwrite(self._lock, holder, 0)
        os.ftruncate(self._lock, len(holder))  # only now, so that the lock is never empty

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def file(self, *parts: str) -> Path:
        """Return the path of a file to write, as `inside` does.

        Raises:
            OSError: if the directory or its lock was moved or deleted, as what has replaced it may be another run's.
        """
        if not self.is_here():
            raise OSError(errno.ESTALE, "is no longer the directory of this run", str(self.path))
        return inside(self.path, *parts)

    def is_here(self) -> bool:
        """Return whether the path still leads to the locked directory."""
        try:
            return os.path.samestat((self.path / LOCK).lstat(), os.fstat(self._lock))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def clean(self) -> None:
        """Remove the temporary files of a process that ended while writing."""
        for path in entries(self.path):
            if TEMPORARY.fullmatch(path.name) and not path.is_dir():
                path.unlink()


def find_writer(directory: Path) -> str | None:
    """Return the process that holds the lock of a run directory, as the lock names it; None if there is none."""
    try:
        lock = os.open(directory / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # closing releases it
    except BlockingIOError:
        return printable(os.read(lock, 100).decode(errors="replace").strip()) or "a process"
    finally:
        os.close(lock)
    return None


def inside(directory: Path, *parts: str) -> Path:
    """Return the path of a file to write in a run directory, after making its folder if needed.

    Raises:
        RunError: if that folder is a symbolic link, which may lead outside the run directory.
    """
    path = directory.joinpath(*parts)
    if path.parent != directory:
        if path.parent.is_symlink():
            raise RunError(f"{path.parent} is a symbolic link: a run writes only inside its directory")
        path.parent.mkdir(exist_ok=True)
    return path


def claim_directory(wanted: Path) -> RunDirectory:
    """Create and lock a directory for a run: `wanted`, or `wanted-2`, `wanted-3`, … if it is taken.

    An empty directory is free, and so is one where a run ended before it began. Nothing else is overwritten.

    Raises:
        UsageError: if the directory cannot be made.
    """
    if wanted.name in ("", ".."):  # a number cannot follow these
        raise UsageError(f'"{wanted}" cannot be a run directory', help="end it with a name, as in --out runs/mine")
    number, path = 1, wanted
    while True:
        try:
            path.mkdir(parents=True, exist_ok=True)
            if directory := take_directory(path):
                return directory
        except FileExistsError:
            if path == wanted:
                raise UsageError(f"{path} is not a directory", help="choose another with --out") from None
        except BusyError:  # another run took it at the same time
            pass
        except OSError as error:
            raise UsageError(f"{path} cannot be made: {os_reason(error)}", help="choose another with --out") from error
        number += 1
        path = wanted.with_name(f"{wanted.name}-{number}")


def take_directory(path: Path) -> RunDirectory | None:
    """Lock a free directory and remove everything but the lock; None if it is not free.

    Raises:
        BusyError: if another process is about to use it.
        OSError: if it cannot be written to.
    """
    if not is_free(path):
        return None
    with ExitStack() as stack:
        directory = stack.enter_context(RunDirectory(path))
        if not is_free(path):  # another run has used it in the meantime
            return None
        directory.clean()
        for name in BEGINNING:
            (path / name).unlink(missing_ok=True)
        for name in FOLDERS:
            with suppress(FileNotFoundError):
                (path / name).rmdir()
        sync_directory(path.parent)
        stack.pop_all()
    return directory


def is_free(path: Path) -> bool:
    """Return whether a directory is empty, or only has a lock and what a run writes before its manifest."""
    found = {str(entry.relative_to(path)): entry for entry in entries(path)}
    return set(found) <= {LOCK} or (
        (LOCK in found and found[LOCK].is_file() and HOLDER.match(found[LOCK].read_text(errors="replace")) is not None)
        and all(
            name in (LOCK, *BEGINNING, *FOLDERS) or TEMPORARY.fullmatch(entry.name) for name, entry in found.items()
        )
        and not any(entry.is_symlink() for entry in found.values())
    )


def entries(path: Path) -> Iterator[Path]:
    """Yield the paths in a run directory and its folders."""
    for entry in path.iterdir():
        yield entry
        if entry.name in FOLDERS and entry.is_dir() and not entry.is_symlink():
            yield from entry.iterdir()
