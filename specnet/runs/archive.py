"""The `.npz` of a checkpoint: read back when it is written, verified when it is read."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import read_array_header_1_0, read_magic

from specnet.errors import RunError
from specnet.numpy_files import Header
from specnet.runs.files import Staged, file_digest

END, END_SIZE = b"PK\5\6", 22
"""Signature of the last record of a zip archive, and its size without a comment."""
CHUNK = 2**20
"""Bytes that are written and read back at a time."""


class Stamp(NamedTuple):
    """SHA-256 in hexadecimal and size in bytes of a file, recorded elsewhere."""

    sha256: str
    size: int


class _Checked:
    """A file for `ZipFile` to write to in order, as it cannot seek.

    Written bytes are read back, compared and digested in another thread, which costs almost no time.
    """

    def __init__(self, file: BinaryIO, pool: ThreadPoolExecutor) -> None:
        self._file = file
        self._pool = pool
        self._size = 0
        self._digest = hashlib.sha256()
        self._buffer = bytearray(CHUNK)
        self._reading: list[Future[None]] = []

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._file.write(view)
        self._file.flush()
        # Nothing is copied: the queue holds views of the arrays.
        self._reading.append(self._pool.submit(self._read_back, view, self._size))
        self._size += len(view)
        return len(view)

    def flush(self) -> None:
        """Do nothing: each write is flushed."""

    def _read_back(self, written: memoryview, offset: int) -> None:
        room = self._buffer if len(written) == CHUNK else bytearray(len(written))
        if os.preadv(self._file.fileno(), [room], offset) != len(written) or room != written:
            raise OSError(errno.EIO, "the file does not contain what was written")
        self._digest.update(room)

    def stamp(self) -> Stamp:
        """Return digest and size of the file after reading all of it back.

        Raises:
            OSError: if it differs from what was written.
        """
        for each in self._reading:
            each.result()
        return Stamp(self._digest.hexdigest(), self._size)


def stage_archive(path: Path, members: Mapping[str, np.ndarray]) -> tuple[Staged, Stamp]:
    """Write arrays to a temporary file beside `path`, ready to commit, and return it with its stamp.

    Raises:
        OSError: if it cannot be written, synced and read back; then nothing is left.
    """
    with ThreadPoolExecutor(1) as pool, Staged(path) as staged:
        checked = _Checked(staged.file, pool)
        with ZipFile(checked, "w") as archive:  # type: ignore[call-overload]
            for name, array in members.items():
                # `numpy.savez` would copy everything.
                ordered = np.asarray(array, order="C")
                content = ordered.reshape(-1).view(np.uint8).data
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, np.lib.format.header_data_from_array_1_0(ordered))
                    for start in range(0, len(content), CHUNK):
                        member.write(content[start : start + CHUNK])
        os.fsync(staged.file.fileno())
        stamp = checked.stamp()
    return staged, stamp


class Archive:
    """An open `.npz` whose digest matches a stamp; arrays are read on demand and never unpickled."""

    def __init__(self, file: BinaryIO, archive: ZipFile) -> None:
        self._archive = archive
        self.headers: dict[str, Header] = {}
        members = archive.infolist()
        size = file.seek(-END_SIZE, os.SEEK_END) + END_SIZE
        if file.read(len(END)) != END or any(first.header_offset for first in members[:1]):
            raise ValueError("there are bytes before or after the archive")
        if sum(member.file_size for member in members) > size:
            raise ValueError("its members are larger than the file")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in self.headers or name == member.filename or member.compress_type != ZIP_STORED:
                raise ValueError(f"{member.filename} does not belong in a checkpoint")
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

    def read(self, name: str) -> np.ndarray:
        """Return an array."""
        with self._archive.open(f"{name}.npy") as stream:
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def matching(path: Path, stamps: Sequence[Stamp]) -> Stamp:
    """Return the stamp that matches a file; the first one if the file is missing or matches none."""
    with suppress(OSError):
        if len(stamps) > 1:
            found = Stamp(file_digest(path), path.stat().st_size)
            return found if found in stamps else stamps[0]
    return stamps[0]


@contextmanager
def open_archive(path: Path, stamps: Sequence[Stamp]) -> Iterator[Archive]:
    """Open a file that was written by `stage_archive` and matches one of `stamps`.

    Raises:
        RunError: if it is missing, does not match, or anything inside the `with` fails.
    """
    if not stamps:
        raise RunError(f"{path} is not a checkpoint that the run still keeps")
    if not path.is_file():
        raise RunError(f"{path}, which the run has saved, does not exist")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size not in [stamp.size for stamp in stamps]:
                raise RunError(f"{path} is not what was saved: it has {size} bytes instead of {stamps[0].size}")
            if Stamp(hashlib.file_digest(file, "sha256").hexdigest(), size) not in stamps:
                raise RunError(f"{path} is not what was saved: its SHA-256 has changed")
            with ZipFile(file) as archive:
                yield Archive(file, archive)
    except (RunError, MemoryError):
        raise
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zipfile, NumPy and layers raise various errors for crafted files
        raise RunError(f"{path} is damaged: {error}") from error
