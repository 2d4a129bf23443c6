"""Arrays in files in NumPy's formats as `Rows`.

Rows are read from the file, which is not mapped into memory: a mapped page counts as memory of the process, and
reading one beyond the end of a shortened file kills the process.
"""

from __future__ import annotations

import math
import os
import weakref
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from specnet.datasets.rows import Rows
from specnet.errors import DataError
from specnet.numpy_files import Header, explain_os_error, open_npy, open_npz, read_npy_header

LOCAL_HEADER = 30
"""Bytes of a zip member before its name; the last four are the lengths of the name and of the extra field."""
_CHUNK = 2**20
"""Bytes that are read at a time for a checksum."""


def npy_header(path: Path) -> Header:
    """Return shape and dtype of the array in an `.npy` file.

    Raises:
        DataError: if they cannot be read, or do not match the size of the file.
    """
    with open_npy(path) as file:
        header, _ = read_npy_header(file)
        size, _ = _state(file.fileno())
        if file.tell() + _nbytes(header) != size:
            raise DataError(f"{path} has {size} bytes, which does not match its shape {header.shape}")
        return header


def npy_rows(path: Path) -> Rows | None:
    """Return the rows of the array in an `.npy` file, or None if it is in Fortran order.

    Raises:
        DataError: if its header cannot be read.
    """
    with open_npy(path) as file:
        return _find_rows(path, file, _state(file.fileno())[0])


def npz_rows(path: Path, *names: str) -> list[Rows | None]:
    """Return the rows of arrays in an `.npz` file, or None for those that are compressed or in Fortran order.

    Raises:
        DataError: if the file cannot be read, or the checksum of an array is wrong.
    """
    with open_npz(path) as archive, path.open("rb") as file:
        assert archive.zip is not None
        members = dict(zip(archive.files, archive.zip.infolist(), strict=True))
        return [_member_rows(path, file, archive.zip, members[name]) for name in names]


def _member_rows(path: Path, file: BinaryIO, archive: ZipFile, member: ZipInfo) -> Rows | None:
    if member.compress_type != ZIP_STORED:
        return None
    with archive.open(member) as stream:
        while stream.read(_CHUNK):  # later reads do not verify the checksum
            pass
    file.seek(member.header_offset + LOCAL_HEADER - 4)
    start = file.tell() + 4 + sum(int.from_bytes(file.read(2), "little") for _ in range(2))
    file.seek(start)
    return _find_rows(path, file, start + member.file_size)


def _find_rows(path: Path, file: BinaryIO, end: int) -> Rows | None:
    """Return the rows of an array from a file's current position until `end`."""
    header, fortran_order = read_npy_header(file)
    start, state = file.tell(), _state(file.fileno())
    if fortran_order or start + _nbytes(header) != end:
        return None
    width = _nbytes(header) // header.shape[0]
    # The file stays open as long as its rows are in use, even if another file takes its name.
    stream = os.fdopen(os.dup(file.fileno()), "rb", buffering=0)

    def read(first: int, stop: int) -> np.ndarray:
        rows = np.empty((stop - first, *header.shape[1:]), header.dtype)
        room = rows.reshape(-1).view(np.uint8).data
        try:
            stream.seek(start + first * width)
            while room and (count := stream.readinto(room)):
                room = room[count:]
            unlike = len(room) > 0 or _state(stream.fileno()) != state
        except OSError as error:
            raise explain_os_error(path, error) from error
        if unlike:
            raise DataError(f"{path} was changed while samples were read from it", help="restore the old file")
        return rows

    found = Rows(*header, read)
    weakref.finalize(found, stream.close)
    return found


def _nbytes(header: Header) -> int:
    return math.prod(header.shape) * header.dtype.itemsize


def _state(descriptor: int) -> tuple[int, int]:
    """Return what changes whenever an open file does."""
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns
