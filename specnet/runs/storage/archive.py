"""The `.npz` of a checkpoint. Its archive comment is the SHA-256 of all bytes before it, so the file proves itself."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import read_array_header_1_0, read_magic

from specnet.errors import RunError
from specnet.numpy_files import Header
from specnet.runs.storage.files import Staged, open_file

DIGEST_SIZE = 64
"""Length of a SHA-256 in hexadecimal."""
END, END_SIZE = b"PK\5\6", 22
"""Signature of the last record of a zip archive, and its size without the comment."""
_CHUNK = 2**20
"""Bytes that are written and read back at a time."""
_LARGEST = 2**40
"""Bytes of the largest checkpoint."""


class DamagedError(RunError):
    """A file with the name of a checkpoint is not a checkpoint that this version of specnet has written."""


class _Checked:
    """A file for `ZipFile` to write to in order, as it cannot seek: written bytes are read back and digested."""

    def __init__(self, file: BinaryIO, reader: BinaryIO) -> None:
        self._file, self._reader = file, reader
        self._digest = self._digest_before = hashlib.sha256()
        self._buffer = bytearray(_CHUNK)

    def write(self, data: Any) -> int:
        """Write bytes.

        Raises:
            OSError: if the file then contains other bytes.
        """
        view = memoryview(data).cast("B")
        self._file.write(view)
        self._file.flush()
        self._read_back(view)
        return len(view)

    def flush(self) -> None:
        """Do nothing: each write is flushed."""

    def _read_back(self, written: memoryview) -> None:
        room = self._buffer if len(written) == _CHUNK else bytearray(len(written))
        if self._reader.readinto(room) != len(written) or room != written:  # type: ignore[attr-defined]
            raise OSError(errno.EIO, "the file does not contain what was written")
        self._digest_before = self._digest.copy()
        self._digest.update(room)

    def digest(self) -> bytes:
        """Return the digest of all bytes but those of the last write."""
        return self._digest_before.hexdigest().encode()


def stage_archive(path: Path, members: Mapping[str, np.ndarray | bytes]) -> Staged:
    """Write arrays, and texts by their file names, to a temporary file beside `path`, ready to commit.

    Raises:
        OSError: if it cannot be written, synced and read back; then nothing is left.
    """
    with Staged(path) as staged, staged.temporary.open("rb", buffering=0) as reader:
        checked = _Checked(staged.file, reader)
        with ZipFile(checked, "w") as archive:  # type: ignore[call-overload]
            archive.comment = bytes(DIGEST_SIZE)  # the last write; replaced below
            for name, array in members.items():
                if isinstance(array, bytes):
                    with archive.open(name, "w") as member:
                        member.write(array)
                    continue
                # `numpy.savez` would copy everything.
                ordered = np.asarray(array, order="C")
                content = ordered.reshape(-1).view(np.uint8).data
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, np.lib.format.header_data_from_array_1_0(ordered))
                    for start in range(0, len(content), _CHUNK):
                        member.write(content[start : start + _CHUNK])
        digest = checked.digest()
        for file in (staged.file, reader):
            file.seek(-DIGEST_SIZE, os.SEEK_END)
        checked.write(digest)
    return staged


class Archive:
    """An open archive whose digest is right: arrays, which are read on demand and never unpickled, and these texts."""

    def __init__(self, archive: ZipFile, size: int, texts: Sequence[str] = ()) -> None:
        self._archive = archive
        self.headers: dict[str, Header] = {}
        members = archive.infolist()
        if members and members[0].header_offset:
            raise ValueError("there are bytes before the archive")
        if sum(member.file_size for member in members) > size:
            raise ValueError("its members are larger than the file")
        names = [member.filename for member in members]
        if missing := [text for text in texts if names.count(text) != 1]:
            raise ValueError(f"it has no {missing[0]}, or several")
        for member in members:
            if member.filename in texts and member.compress_type == ZIP_STORED:
                continue
            name = member.filename.removesuffix(".npy")
            if name in self.headers or name == member.filename or member.compress_type != ZIP_STORED:
                raise ValueError(f"{member.filename} does not belong in it")
            self.headers[name] = self._read_header(member)

    def _read_header(self, member: ZipInfo) -> Header:
        """Return shape and dtype of an array stored by `stage_archive`: version 1.0, C order."""
        # NumPy warns about headers that it has to repair. No run writes such headers.
        with self._archive.open(member) as stream, warnings.catch_warnings(action="error"):
            if read_magic(stream) != (1, 0):
                raise ValueError(f"{member.filename} has a header of another version")
            shape, fortran_order, dtype = read_array_header_1_0(stream)
            size = member.file_size - stream.tell()
        if fortran_order or dtype.hasobject or math.prod(shape) * dtype.itemsize != size:
            raise ValueError(f"{member.filename} is not an array as a run stores it")
        return Header(shape, dtype)

    def read_text(self, name: str) -> bytes:
        """Return a text."""
        return self._archive.read(name)

    def read(self, name: str) -> np.ndarray:
        """Return an array."""
        with self._archive.open(f"{name}.npy") as stream:
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


@contextmanager
def open_archive(path: Path, texts: Sequence[str] = ()) -> Iterator[Archive]:
    """Open a file that was written by `stage_archive` with these texts, after comparing all of it with its digest.

    Raises:
        RunError: if it cannot be read.
        DamagedError: if it does not match its digest, or anything inside the `with` fails.
    """
    with open_file(path, _LARGEST) as file:
        try:
            size = _check_digest(file)
            with ZipFile(file) as archive:
                yield Archive(archive, size, texts)
        except (RunError, OSError, MemoryError):
            raise
        except Exception as error:  # zipfile, NumPy and layers raise various errors for crafted files
            raise DamagedError(f"{path} is damaged: {error}") from error


def _check_digest(file: BinaryIO) -> int:
    """Return the size of a file, or raise a ValueError unless it ends in the digest of all bytes before."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - DIGEST_SIZE - END_SIZE))
    end, comment = file.read(END_SIZE), file.read()
    if end[:4] != END or end[-2:] != DIGEST_SIZE.to_bytes(2, "little"):  # cheap, before reading all of a huge file
        raise ValueError("its end is incomplete or has changed")
    file.seek(0)
    digest, rest = hashlib.sha256(), size - DIGEST_SIZE
    while chunk := file.read(min(_CHUNK, rest)):
        digest.update(chunk)
        rest -= len(chunk)
    if digest.hexdigest().encode() != comment:
        raise ValueError("its SHA-256 does not match")
    return size
