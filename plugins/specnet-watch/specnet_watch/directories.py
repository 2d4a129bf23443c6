"""The runs below a directory, read without writing, locking or following links."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from specnet.errors import RunError
from specnet.runs.provenance.manifest import check_manifest
from specnet.runs.storage.directory import LOCK
from specnet.runs.storage.files import open_file, parse_run_json
from specnet.words import shorten

LARGEST = 2**36
"""Bytes of the largest file that is read."""
DEEPEST = 8
"""Folders inside each other that are searched."""
HOLDER = re.compile(r"process (\d+) on (.*)")
NO_MANIFEST = {"status": "starting", "seconds": 0.0, "started": "", "error": None}
"""What is known of a run that has no manifest yet."""
DELETED = {"status": "deleted", "error": "the directory of this run no longer exists"}
"""What becomes of a run that is deleted or moved while it is watched."""
REUSED = 60.0
"""Seconds by which clocks may differ: a process that began later than its lock is another one with its number."""


def is_run(directory: Path) -> bool:
    """Return whether a directory has a manifest, or at least a lock and the history of a run that is starting."""
    there = {name for name in ("manifest.json", LOCK, "history.jsonl") if os.path.lexists(directory / name)}
    return "manifest.json" in there or len(there) == 2


def list_runs(root: Path) -> dict[str, Path]:
    """Return the runs in a directory and the folders in it, by name; the directory itself if it is a run.

    Links are not followed, and hidden folders are left out.
    """
    return (
        {root.name or "run": root}
        if is_run(root)
        else {path.relative_to(root).as_posix(): path for path in _walk(root, DEEPEST)}
    )


def _walk(folder: Path, deep: int) -> Iterator[Path]:
    with suppress(OSError):  # it may be private, or just have been removed
        for path in sorted(folder.iterdir()) if deep else ():
            if path.name.startswith(".") or path.is_symlink() or not path.is_dir():
                continue
            if is_run(path):
                yield path
            else:
                yield from _walk(path, deep - 1)


@contextmanager
def open_inside(path: Path, most: int = LARGEST) -> Iterator[BinaryIO]:
    """Open a regular file of a run for reading; `path` has no links in it, or is refused.

    Raises:
        RunError: if it cannot be opened, or is a link.
    """
    with open_file(path, most) as file:
        if path.resolve() != path or not os.path.samestat(path.lstat(), os.fstat(file.fileno())):
            raise RunError(f"{path} is a symbolic link, which is not followed")
        yield file


def read_text(path: Path, most: int = LARGEST) -> bytes:
    """Return the content of a file of a run.

    Raises:
        RunError: if it cannot be read, or is a link.
    """
    with open_inside(path, most) as file:
        return file.read()


def read_state(directory: Path) -> dict[str, Any]:
    """Return the manifest of a run.

    Its `status` is "killed" if the run was in progress and its process is gone, "starting" before there is a manifest,
    and "deleted" without a directory.

    Raises:
        RunError: if the manifest cannot be read.
    """
    path = directory / "manifest.json"
    if not directory.exists():
        return NO_MANIFEST | DELETED
    if not os.path.lexists(path):
        ended = {"status": "killed", "error": "the run ended before its initial state was saved"}
        return NO_MANIFEST if is_written(directory) else NO_MANIFEST | ended
    manifest = parse_run_json(read_text(path, 2**30), path)
    if not isinstance(manifest, dict):
        raise RunError(f"{path} is damaged: it is not an object")
    check_manifest(manifest, path)
    gone = manifest["status"] == "running" and not is_written(directory)
    return manifest | {"status": "killed"} if gone else manifest


def is_written(directory: Path) -> bool:
    """Return whether the process that a run's lock names is alive; True if it is on another machine.

    The lock itself is not tried: a run that begins at this moment would find it taken.
    """
    try:
        with open_inside(directory / LOCK, 2**10) as file:
            found = HOLDER.match(file.read().decode(errors="replace"))
            written = os.fstat(file.fileno()).st_mtime
        if found is None or found[2] != shorten(socket.gethostname()):
            return found is not None
        process = psutil.Process(int(found[1]))
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() < written + REUSED
    except (RunError, psutil.Error, OverflowError):
        return False
