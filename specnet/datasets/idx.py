"""Datasets in the IDX format of MNIST."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from specnet.datasets.base import Data, DataFile, Dataset, Samples, explain_os_error
from specnet.errors import DataError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The third byte of an IDX file says how its big-endian items are stored."""
CLASSES = 65_536
"""Class numbers from here on are damage: each class has a name and, mostly, an output."""
AXES = 8
"""More axes than this are damage: NumPy has no more than 64."""


class Idx(Dataset):
    """Images and labels in IDX files, plain or gzipped.

    Images (n, height, width) become inputs (n, height, width, 1), labels (n,) class numbers. Format and MNIST:
    LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
    """

    images: DataFile = Field(description="file of the training images, relative to the spec's folder")
    labels: DataFile = Field(description="file of the training labels")
    test_images: DataFile | None = Field(default=None, description="file of the test images")
    test_labels: DataFile | None = Field(default=None, description="file of the test labels")

    @model_validator(mode="after")
    def _test_files_go_together(self) -> Self:
        if (self.test_images is None) != (self.test_labels is None):
            raise ValueError("test_images and test_labels go together")
        return self

    def load(self, rng: np.random.Generator) -> Data:
        train = _samples(Path(self.images), Path(self.labels))
        test = None
        if self.test_images is not None and self.test_labels is not None:
            test = _samples(Path(self.test_images), Path(self.test_labels))
        count = int(train.targets.max()) + 1
        return Data(train, test=test, classes=tuple(str(number) for number in range(count)))


def _samples(images_path: Path, labels_path: Path) -> Samples:
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim < 2:
        raise DataError(f"{images_path}: its shape is {images.shape}: these are no images")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{labels_path}: labels are one whole number each, this has dtype {labels.dtype} and shape {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise DataError(f"{labels_path}: labels are class numbers from 0, these are {labels.min()} to {labels.max()}")
    if len(images) != len(labels):
        raise DataError(f"{images_path} has {len(images)} images, {labels_path} has {len(labels)} labels")
    return Samples(images, labels.astype(np.int64))


def read_idx(path: Path) -> np.ndarray:
    """Return the array of an IDX file in the machine's byte order.

    Raises:
        DataError: if it cannot be read or its size is not what its header says.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise explain_os_error(path, error) from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in DTYPES or not 1 <= content[3] <= AXES:
        raise DataError(f"{path} is not an IDX file: it begins with {content[:4].hex(' ') or 'nothing'}")
    dtype, axes = np.dtype(DTYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[place : place + 4], "big") for place in range(4, start, 4))
    if len(content) != start + dtype.itemsize * math.prod(shape):
        raise DataError(f"{path} has {len(content)} bytes, which is not what its shape {shape} asks for")
    if math.prod(shape) == 0:
        raise DataError(f"{path} is empty: its shape is {shape}")
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
