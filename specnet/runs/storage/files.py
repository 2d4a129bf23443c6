"""Files that are either complete or absent."""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

from pydantic import BaseModel, ValidationError

from specnet.errors import RunError
from specnet.regular_files import open_regular
from specnet.words import enumerate_some, os_reason

TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")
"""Temporary names that `Staged` gives to incomplete files."""
_LARGEST = 2**30
"""Bytes of the largest text that is read from a run directory: a history of some million epochs."""


class Staged:
    """A file under a temporary name, which `commit` renames.

    Inside a `with`, write the content to `file`; at the end of the block it is flushed and synced. If anything
    fails, the temporary file is removed.

    Raises:
        OSError: naming the file, whichever system call failed.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            # Renaming over a device or a pipe would put an ordinary file in its place.
            raise OSError(errno.EINVAL, "is not an ordinary file", str(path))
        self.path = path

    def __enter__(self) -> Self:
        path = self.path
        try:
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        except OSError as error:
            raise error_about(path, error) from error
        self.temporary = Path(name)
        self.file: BinaryIO = os.fdopen(handle, "wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self.file.flush()
                os.fsync(self.file.fileno())
        except OSError as failure:
            error = failure
        with suppress(OSError):  # if the disk is full, closing fails to write the rest
            self.file.close()
        if error is not None:
            self.discard()
            if isinstance(error, OSError) and not error.filename:
                raise error_about(self.path, error) from error

    def commit(self) -> None:
        """Rename the file and sync its directory, so that the name is durable as well."""
        try:
            # mkstemp makes files private to their owner; results should be as readable as any other file.
            self.temporary.chmod(0o666 & ~_umask())
            self.temporary.replace(self.path)
            sync_directory(self.path.parent)
        except OSError as error:
            self.discard()
            raise error_about(self.path, error) from error

    def discard(self) -> None:
        """Remove the temporary file, if it exists and can be removed."""
        with suppress(OSError):
            self.temporary.unlink()


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Create or replace a file with what `write` writes to the handle it gets.

    Readers of `path` see the old content or the new, never a part. If writing fails, `path` is unchanged,
    and an OSError names it.
    """
    with Staged(path) as staged:
        write(staged.file)
    staged.commit()


def write_bytes(path: Path, content: bytes) -> None:
    """Create or replace a file with this content, as `write_file` does."""
    write_file(path, lambda file: file.write(content))


def write_text(path: Path, text: str) -> None:
    """Create or replace a file of text in UTF-8; names of files in it may contain bytes that are not Unicode."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable; Windows, which cannot open directories, does so by itself."""
    if os.name == "nt":
        return
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def error_about(path: Path, error: OSError) -> OSError:
    """Return an error that names `path` instead of a temporary name or none."""
    return OSError(error.errno or errno.EIO, error.strerror or str(error), str(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: Path, value: Any) -> None:
    """Create or replace a JSON file."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_run_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a run directory, or raise a RunError if it cannot be read."""
    value = parse_run_json(read_bytes(path), path)
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged: it is not an object")
    return value


def parse_run_json(text: bytes, path: Path, place: str = "") -> Any:
    """Return the value of a JSON text from a run directory, or raise a RunError, with its place, if it is damaged."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {place and f'{place}: '}{error}") from error


def read_bytes(path: Path, most: int = _LARGEST) -> bytes:
    """Return the content of a file of a run directory, or raise a RunError if it cannot be read."""
    with open_file(path, most) as file:
        return file.read()


@contextmanager
def open_file(path: Path, most: int = _LARGEST) -> Iterator[BinaryIO]:
    """Open a regular file of a run directory.

    Raises:
        RunError: if it cannot be opened, is larger than `most` bytes, or reading it fails inside the `with`.
    """
    try:
        with open_regular(path, most) as file:
            yield file
    except OSError as error:
        raise RunError(f"{path} cannot be read: {os_reason(error)}") from error
    except MemoryError as error:
        raise RunError(f"{path} cannot be read: there is not enough memory for it") from error


def check_model(model: type[BaseModel], value: Any, path: Path, place: str = "") -> None:
    """Raise a RunError that names each part of a JSON value that does not match a pydantic model."""
    try:
        model.model_validate(value, strict=True)
    except ValidationError as error:
        messages = {"model_type": "input should be an object"}  # pydantic's names a class
        found = [
            f"{'.'.join(map(str, (*([place] if place else []), *each['loc'])))}: "
            f"{messages.get(each['type'], each['msg'].lower())}"
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise RunError(f"{path} is damaged: {enumerate_some(found, '; ')}") from None
