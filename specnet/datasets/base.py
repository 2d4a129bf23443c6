"""The contract of datasets, and the arrays they give."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from zipfile import ZipFile, ZipInfo, is_zipfile

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_array_header_2_0, read_magic
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from specnet.component import Component
from specnet.errors import DataError, SpecnetError, os_reason


class Samples(NamedTuple):
    """Inputs (n, ...) and targets (n, ...) or, for class numbers, (n,)."""

    inputs: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class Data:
    """What a dataset gives, in its own units; names are empty where it has none."""

    train: Samples
    validation: Samples | None = None
    test: Samples | None = None
    classes: tuple[str, ...] = ()
    input_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()

    @property
    def splits(self) -> dict[str, Samples]:
        """The splits there are, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: samples for name, samples in named.items() if samples is not None}


@dataclass(frozen=True)
class Outline:
    """What is known of samples before they are loaded; None where it is not.

    Shapes are those of one sample, `rows` counts training samples, `splits` names those that the dataset brings
    besides train, `classes` counts the classes that class numbers stand for.
    """

    inputs: tuple[int, ...] | None = None
    targets: tuple[int, ...] | None = None
    rows: int | None = None
    splits: tuple[str, ...] | None = None
    classes: int | None = None


class Header(NamedTuple):
    """What the first bytes of a file say of its array, under the names by which the array itself knows it."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Dataset(Component):
    """Makes or reads samples.

    `load` returns arrays in the dataset's own units. Whole numbers as targets (dtype integer, shape (n,)) are class
    numbers. A dataset that comes with its own validation or test samples gives them as such; the spec's `split`
    takes further ones from `train`. Random numbers come from `rng`, which the spec's seed determines.
    """

    group: ClassVar[str] = "datasets"
    computed: ClassVar[bool] = False
    """Whether samples come from formulas alone, and so may differ in their last bits from machine to machine."""
    suffix: ClassVar[str] = ""
    """Ending of the files that `read` understands, such as ".csv"; none where it understands no files."""

    @abstractmethod
    def load(self, rng: np.random.Generator) -> Data:
        """Return the samples.

        Raises:
            DataError: if they cannot be read, or are not what the spec says.
        """

    def outline(self) -> Outline:
        """Return what can be told without loading samples: from fields, or from a file's first bytes.

        Raises:
            DataError: if that much shows already that they cannot be loaded.
        """
        return Outline()

    def function(self, x: np.ndarray) -> np.ndarray | None:
        """Return the noise-free targets of inputs x (n, ...), where they are known."""
        return None

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        """Return further samples from a file that ends in `suffix`, for `evaluate` and `predict`.

        Without `targets` the file need not have any; they come back as an empty array (n, 0). `classes` are the
        names of the class numbers that training used.

        Raises:
            DataError: if the dataset has no file form of its own, or the file is not of that form.
        """
        raise DataError(f"{path}: give the arrays as .npz, the dataset of this run has no file form of its own")


class DataFile(str):
    """The type of a field that names a file to read. A spec that is loaded makes it absolute, from its own folder."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls._check, core_schema.str_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Refuse control characters; what else cannot be printed is a table of Unicode that no pattern holds."""
        return {**handler(schema), "not": {"pattern": r"[\u0000-\u001f\u007f-\u009f]"}}

    @classmethod
    def _check(cls, path: str) -> DataFile:
        if not path.isprintable():
            raise ValueError("a path holds no characters that cannot be printed")
        try:
            return cls(Path(path).expanduser())
        except RuntimeError as error:
            raise ValueError(f"{path.partition('/')[0]} is no home directory") from error


def explain_os_error(path: Path | str, error: OSError) -> DataError:
    """Return the error of a file that cannot be opened or read, with the reason in words."""
    return DataError(f"{path}: {os_reason(error)}")


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file; nothing is unpickled.

    Raises:
        DataError: if it cannot be read, or holds Python objects.
    """
    with _open_npz(path) as file:
        return {name: np.asanyarray(file[name]) for name in file.files}


def read_npz_headers(path: Path) -> dict[str, Header]:
    """Return shape and dtype of the arrays that `read_npz` returns, without reading them.

    Raises:
        DataError: if the headers cannot be read, or announce Python objects.
    """
    with _open_npz(path) as file:
        assert file.zip is not None
        members = zip(file.files, file.zip.infolist(), strict=True)
        return {name: _read_header(file.zip, member) for name, member in members}


def _read_header(archive: ZipFile, member: ZipInfo) -> Header:
    with archive.open(member) as stream:
        if stream.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
            return Header((), np.dtype(("S", member.file_size)))  # no array: NumPy gives the bytes as they are
        stream.seek(0)
        # Version 3 differs from version 2 only in the encoding of the names in records, which are no samples.
        read = read_array_header_1_0 if read_magic(stream) == (1, 0) else read_array_header_2_0
        shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
    return Header(shape, dtype)


@contextmanager
def _open_npz(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """Open an `.npz` file; whatever fails while it is read is a `DataError`."""
    try:
        with path.open("rb") as stream:
            if not is_zipfile(stream):
                help = 'a CSV file takes "type": "csv"' if path.suffix == ".csv" else None
                raise DataError(f"{path} is not an .npz file, or its end is missing", help=help)
            with np.lib.npyio.NpzFile(stream, allow_pickle=False) as file:
                yield file
    except SpecnetError:
        raise
    except OSError as error:
        raise explain_os_error(path, error) from error
    except Exception as error:  # zipfile, zlib and NumPy each fail over damage in ways of their own.
        raise DataError(f"{path} is not an .npz file of plain arrays: {error}") from error
