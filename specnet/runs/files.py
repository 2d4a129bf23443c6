"""Files that are whole or not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from specnet.errors import RunError


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Create or replace a file by what `write` puts into the handle it is given.

    The content goes to a temporary file beside it, which is flushed, synced and renamed, so that whoever reads
    `path` sees the old content or the new, never a part.
    """
    if path.exists() and not path.is_file():
        # Renaming over a device or a pipe would put an ordinary file in its place.
        raise OSError(errno.EINVAL, "is not an ordinary file", str(path))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        error.filename = str(path)  # the temporary name would tell nobody anything
        raise
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private to their owner; a result is as readable as any other file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: Path, value: Any) -> None:
    """Create or replace a JSON file."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    # A file name may hold what is no Unicode; JSON writes such a surrogate as an escape.
    write_file(path, lambda file: file.write(text.encode("utf-8", "backslashreplace")))


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a run directory.

    Raises:
        RunError: if it cannot be read.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged: it holds no object")
    return value


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
