"""Datasets in NumPy's own file formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from specnet.component import Section
from specnet.datasets.base import AnySamples, Data, DataFile, Dataset, Outline, Samples, StreamedSamples, target_kind
from specnet.datasets.files import npy_header, npy_rows, npz_rows
from specnet.datasets.rows import Rows, row_bytes
from specnet.errors import DataError
from specnet.names import suggest
from specnet.numpy_files import Header, read_npy, read_npz, read_npz_headers
from specnet.words import Pointer

Buffer = Annotated[
    float,
    Field(
        gt=0,
        le=10**9,
        description="MB that a split may take, as float64; larger ones are read in parts of an eighth of that",
    ),
]


class Npz(Dataset):
    """Arrays of an `.npz` file, the first axis being the samples.

    With `"inputs": "x"` and `"targets": "t"`, the training samples are the arrays `x` and `t` or `train_x` and
    `train_t`; `validation_x`, `test_x` and their targets are used if they exist. This reads what
    `specnet data -o` writes. Splits larger than `buffer` are read in parts if `numpy.savez` has written them:
    compressed arrays, and those in Fortran order, are loaded whole.
    """

    extensions: ClassVar[tuple[str, ...]] = (".npz",)
    path: DataFile = Field(description="file, relative to the spec's folder")
    inputs: str = Field(default="inputs", description="name of the inputs' array, without the prefix of a split")
    targets: str = Field(default="targets", description="name of the targets' array, without the prefix of a split")
    buffer: Buffer = 1024

    def outline(self) -> Outline:
        headers = read_npz_headers(Path(self.path))
        splits = self._find_splits(headers)
        return _outline(splits, *(headers[name] for name in splits.pop("train")))

    def load(self, rng: np.random.Generator) -> Data:
        headers = read_npz_headers(Path(self.path))
        splits: dict[str, Any] = {
            split: self._samples(headers, *names) for split, names in self._find_splits(headers).items()
        }
        return Data(**splits)

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        headers = read_npz_headers(path)
        if targets:
            _check_pair(headers, self.inputs, self.targets, path)
            arrays = read_npz(path, (self.inputs, self.targets))
            return Samples(arrays[self.inputs], arrays[self.targets])
        _check_member(headers, self.inputs, "inputs", path)
        inputs = read_npz(path, [self.inputs])[self.inputs]
        return Samples(inputs, np.empty((len(inputs), 0)))

    def _samples(self, headers: Mapping[str, Header], inputs: str, targets: str) -> AnySamples:
        path, names = Path(self.path), (inputs, targets)
        streamed = _stream(headers[inputs], headers[targets], self.buffer, lambda: npz_rows(path, *names))
        if streamed:
            return streamed
        arrays = read_npz(path, names)
        return Samples(arrays[inputs], arrays[targets])

    def _find_splits(self, headers: Mapping[str, Header]) -> dict[str, tuple[str, str]]:
        """Return the names of the arrays of inputs and targets of each split, after checking them."""
        prefixed = self.inputs not in headers and f"train_{self.inputs}" in headers
        prefixes = {"train": "train_" if prefixed else "", "validation": "validation_", "test": "test_"}
        names = {}
        for split, prefix in prefixes.items():
            inputs, targets = prefix + self.inputs, prefix + self.targets
            if split == "train" or inputs in headers:
                _check_pair(headers, inputs, targets, Path(self.path))
                names[split] = (inputs, targets)
        return names


class ArrayFiles(Section):
    """The two files of a split."""

    inputs: DataFile = Field(description="file of the inputs, relative to the spec's folder")
    targets: DataFile = Field(description="file of the targets")


class Npy(Dataset):
    """Arrays of `.npy` files, the first axis being the samples: the plainest form for data that do not fit into memory.

    Splits larger than `buffer` are read in parts. Arrays in Fortran order are loaded whole.
    """

    inputs: DataFile = Field(description="file of the training inputs, relative to the spec's folder")
    targets: DataFile = Field(description="file of the training targets")
    validation: ArrayFiles | None = Field(default=None, description="files of validation samples")
    test: ArrayFiles | None = Field(default=None, description="files of test samples")
    buffer: Buffer = 1024

    def outline(self) -> Outline:
        headers = {split: self._headers(split, files) for split, files in self._files().items()}
        return _outline(headers, *headers.pop("train"))

    def load(self, rng: np.random.Generator) -> Data:
        splits: dict[str, Any] = {split: self._samples(split, files) for split, files in self._files().items()}
        return Data(**splits)

    def _files(self) -> dict[str, Npy | ArrayFiles]:
        """Return the files of each split."""
        files = {"train": self, "validation": self.validation, "test": self.test}
        return {split: pair for split, pair in files.items() if pair is not None}

    def _headers(self, split: str, files: Npy | ArrayFiles) -> tuple[Header, Header]:
        """Return the headers of a split's files, after checking them."""
        place = () if split == "train" else (split,)
        headers = npy_header(Path(files.inputs)), npy_header(Path(files.targets))
        _check_array(headers[0], (*place, "inputs"), f"{files.inputs}: the array")
        _check_array(headers[1], (*place, "targets"), f"{files.targets}: the array")
        rows, target_rows = (header.shape[0] for header in headers)
        if rows != target_rows:
            raise DataError(f"{files.inputs} has {rows} rows, {files.targets} has {target_rows}")
        return headers

    def _samples(self, split: str, files: Npy | ArrayFiles) -> AnySamples:
        paths = Path(files.inputs), Path(files.targets)
        streamed = _stream(*self._headers(split, files), self.buffer, lambda: map(npy_rows, paths))
        return streamed or Samples(*map(read_npy, paths))


MB = 1e6


def _outline(further: Iterable[str], inputs: Header, targets: Header) -> Outline:
    """Return the outline of training samples with these headers, and of the names of other splits."""
    rows, *shape = inputs.shape
    return Outline(tuple(shape), targets.shape[1:], rows, tuple(further), kind=target_kind(targets))


def _stream(
    inputs: Header, targets: Header, buffer: float, find_rows: Callable[[], Iterable[Rows | None]]
) -> StreamedSamples | None:
    """Return samples larger than the buffer, if both of their arrays can be read in parts."""
    if inputs.shape[0] * row_bytes(inputs, targets) <= buffer * MB:
        return None
    x, t = find_rows()
    return None if x is None or t is None else StreamedSamples(x, t, round(buffer * MB))


def _check_pair(headers: Mapping[str, Header], inputs: str, targets: str, path: Path) -> None:
    _check_member(headers, inputs, "inputs", path)
    _check_member(headers, targets, "targets", path)
    rows, target_rows = headers[inputs].shape[0], headers[targets].shape[0]
    if rows != target_rows:
        raise DataError(f"{path}: {inputs} has {rows} rows, {targets} has {target_rows}")


def _check_member(headers: Mapping[str, Header], name: str, field: str, path: Path) -> None:
    if name not in headers:
        raise DataError(f'{path} has no array "{name}"', pointer=(field,), help=suggest(name, headers))
    _check_array(headers[name], (field,), f'{path}: the array "{name}"')


def _check_array(header: Header, place: Pointer, name: str) -> None:
    shape, dtype = header
    if shape[:1] == (0,):
        raise DataError(f"{name} has no rows", pointer=place)
    if min(shape, default=0) < 1 or dtype.kind not in "biuf":
        message = f"{name} has dtype {dtype} and shape {shape}: samples are real numbers, one row each"
        raise DataError(message, pointer=place)
