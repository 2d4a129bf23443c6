"""Datasets in NumPy's own file format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, DataFile, Dataset, Samples, read_npz
from specnet.errors import DataError, suggest


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

    def load(self, rng: np.random.Generator) -> Data:
        arrays = read_npz(Path(self.path))
        prefixed = self.inputs not in arrays and f"train_{self.inputs}" in arrays
        train = self._samples(arrays, "train_" if prefixed else "")
        further: dict[str, Any] = {
            split: self._samples(arrays, f"{split}_")
            for split in ("validation", "test")
            if f"{split}_{self.inputs}" in arrays
        }
        return Data(train, **further)

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        arrays = read_npz(path)
        if targets:
            return self._samples(arrays, "", path)
        inputs = self._array(arrays, self.inputs, "inputs", path)
        return Samples(inputs, np.empty((len(inputs), 0)))

    def _samples(self, arrays: dict[str, np.ndarray], prefix: str, path: Path | None = None) -> Samples:
        where = path or Path(self.path)
        inputs = self._array(arrays, prefix + self.inputs, "inputs", where)
        targets = self._array(arrays, prefix + self.targets, "targets", where)
        if len(inputs) != len(targets):
            raise DataError(
                f"{where}: {prefix}{self.inputs} has {len(inputs)} rows, {prefix}{self.targets} has {len(targets)}"
            )
        return Samples(inputs, targets)

    def _array(self, arrays: dict[str, np.ndarray], name: str, field: str, path: Path) -> np.ndarray:
        if name not in arrays:
            raise DataError(f'{path} has no array "{name}"', pointer=(field,), help=suggest(name, arrays))
        array = arrays[name]
        if array.size == 0 or array.ndim == 0 or array.dtype.kind not in "biuf":
            message = f'the array "{name}" has dtype {array.dtype} and shape {array.shape}'
            raise DataError(f"{path}: {message}: samples are real numbers, one row each", pointer=(field,))
        return array
