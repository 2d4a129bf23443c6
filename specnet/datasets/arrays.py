"""Datasets in NumPy's own file format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, DataFile, Dataset, Header, Outline, Samples, read_npz, read_npz_headers
from specnet.errors import DataError, suggest

Arrays = Mapping[str, np.ndarray | Header]
"""What a file holds, by name, or what its first bytes say of it."""


class Npz(Dataset):
    """Arrays of an `.npz` file, the first axis being the samples.

    With `"inputs": "x"` and `"targets": "t"`, the training samples are the arrays `x` and `t` or `train_x` and
    `train_t`; `validation_x`, `test_x` and their targets are taken where they exist. This reads what
    `specnet data -o` writes.
    """

    suffix: ClassVar[str] = ".npz"
    path: DataFile = Field(description="file, relative to the spec's folder")
    inputs: str = Field(default="inputs", description="name of the inputs' array, without the prefix of a split")
    targets: str = Field(default="targets", description="name of the targets' array, without the prefix of a split")

    def outline(self) -> Outline:
        headers = read_npz_headers(Path(self.path))
        splits = self._find_splits(headers)
        inputs, targets = (headers[name].shape for name in splits.pop("train"))
        return Outline(inputs[1:], targets[1:], inputs[0], tuple(splits))

    def load(self, rng: np.random.Generator) -> Data:
        arrays = read_npz(Path(self.path))
        names = self._find_splits(arrays)
        splits: dict[str, Any] = {split: Samples(arrays[x], arrays[t]) for split, (x, t) in names.items()}
        return Data(**splits)

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        arrays = read_npz(path)
        if targets:
            _check_pair(arrays, self.inputs, self.targets, path)
            return Samples(arrays[self.inputs], arrays[self.targets])
        _check_array(arrays, self.inputs, "inputs", path)
        return Samples(arrays[self.inputs], np.empty((len(arrays[self.inputs]), 0)))

    def _find_splits(self, arrays: Arrays) -> dict[str, tuple[str, str]]:
        """Return the names of the arrays of inputs and targets of each split there is, once checked."""
        prefixed = self.inputs not in arrays and f"train_{self.inputs}" in arrays
        prefixes = {"train": "train_" if prefixed else "", "validation": "validation_", "test": "test_"}
        names = {}
        for split, prefix in prefixes.items():
            inputs, targets = prefix + self.inputs, prefix + self.targets
            if split == "train" or inputs in arrays:
                _check_pair(arrays, inputs, targets, Path(self.path))
                names[split] = (inputs, targets)
        return names


def _check_pair(arrays: Arrays, inputs: str, targets: str, path: Path) -> None:
    _check_array(arrays, inputs, "inputs", path)
    _check_array(arrays, targets, "targets", path)
    rows, target_rows = arrays[inputs].shape[0], arrays[targets].shape[0]
    if rows != target_rows:
        raise DataError(f"{path}: {inputs} has {rows} rows, {targets} has {target_rows}")


def _check_array(arrays: Arrays, name: str, field: str, path: Path) -> None:
    if name not in arrays:
        raise DataError(f'{path} has no array "{name}"', pointer=(field,), help=suggest(name, arrays))
    shape, dtype = arrays[name].shape, arrays[name].dtype
    if shape[:1] == (0,):
        raise DataError(f'{path}: the array "{name}" has no rows', pointer=(field,))
    if min(shape, default=0) < 1 or dtype.kind not in "biuf":
        message = f'the array "{name}" has dtype {dtype} and shape {shape}'
        raise DataError(f"{path}: {message}: samples are real numbers, one row each", pointer=(field,))
