"""Text files as people have them: compressed or not, in any encoding, with any separator."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO, cast

from specnet.errors import DataError
from specnet.numpy_files import explain_os_error

SEPARATORS = ",;\t|"
"""Separators of cells that are looked for."""


def use_plugin(kind: str) -> str:
    """Return what to do about a file that this dataset of the plugin specnet-arrow reads."""
    return f'pip install "specnet[arrow]" and set "type": "{kind}"; or save it as CSV'


class OtherFormatError(DataError):
    """A file is not text; `dataset` reads it, if that is not None. By default `help` is to use a plugin's dataset."""

    def __init__(self, path: Path, kind: str, help: str | None = None, dataset: str | None = None) -> None:
        help = use_plugin(dataset) if dataset and help is None else help
        super().__init__(f"{path} {kind}, not a table as CSV", help=help)
        self.dataset = dataset


class EncodingError(DataError):
    """The bytes of a file are not text in the expected encoding; `guess` is a likelier one."""

    def __init__(self, message: str, guess: str) -> None:
        super().__init__(message, help=f'set "encoding", such as "{guess}", or save the file as UTF-8')
        self.guess = guess


_CSV = "save the table as CSV"
_OTHERS: dict[bytes, tuple[str, str | None, str | None]] = {
    b"\xd0\xcf\x11\xe0": ("is a spreadsheet workbook", "save the sheet as CSV", None),
    b"PAR1": ("is a Parquet file", None, "parquet"),
    b"\x93NUMPY": ("is a NumPy array", "rename it to end in .npy", "npy"),
    b"%PDF": ("is a PDF document", _CSV, None),
    b"\x89HDF": ("is an HDF5 file", _CSV, None),
    b"SQLite format": ("is an SQLite database", _CSV, None),
    b"ARROW1": ("is a Feather file", None, "feather"),
}
"""First bytes of other formats, what these are, what to do, and the dataset that reads them."""
_OPENERS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_ZIP = b"PK\x03\x04"
_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
"""Byte order marks, and the encodings that they stand for."""
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError)
"""What is raised while a damaged or encrypted file is decompressed, besides OSError."""
Encoding = Literal[
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "latin-1", "iso-8859-2", "iso-8859-5", "iso-8859-7",
    "iso-8859-9", "iso-8859-15", "cp437", "cp850", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1257",
    "mac-roman", "koi8-r", "shift_jis", "euc-jp", "euc-kr", "big5", "gb18030",
]  # fmt: skip
"""Encodings of text that Python can read."""
_CONTROL = re.compile("[\x80-\x9f]")
_NOT_CP1252 = "\x81\x8d\x8f\x90\x9d"
STDIN = Path("-")
"""Stands for standard input."""


@cache
def _read_stdin() -> bytes:
    """Return what standard input contains, which can be read only once."""
    return sys.stdin.buffer.read()


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open a text file, decompressing gzip, bzip2, xz, and zip with a single file. A byte order mark wins.

    Raises:
        DataError: if it has another format, or cannot be read or decompressed, also later.
    """
    try:
        with ExitStack() as stack:
            yield _open(path, encoding, stack)
    except OSError as error:
        raise explain_os_error(path, error) from error
    except _DAMAGED as error:
        raise DataError(f"{path} cannot be decompressed: {error}") from error


def _open(path: Path, encoding: str, stack: ExitStack) -> TextIO:
    """Return the text of a file, which the stack closes."""
    file = (
        cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, io.BytesIO(_read_stdin()))))
        if path == STDIN
        else path.open("rb")
    )
    stack.enter_context(file)
    first = _first(file)
    for beginning, other in _OTHERS.items():
        if first.startswith(beginning):
            raise OtherFormatError(path, *other)
    for beginning, opener in _OPENERS.items():
        if first.startswith(beginning):
            file = stack.enter_context(opener(file))
    if first.startswith(_ZIP):
        file = stack.enter_context(_open_member(path, stack.enter_context(zipfile.ZipFile(file))))
    start = _first(file)
    if b"\0" in start[:2] and not any(map(start.startswith, _MARKS)) and encoding in ("utf-8", "ascii", "latin-1"):
        message = f"{path} begins with a NUL character: its text is not {encoding.upper()}"
        raise EncodingError(message, "utf-16-be" if start[0] == 0 else "utf-16-le")
    found = next((name for mark, name in _MARKS.items() if start.startswith(mark)), encoding)
    return stack.enter_context(io.TextIOWrapper(file, found, newline=""))


def guess_encoding(path: Path) -> str:
    """Return the likelier one of two encodings of text that is not UTF-8.

    Bytes that are control characters in latin-1 are € or curly quotes, for instance, in cp1252, or nothing.
    """
    found: set[str] = set()
    with suppress(UnicodeError, DataError), open_text(path, "latin-1") as file:
        for line in file:
            found.update(_CONTROL.findall(line))
    return "cp1252" if found and found.isdisjoint(_NOT_CP1252) else "latin-1"


def first_character(path: Path, encoding: str) -> str:
    """Return the first character of a text file; nothing if it cannot be read."""
    with suppress(UnicodeError, DataError), open_text(path, encoding) as file:
        return file.read(1)
    return ""


def _first(file: BinaryIO) -> bytes:
    """Return the first bytes of a file, which stay to be read."""
    return cast(io.BufferedReader, file).peek(16)[:16]


def _open_member(path: Path, archive: zipfile.ZipFile) -> BinaryIO:
    names = [each.filename for each in archive.infolist() if not each.is_dir()]
    if "[Content_Types].xml" in names:
        raise OtherFormatError(path, "is a spreadsheet workbook", dataset="excel")
    if any(name.endswith(".npy") for name in names):
        raise OtherFormatError(path, "contains NumPy arrays", "rename it to end in .npz", "npz")
    tables = [name for name in names if not name.startswith("__MACOSX/")]
    if len(tables) != 1:
        raise DataError(f"{path} is a zip file with {len(tables)} files, not with one table", help="unpack it")
    return cast(BinaryIO, archive.open(tables[0]))


class TableLines:
    """The lines of a table: those above it and those with comments are left out, and counted in `number`."""

    def __init__(self, file: TextIO, skip: int, comment: str | None) -> None:
        self._lines = enumerate(file, 1)
        self._skip, self._comment = skip, comment
        self.number = 0
        """Number of the last line in the file, from 1."""

    def __iter__(self) -> Iterator[str]:
        for self.number, line in self._lines:  # noqa: B020
            if self.number > self._skip and not (self._comment and line.lstrip().startswith(self._comment)):
                yield line


def find_separator(lines: Sequence[str], quote: str) -> str:
    """Return the separator that divides most of these lines into as many cells as the first one, by default a comma.

    Of several, it is the one that makes most cells.
    """

    def score(separator: str) -> tuple[int, int]:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator, quotechar=quote) if row]
        except csv.Error:
            return 0, 0
        width = len(rows[0]) if rows else 0
        return (sum(len(row) == width for row in rows), width) if width > 1 else (0, 0)

    return max((each for each in SEPARATORS if each != quote), key=score)
