"""The run directory: its files, its lock, and how a free one is found."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from specnet.errors import BusyError, RunError, UsageError
from specnet.plugin_code import return_to, working_directory
from specnet.runs.storage.files import TEMPORARY, error_about, read_bytes, sync_directory
from specnet.words import os_reason, printable, shorten

LOCK = ".lock"
HOLDER = re.compile(r"process \d+ on ")
"""Content of the lock of a directory in use."""
FOLDERS = ("checkpoints", "plots", "plugins")
BEGINNING = ("spec.json", "history.jsonl", "record.npz", "checkpoints/step-00000000.npz")
"""Files that a run writes before its manifest. Without a manifest there is no run yet."""
MOST_BUSY = 100
"""New directories that other runs may lock first, before locks count as broken."""
MOST_NUMBERED = 10_000
"""Numbers that are tried for the name of a directory."""
OWN = {LOCK, *FOLDERS, *BEGINNING, "manifest.json", "results.json", "report.html", "logs", "influence"}
"""Files that a run writes, besides further checkpoints and plots; `logs` is the folder of its loggers, `influence` that
of runs without one of its samples."""


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
        self._began_in = working_directory()
        self._lock = _open_lock(path, os.O_RDWR | os.O_CREAT)
        try:
            self._take()
        except BaseException:
            self.close()
            raise

    def _take(self) -> None:
        holder = f"process {os.getpid()} on {shorten(socket.gethostname())}\n".encode()
        try:
            if not _lock(self._lock):
                other = _read_holder(self._lock) or "its number is not known yet"
                help = "wait for it; for a new run, choose another directory with --out"
                raise BusyError(f"another process writes to {self.path}: {other}", help=help)
            os.lseek(self._lock, 0, os.SEEK_SET)
            os.write(self._lock, holder)
            os.ftruncate(self._lock, len(holder))  # only now, so that the lock is never empty
        except OSError as error:
            raise error_about(self.path / LOCK, error) from error

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
        return_to(self._began_in)  # a component may have changed it, and the path may be relative to it
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


def _open_lock(directory: Path, flags: int) -> int:
    """Open the lock of a run directory without waiting, or raise an OSError if it is not a regular file there."""
    path = directory / LOCK
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
        flags |= getattr(os, name, 0)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError(errno.EINVAL, "is not a regular file of this directory", str(path))
    handle = os.open(path, flags, 0o666)
    status = os.fstat(handle)
    if status.st_nlink != 1 or not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "is a link to a file elsewhere", str(path))
    return handle


def _lock(handle: int) -> bool:
    """Lock an open file for this process, as long as it is open, and return whether no other process has locked it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        os.lseek(handle, 2**30, os.SEEK_SET)  # behind the text, which others may read
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_holder(handle: int) -> str:
    """Return the process that a lock names."""
    os.lseek(handle, 0, os.SEEK_SET)
    return printable(os.read(handle, 100).decode(errors="replace").strip())


def find_writer(directory: Path) -> str | None:
    """Return the process that holds the lock of a run directory, as the lock names it; None if there is none."""
    with suppress(OSError):
        handle = _open_lock(directory, os.O_RDONLY)
        try:
            return None if _lock(handle) else _read_holder(handle) or "a process"  # closing releases it
        finally:
            os.close(handle)
    return None


def inside(directory: Path, *parts: str) -> Path:
    """Return the path of a file to write in a run directory, after making its folder.

    A folder that is a link raises a RunError.
    """
    path = directory.joinpath(*parts)
    if path.parent != directory:
        if path.parent.is_symlink():
            raise RunError(f"{path.parent} is a symbolic link: a run writes only inside its directory")
        path.parent.mkdir(exist_ok=True)
    return path


def claim_directory(wanted: Path, *, exactly: bool = False) -> RunDirectory:
    """Create and lock a directory for a run: `wanted`, or `wanted-2`, `wanted-3`, … if it is taken.

    An empty directory is free, and so is one where a run ended before it began. Nothing else is overwritten. With
    `exactly` no other name is used.

    Raises:
        UsageError: if the directory cannot be made, or is taken.
        BusyError: if another process is about to use it, with `exactly`.
    """
    if wanted.name in ("", ".."):  # a number cannot follow these
        raise UsageError(f'"{wanted}" cannot be a run directory', help="end it with a name, as in --out runs/mine")
    path, busy = wanted, 0
    for number in range(2, MOST_NUMBERED + 2):
        exists = path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
            if directory := take_directory(path):
                return directory
        except FileExistsError:
            if path == wanted and not exactly:
                raise UsageError(f"{path} is not a directory", help="choose another with --out") from None
        except BusyError:  # another run took it at the same time
            busy += not exists
            if exactly or busy > MOST_BUSY:
                raise
        except OSError as error:
            raise UsageError(
                f"{path} cannot be created: {os_reason(error)}", help="choose another with --out"
            ) from error
        if exactly:
            help = "choose another name, or remove it; --resume continues the run in it"
            raise UsageError(f"{wanted} already exists", help=help)
        path = wanted.with_name(f"{wanted.name}-{number}")
    raise UsageError(f"{wanted} and {MOST_NUMBERED:,} names after it are taken", help="choose another with --out")


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


def take_or_join(wanted: Path) -> RunDirectory | None:
    """Lock the directory for a run that may be resumed later, and so needs this name; None if a run has begun.

    Raises:
        UsageError: if it cannot be made, or contains anything else.
        BusyError: if another process is about to use it.
    """
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        directory = take_directory(wanted)
    except OSError as error:
        raise UsageError(f"{wanted} cannot be created: {os_reason(error)}", help="choose another with --out") from error
    if directory is None and not (wanted / "manifest.json").exists():
        raise UsageError(f"{wanted} contains other files and no run", help="choose another directory with --out")
    return directory


def is_free(path: Path) -> bool:
    """Return whether a directory is empty, or only has a lock and what a run writes before its manifest."""
    found = {str(entry.relative_to(path)): entry for entry in entries(path)}
    return set(found) <= {LOCK} or (
        _was_held(path)
        and all(
            name in (LOCK, *BEGINNING, *FOLDERS) or TEMPORARY.fullmatch(entry.name) for name, entry in found.items()
        )
        and not any(entry.is_symlink() for entry in found.values())
    )


def _was_held(path: Path) -> bool:
    """Return whether the lock of a directory names a process."""
    try:
        return HOLDER.match(read_bytes(path / LOCK, 2**10).decode(errors="replace")) is not None
    except RunError:
        return False


def entries(path: Path) -> Iterator[Path]:
    """Yield the paths in a run directory and its folders."""
    for entry in path.iterdir():
        yield entry
        if entry.name in FOLDERS and entry.is_dir() and not entry.is_symlink():
            yield from entry.iterdir()
