"""Images in files of a folder."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, PositiveInt

from specnet.datasets.base import Data, Dataset, Outline, Samples
from specnet.datasets.data_file import DataFile, DataFolder
from specnet.datasets.text_files import open_text
from specnet.diagnostics import show_value
from specnet.errors import DataError
from specnet.numpy_files import explain_os_error
from specnet.regular_files import open_regular
from specnet.words import quote, show_path

Size = Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]


class LabelledFiles(NamedTuple):
    """The files of a split, and the name of the class of each."""

    files: Sequence[Path]
    labels: Sequence[str]

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted({*self.labels}))

    def numbers(self, root: str | Path, classes: tuple[str, ...], key: str) -> np.ndarray:
        """Return the number (n,) of the class of each file in a folder, which the field `key` names.

        Raises:
            DataError: if one is not among the classes.
        """
        if unknown := {*self.labels} - {*classes}:
            message = f"{root}: {quote(min(unknown))} is not one of the classes {show_value(classes)}"
            raise DataError(message, pointer=(key,))
        return np.array([classes.index(label) for label in self.labels])


class ImageFolder(Dataset):
    """Images in the folders of a folder, one for each class, or in files that a table lists.

    Inputs are (height, width, channels) with values from 0 to 255, classes the names of the folders in alphabetical
    order. With `"labels": "labels.csv"`, the first two columns of this table are the file of each image, relative to
    `path`, and its class; the first line names the columns. Images are resized to `image_size` by linear
    interpolation; without it all must have one size. Photographs are rotated as their EXIF data say, only the first
    frame of an animation is used, transparency is removed, and grey values of 12 or 16 bits become 8 bits. Images of
    real numbers or of 32 bits have no known range, and are refused. `predict` takes a single image or a folder of
    images, `evaluate` a folder with a folder for each class.
    """

    reads_folders = True
    extensions = (
        ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm",
    )  # fmt: skip
    path: DataFolder = Field(description="folder, relative to the spec's folder")
    image_size: Size | None = Field(
        default=None,
        description="height and width of inputs; null: those of the first image, which all others must have",
    )
    color_mode: Literal["rgb", "grayscale"] = Field(default="rgb", description="three channels or one")
    labels: Literal["folder"] | DataFile = Field(
        default="folder", description="source of the class of an image: its folder, or a table with its file name"
    )
    validation: DataFolder | None = Field(default=None, description="folder of validation samples, one for each class")
    test: DataFolder | None = Field(default=None, description="folder of test samples, one for each class")

    def outline(self) -> Outline:
        listing = self._list(self.path, self.labels)
        height, width = self.image_size or self._open(listing.files[0]).shape[:2]
        return Outline(
            (height, width, 3 if self.color_mode == "rgb" else 1),
            (),
            len(listing.files),
            tuple(self._folders()),
            len(listing.classes),
            "classes",
            class_names=listing.classes,
        )

    def load(self, rng: np.random.Generator) -> Data:
        train = self._list(self.path, self.labels)
        classes, size = train.classes, self.image_size or self._open(train.files[0]).shape[:2]
        folders = {split: path for split, path in self._folders().items() if path}
        listings = {"train": train, **{split: self._list(path, key=split) for split, path in folders.items()}}
        splits: dict[str, Any] = {}
        for split, listing in listings.items():
            key = "path" if split == "train" else split
            numbers = listing.numbers(folders.get(split, self.path), classes, key)
            splits[split] = Samples(self._stack(listing.files, size, key), numbers)
        places = {split: partial(self._place, listing.files) for split, listing in listings.items()}
        return Data(**splits, classes=classes, target_names=("class",), places=places)

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> Samples:
        if targets:
            if not path.is_dir():
                raise DataError(f"{path} has no class", help="name a folder with a folder for each class, or use .npz")
            listing = self._list(path, key="test")
            numbers = listing.numbers(path, classes, "test")
            return Samples(self._stack(listing.files, None, "test"), numbers)
        files = self._images(path)
        return Samples(self._stack(files, None, "test"), np.empty((len(files), 0)))

    def place(self, path: Path, row: int) -> str:
        return show_path(self._images(path)[row])

    def read_text(self, path: Path, names: Sequence[str]) -> list[list[str]]:
        root = path if path.is_dir() else path.parent
        for name in names:
            if name != "file":
                message = f'images have no column {quote(name)} to keep, only "file", their paths'
                raise DataError(message, help="--keep file")
        return [[str(file.relative_to(root)) for file in self._images(path)]] * len(names)

    def _folders(self) -> dict[str, DataFolder | None]:
        named = {"validation": self.validation, "test": self.test}
        return {split: path for split, path in named.items() if path is not None}

    @staticmethod
    def _place(files: Sequence[Path], row: int) -> str:
        return show_path(files[row])

    def _list(self, path: str | Path, labels: str = "folder", key: str = "path") -> LabelledFiles:
        """Return the files of a folder, which the field `key` names, with their classes.

        Raises:
            DataError: if there are no images, or none of a class to train on.
        """
        root = Path(path)
        if labels != "folder":
            return self._list_table(root, Path(labels))
        try:
            folders = sorted(each for each in root.iterdir() if each.is_dir() and not each.name.startswith("."))
        except OSError as error:
            raise explain_os_error(root, error) from error
        files = [file for folder in folders for file in self._files(folder)]
        if not files:
            help = 'put the images of each class into a folder, or name a table as "labels"'
            raise DataError(f"{root} has no folder with images", pointer=(key,), help=help)
        names = [file.relative_to(root).parts[0] for file in files]
        for folder in folders:
            if folder.name not in names and key == "path":
                raise DataError(
                    f"{folder} has no images", pointer=(key,), help="each folder is a class: remove this one"
                )
        return LabelledFiles(files, names)

    def _files(self, folder: Path) -> list[Path]:
        """Return the image files of a folder and of those inside it, in alphabetical order."""
        try:
            found = sorted(folder.rglob("*"))
        except OSError as error:
            raise explain_os_error(folder, error) from error
        return [file for file in found if file.suffix.lower() in self.extensions and not file.name.startswith(".")]

    def _images(self, path: Path) -> list[Path]:
        """Return the image files of a folder, whose classes need not be known; a single file is returned as it is.

        Raises:
            DataError: if the folder has no images.
        """
        files = self._files(path) if path.is_dir() else [path]
        if not files:
            raise DataError(f"{path} has no images", help=f"their names end in {', '.join(self.extensions)}")
        return files

    @staticmethod
    def _list_table(root: Path, table: Path) -> LabelledFiles:
        try:
            with open_text(table, "utf-8") as file:
                rows = [*csv.reader(file)][1:]
        except (csv.Error, UnicodeError) as error:
            raise DataError(f"{table} is not a table as CSV: {error}", pointer=("labels",)) from error
        for line, row in enumerate(rows, start=2):
            if len(row) < 2:
                raise DataError(f"{table}:{line}: expected a file and a class", pointer=("labels",))
            if not (root / row[0]).is_file():
                raise DataError(f"{table}:{line}: there is no file {root / row[0]}", pointer=("labels",))
        if not rows:
            raise DataError(f"{table} has no rows", pointer=("labels",))
        return LabelledFiles([root / row[0] for row in rows], [row[1] for row in rows])

    def _stack(self, files: Sequence[Path], size: Sequence[int] | None, key: str) -> np.ndarray:
        """Return images (n, height, width, channels), by default of the size of the first."""
        first = self._open(files[0], size, key)
        return np.stack([first, *(self._open(file, size or first.shape[:2], key) for file in files[1:])])

    def _open(self, path: Path, size: Sequence[int] | None = None, key: str = "path") -> np.ndarray:
        """Return an image (height, width, channels), resized to `image_size`; the field `key` names its folder.

        Raises:
            DataError: if it cannot be read, or has another size than `size`.
        """
        from PIL import Image, ImageOps, UnidentifiedImageError
        from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

        try:
            with open_regular(path) as file, warnings.catch_warnings(action="ignore"), Image.open(file) as opened:
                image = ImageOps.exif_transpose(opened)
                if image.mode == "F" or (image.mode == "I" and isinstance(opened, TiffImageFile)):
                    kind = "real numbers" if image.mode == "F" else "signed or 32-bit integers"
                    help = "save it with 8 or 16 bits, or the arrays as .npz"
                    raise DataError(f"{path} has {kind}, whose range is not known", pointer=(key,), help=help)
                if image.mode.startswith("I"):  # 12 or 16 bits, which `convert` would cut off
                    bits = opened.tag_v2[BITSPERSAMPLE][0] if isinstance(opened, TiffImageFile) else 16
                    image = Image.fromarray((np.asarray(image) >> (bits - 8)).astype(np.uint8))
                image = image.convert("RGB" if self.color_mode == "rgb" else "L")
            if self.image_size:
                image = image.resize((self.image_size[1], self.image_size[0]), Image.Resampling.BILINEAR)
            pixels = np.asarray(image, np.uint8)
        except UnidentifiedImageError as error:
            raise DataError(f"{path} is not an image, or is damaged", pointer=(key,)) from error
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or error
            raise DataError(f"{path} cannot be read: {reason}", pointer=(key,)) from error
        if size and pixels.shape[:2] != tuple(size):
            (height, width), expected = pixels.shape[:2], f"{size[0]} x {size[1]}"
            message = f"{path} has {height} x {width} pixels, but the first image has {expected}"
            raise DataError(message, pointer=("image_size",), help='set "image_size": images are resized to it')
        return pixels.reshape(*pixels.shape[:2], -1)
