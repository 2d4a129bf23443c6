"""Read `.npz` and `.npy` files without unpickling, with clear errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple
from zipfile import ZipFile, ZipInfo, is_zipfile

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array, read_array_header_1_0, read_array_header_2_0, read_magic
from numpy.lib.npyio import NpzFile

from specnet.errors import DataError, SpecnetError
from specnet.regular_files import open_regular
from specnet.words import os_reason


class Header(NamedTuple):
    """Shape and dtype of an array, from the first bytes of its file."""

    shape: tuple[int, ...]
    dtype: np.dtype


def explain_os_error(path: Path | str, error: OSError) -> DataError:
    """Return the error for a file that cannot be opened or read, with the reason in words."""
    return DataError(f"{path}: {os_reason(error)}")


def read_npz(path: Path, names: Collection[str] | None = None, most: int | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file, all or those in `names`; nothing is unpickled.

    Raises:
        DataError: if it cannot be read, contains Python objects, or its arrays take more than `most` bytes.
    """
    with open_npz(path) as file:
        assert file.zip is not None
        if most is not None and sum(member.file_size for member in file.zip.infolist()) > most:
            raise DataError(f"{path}: its arrays take more than {most:,} bytes")
        return {name: np.asanyarray(file[name]) for name in (file.files if names is None else names)}


def read_npz_headers(path: Path) -> dict[str, Header]:
    """Return shape and dtype of the arrays that `read_npz` returns, without reading them.

    Raises:
        DataError: if the headers cannot be read, or declare Python objects.
    """
    with open_npz(path) as file:
        assert file.zip is not None
        members = zip(file.files, file.zip.infolist(), strict=True)
        return {name: _read_member_header(file.zip, member) for name, member in members}


def _read_member_header(archive: ZipFile, member: ZipInfo) -> Header:
    with archive.open(member) as stream:
        if stream.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
            return Header((), np.dtype(("S", member.file_size)))  # not an array: NumPy returns the bytes
        stream.seek(0)
        return read_npy_header(stream)[0]


def read_npy_header(stream: IO[bytes]) -> tuple[Header, bool]:
    """Return the header of an array in NumPy's format, and whether the array is in Fortran order.

    Raises:
        ValueError: if the header is invalid, or declares Python objects.
    """
    # Version 3 differs from version 2 only in the encoding of field names, which samples do not have.
    read = read_array_header_1_0 if read_magic(stream) == (1, 0) else read_array_header_2_0
    shape, fortran_order, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
    return Header(shape, dtype), fortran_order


def read_npy(path: Path) -> np.ndarray:
    """Return the array in an `.npy` file, without unpickling, or raise a DataError if it cannot be read."""
    with open_npy(path) as stream:
        return np.asarray(read_array(stream, allow_pickle=False))


@contextmanager
def open_npy(path: Path) -> Iterator[BinaryIO]:
    """Open an `.npy` file; errors while reading it become a `DataError`."""
    with _explained(path, "an .npy file of a plain array"), open_regular(path) as stream:
        yield stream


@contextmanager
def open_npz(path: Path) -> Iterator[NpzFile]:
    """Open an `.npz` file; errors while reading it become a `DataError`."""
    with _explained(path, "an .npz file of plain arrays"), open_regular(path) as stream:
        if not is_zipfile(stream):
            help = 'a CSV file takes "type": "csv"' if path.suffix == ".csv" else None
            raise DataError(f"{path} is not an .npz file, or its end is missing", help=help)
        with NpzFile(stream, allow_pickle=False) as file:
            yield file


@contextmanager
def _explained(path: Path, form: str) -> Iterator[None]:
    try:
        yield
    except SpecnetError:
        raise
    except OSError as error:
        raise explain_os_error(path, error) from error
    except MemoryError as error:
        help = "arrays larger than the dataset's buffer are read a part at a time, if in C order and not compressed"
        raise DataError(f"{path} does not fit into memory: {error}", help=help) from error
    except Exception as error:  # zipfile, zlib and NumPy raise various errors for damaged files.
        raise DataError(f"{path} is not {form}: {error}") from error
