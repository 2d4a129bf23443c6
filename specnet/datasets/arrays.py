"""Datasets in NumPy's own file formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator

from specnet.component import Section
from specnet.datasets.base import AnySamples, Data, Outline, Samples, StreamedSamples, target_kind
from specnet.datasets.checks import number_classes, with_classes
from specnet.datasets.data_file import DataFile
from specnet.datasets.files import npy_header, npy_rows, npz_rows
from specnet.datasets.masks import Padded, PaddingValue, check_sequences, with_mask
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


class Npz(Padded):
    """Arrays of an `.npz` file, with samples along the first axis.

    With `"inputs": "x"` and `"targets": "t"`, the training samples are the arrays `x` and `t` or `train_x` and
    `train_t`; `validation_x`, `test_x` and their targets are used if they exist. This reads what
    `specnet data -o` writes. Targets (n,) of text are classes. Splits larger than `buffer` are read in parts if
    `numpy.savez` has written them: compressed arrays, and those in Fortran order, are loaded whole.
    """

    extensions = (".npz",)
    path: DataFile = Field(description="file, relative to the spec's folder")
    inputs: str = Field(default="inputs", description="name of the inputs' array, without the prefix of a split")
    targets: str = Field(default="targets", description="name of the targets' array, without the prefix of a split")
    lengths: str | None = Field(
        default=None,
        description="name of an array (n,) with the number of valid positions at the start of each sequence",
    )
    padding_value: PaddingValue = None
    buffer: Buffer = 1024

    @model_validator(mode="after")
    def _one_mask(self) -> Self:
        if self.lengths is not None and self.padding_value is not None:
            raise ValueError("lengths and padding_value both say which positions are masked: choose one")
        return self

    def outline(self) -> Outline:
        headers = read_npz_headers(Path(self.path))
        splits = self._find_splits(headers)
        inputs, targets, *lengths = (headers[name] for name in splits.pop("train"))
        return _outline(splits, inputs, targets, bool(lengths) or self.padding_value is not None)

    def load(self, rng: np.random.Generator) -> Data:
        headers = read_npz_headers(Path(self.path))
        splits: dict[str, Any] = {
            split: self._samples(headers, *names) for split, names in self._find_splits(headers).items()
        }
        return with_classes(splits)

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        headers = read_npz_headers(path)
        if targets:
            _check_pair(headers, self.inputs, self.targets, path, bool(classes))
        else:
            _check_member(headers, self.inputs, "inputs", path)
        lengths = [self.lengths] if self.lengths is not None else []
        for name in lengths:
            _check_lengths(headers, name, self.inputs, path)
        arrays = read_npz(path, [self.inputs, *lengths, *([self.targets] if targets else [])])
        inputs = arrays[self.inputs]
        found = number_classes(arrays[self.targets], classes) if targets else np.empty((len(inputs), 0))
        masked = with_mask(Samples(inputs, found), self.padding_value, *(arrays[name] for name in lengths))
        assert isinstance(masked, Samples)
        return masked

    def _samples(self, headers: Mapping[str, Header], inputs: str, targets: str, *lengths: str) -> AnySamples:
        path, names = Path(self.path), (inputs, targets)
        streamed = _stream(headers[inputs], headers[targets], self.buffer, lambda: npz_rows(path, *names))
        arrays = read_npz(path, lengths if streamed else (*names, *lengths))
        samples = streamed or Samples(arrays[inputs], arrays[targets])
        return with_mask(samples, self.padding_value, *(arrays[name] for name in lengths))

    def _find_splits(self, headers: Mapping[str, Header]) -> dict[str, tuple[str, ...]]:
        """Return the names of the arrays of inputs, targets and lengths of each split, after checking them."""
        prefixed = self.inputs not in headers and f"train_{self.inputs}" in headers
        prefixes = {"train": "train_" if prefixed else "", "validation": "validation_", "test": "test_"}
        names: dict[str, tuple[str, ...]] = {}
        for split, prefix in prefixes.items():
            inputs, targets = prefix + self.inputs, prefix + self.targets
            if split == "train" or inputs in headers:
                text = split == "train" or headers[names["train"][1]].dtype.kind == "U"
                _check_pair(headers, inputs, targets, Path(self.path), text)
                names[split] = (inputs, targets)
                if self.lengths is not None:
                    _check_lengths(headers, prefix + self.lengths, inputs, Path(self.path))
                    names[split] = (inputs, targets, prefix + self.lengths)
        return names


class ArrayFiles(Section):
    """The two files of a split."""

    inputs: DataFile = Field(description="file of the inputs, relative to the spec's folder")
    targets: DataFile = Field(description="file of the targets")


class Npy(Padded):
    """Arrays of `.npy` files, with samples along the first axis: the simplest form for data larger than memory.

    Targets (n,) of text are classes. Splits larger than `buffer` are read in parts. Arrays in Fortran order are loaded
    whole.
    """

    inputs: DataFile = Field(description="file of the training inputs, relative to the spec's folder")
    targets: DataFile = Field(description="file of the training targets")
    validation: ArrayFiles | None = Field(default=None, description="files of validation samples")
    test: ArrayFiles | None = Field(default=None, description="files of test samples")
    padding_value: PaddingValue = None
    buffer: Buffer = 1024

    def outline(self) -> Outline:
        headers = {split: self._headers(split, files) for split, files in self._files().items()}
        return _outline(headers, *headers.pop("train"), self.padding_value is not None)

    def load(self, rng: np.random.Generator) -> Data:
        splits: dict[str, Any] = {split: self._samples(split, files) for split, files in self._files().items()}
        return with_classes(splits)

    def _files(self) -> dict[str, Npy | ArrayFiles]:
        """Return the files of each split."""
        files = {"train": self, "validation": self.validation, "test": self.test}
        return {split: pair for split, pair in files.items() if pair is not None}

    def _headers(self, split: str, files: Npy | ArrayFiles) -> tuple[Header, Header]:
        """Return the headers of a split's files, after checking them."""
        place = () if split == "train" else (split,)
        headers = npy_header(Path(files.inputs)), npy_header(Path(files.targets))
        _check_array(headers[0], (*place, "inputs"), f"{files.inputs}: the array")
        text = split == "train" or npy_header(Path(self.targets)).dtype.kind == "U"
        _check_array(headers[1], (*place, "targets"), f"{files.targets}: the array", text)
        rows, target_rows = (header.shape[0] for header in headers)
        if rows != target_rows:
            raise DataError(f"{files.inputs} has {rows} rows, {files.targets} has {target_rows}")
        return headers

    def _samples(self, split: str, files: Npy | ArrayFiles) -> AnySamples:
        paths = Path(files.inputs), Path(files.targets)
        streamed = _stream(*self._headers(split, files), self.buffer, lambda: map(npy_rows, paths))
        return with_mask(streamed or Samples(*map(read_npy, paths)), self.padding_value)


MB = 1e6


def _outline(further: Iterable[str], inputs: Header, targets: Header, masked: bool) -> Outline:
    """Return the outline of training samples with these headers, and of the names of other splits."""
    rows, *shape = inputs.shape
    kind = target_kind(targets)
    return Outline(tuple(shape), targets.shape[1:], rows, tuple(further), kind=kind, masked=masked)


def _stream(
    inputs: Header, targets: Header, buffer: float, find_rows: Callable[[], Iterable[Rows | None]]
) -> StreamedSamples | None:
    """Return samples larger than the buffer, if both of their arrays can be read in parts."""
    if targets.dtype.kind == "U" or inputs.shape[0] * row_bytes(inputs, targets) <= buffer * MB:
        return None
    x, t = find_rows()
    return None if x is None or t is None else StreamedSamples(x, t, round(buffer * MB))


def _check_pair(headers: Mapping[str, Header], inputs: str, targets: str, path: Path, text: bool) -> None:
    """Check two arrays of samples; with `text`, targets may be names of classes."""
    _check_member(headers, inputs, "inputs", path)
    _check_member(headers, targets, "targets", path, text)
    rows, target_rows = headers[inputs].shape[0], headers[targets].shape[0]
    if rows != target_rows:
        raise DataError(f"{path}: {inputs} has {rows} rows, {targets} has {target_rows}")


def _check_member(headers: Mapping[str, Header], name: str, field: str, path: Path, text: bool = False) -> None:
    if name not in headers:
        raise DataError(f'{path} has no array "{name}"', pointer=(field,), help=suggest(name, headers))
    _check_array(headers[name], (field,), f'{path}: the array "{name}"', text)


def _check_lengths(headers: Mapping[str, Header], name: str, inputs: str, path: Path) -> None:
    _check_member(headers, name, "lengths", path)
    check_sequences(headers[inputs].shape[1:], "lengths")
    if headers[name].shape != headers[inputs].shape[:1]:
        message = f"{path}: {name} has shape {headers[name].shape}, and there are {headers[inputs].shape[0]} sequences"
        raise DataError(message, pointer=("lengths",))


def _check_array(header: Header, place: Pointer, name: str, text: bool = False) -> None:
    """Check that an array has samples; with `text`, names of classes as well."""
    shape, dtype = header
    if shape[:1] == (0,):
        raise DataError(f"{name} has no rows", pointer=place)
    if text and dtype.kind == "U" and len(shape) == 1:
        return
    if min(shape, default=0) < 1 or dtype.kind not in "biuf":
        message = f"{name} has dtype {dtype} and shape {shape}: samples are real numbers, one row each"
        raise DataError(message, pointer=place)
