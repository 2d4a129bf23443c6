"""Datasets in the IDX format of MNIST."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from specnet.component import Section
from specnet.datasets.base import Data, Dataset, Outline, Samples
from specnet.datasets.data_file import DataFile
from specnet.errors import DataError
from specnet.numpy_files import Header, explain_os_error

GZIP = b"\x1f\x8b"
"""First bytes of a gzipped file."""
ITEM_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Big-endian item types by the third byte of an IDX file."""
MAX_IDX_CLASSES = 65_536
"""Class numbers from here on mean a damaged file: each class has a name and usually an output."""
_PIECE = 2**20
"""Bytes that are read at a time."""
AXES = 8
"""More axes mean a damaged file: NumPy supports 64 at most."""


class ImageFiles(Section):
    """The two files of a split."""

    images: DataFile = Field(description="file of the images, relative to the spec's folder")
    labels: DataFile | None = Field(description="file of the labels; null if training has none")


class Idx(Dataset):
    """Images and labels in IDX files, plain or gzipped.

    Images (n, height, width) become inputs (n, height, width, 1), labels (n,) class numbers. Without labels, the images
    are the targets, too. Format and MNIST: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
    """

    images: DataFile = Field(description="file of the training images, relative to the spec's folder")
    labels: DataFile | None = Field(
        description="file of the training labels; null: targets are the images, as an autoencoder has them"
    )
    validation: ImageFiles | None = Field(default=None, description="files of validation samples")
    test: ImageFiles | None = Field(default=None, description="files of test samples")

    def outline(self) -> Outline:
        outlines = {split: _outline(files.images, files.labels) for split, files in self._files().items()}
        shape, rows = outlines.pop("train")
        if self.labels is None:
            return Outline(shape, shape, rows, tuple(outlines), kind="numbers")
        return Outline(shape, (), rows, tuple(outlines), kind="classes")

    def load(self, rng: np.random.Generator) -> Data:
        splits: dict[str, Any] = {split: _samples(files.images, files.labels) for split, files in self._files().items()}
        if self.labels is None:
            return Data(**splits)
        count = int(splits["train"].targets.max()) + 1
        return Data(**splits, classes=tuple(str(number) for number in range(count)))

    def _files(self) -> dict[str, Idx | ImageFiles]:
        """Return the files of each split."""
        files = {"train": self, "validation": self.validation, "test": self.test}
        found = {split: pair for split, pair in files.items() if pair is not None}
        for split, pair in found.items():
            if (pair.labels is None) != (self.labels is None):
                raise DataError(f"{split} and training: either both have labels, or neither", pointer=(split, "labels"))
        return found


def _outline(images_path: str, labels_path: str | None) -> tuple[tuple[int, ...], int]:
    """Return shape and number of the inputs from the headers alone."""
    images = read_idx_header(Path(images_path))
    labels = None if labels_path is None else read_idx_header(Path(labels_path))
    return _input_shape(images_path, images, labels_path, labels), images.shape[0]


def _samples(images_path: str, labels_path: str | None) -> Samples:
    images = read_idx(Path(images_path))
    labels = None if labels_path is None else read_idx(Path(labels_path))
    shape = _input_shape(images_path, images, labels_path, labels)
    images = images.reshape(-1, *shape)
    if labels is None:
        return Samples(images, images)
    if labels.min() < 0 or labels.max() >= MAX_IDX_CLASSES:
        raise DataError(f"{labels_path}: labels should be class numbers from 0, not {labels.min()} to {labels.max()}")
    return Samples(images, labels.astype(np.int64))


def _input_shape(
    images_path: str, images: np.ndarray | Header, labels_path: str | None, labels: np.ndarray | Header | None
) -> tuple[int, ...]:
    """Return the shape of one input, (height, width, 1) for plain images, after checking the labels' header."""
    if len(images.shape) < 2:
        raise DataError(f"{images_path}: its shape {images.shape} is not that of images")
    if labels is not None:
        if len(labels.shape) != 1 or labels.dtype.kind not in "iu":
            message = f"labels should be one whole number each, not of dtype {labels.dtype} and shape {labels.shape}"
            raise DataError(f"{labels_path}: {message}")
        if images.shape[0] != labels.shape[0]:
            raise DataError(f"{images_path} has {images.shape[0]} images, {labels_path} has {labels.shape[0]} labels")
    return (*images.shape[1:], 1) if len(images.shape) == 3 else images.shape[1:]


def read_idx(path: Path) -> np.ndarray:
    """Return the array of an IDX file in the machine's byte order.

    Raises:
        DataError: if it cannot be read or its size does not match its header.
    """
    shape, dtype = read_idx_header(path)
    start = _start(len(shape))
    size = start + dtype.itemsize * math.prod(shape)
    content = _read(path, size + 1)  # a small compressed file may have any number of bytes
    if len(content) != size:
        found = f"more than {size}" if len(content) > size else str(len(content))
        raise DataError(f"{path} has {found} bytes, which does not match its shape {shape}")
    array = np.frombuffer(content, dtype.newbyteorder(">"), offset=start).reshape(shape)
    return array.astype(dtype)


def read_idx_header(path: Path) -> Header:
    """Return shape and dtype of the array that `read_idx` returns, without reading it.

    Raises:
        DataError: if the header cannot be read.
    """
    return _parse_header(path, _read(path, _start(AXES)))


def _start(axes: int) -> int:
    """Return where the items begin: after four bytes, and four more for each axis."""
    return 4 + 4 * axes


def _read(path: Path, size: int) -> bytes:
    """Return the first `size` bytes of a file, decompressed if it is gzipped; all if it has fewer."""
    try:
        with path.open("rb") as file, gzip.open(file) if file.peek(2)[:2] == GZIP else file as stream:
            pieces = []
            while size > 0 and (piece := stream.read(min(size, _PIECE))):  # a damaged header may announce any size
                pieces.append(piece)
                size -= len(piece)
            return b"".join(pieces)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise explain_os_error(path, error) from error


def _parse_header(path: Path, content: bytes) -> Header:
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in ITEM_TYPES or not 1 <= content[3] <= AXES:
        raise DataError(f"{path} is not an IDX file: it begins with {content[:4].hex(' ') or 'nothing'}")
    start = _start(content[3])
    if len(content) < start:
        raise DataError(f"{path} has {len(content)} bytes, but its header alone should have {start}")
    shape = tuple(int.from_bytes(content[place : place + 4], "big") for place in range(4, start, 4))
    if 0 in shape:
        raise DataError(f"{path} is empty: its shape is {shape}")
    return Header(shape, np.dtype(ITEM_TYPES[content[2]]).newbyteorder("="))
