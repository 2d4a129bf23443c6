"""The contract of datasets, and the arrays they give."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import AfterValidator, ValidationInfo

from specnet.component import Component
from specnet.diagnostics import custom_error
from specnet.errors import DataError, os_reason


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


def _resolve(path: str, info: ValidationInfo) -> str:
    """Make a path absolute: relative ones start from the folder of the spec that names them."""
    if "\0" in path:
        raise ValueError("a path cannot hold a NUL character")
    context = info.context or {}
    try:
        absolute = Path(context.get("directory", ".")).absolute() / Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path.partition('/')[0]} is no home directory") from error
    if not str(absolute).isprintable():
        raise ValueError("a path with characters that cannot be printed cannot be written into a run's spec")
    if context.get("files_exist"):
        try:
            absolute.stat()
        except OSError as error:  # it is not there, its name is too long, its folder may not be entered
            raise custom_error("missing-file", f"there is no file {absolute}: {error.strerror}") from error
        if not absolute.is_file():
            raise custom_error("missing-file", f"{absolute} is not an ordinary file")
    return str(absolute)


DataFile = Annotated[str, AfterValidator(_resolve)]
"""The type of a field that names a file to read, relative to the spec's folder. A spec that is loaded to be run must
name files that exist."""


def explain_os_error(path: Path | str, error: OSError) -> DataError:
    """Return the error of a file that cannot be opened or read, with the reason in words."""
    return DataError(f"{path}: {os_reason(error)}")


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file; nothing is unpickled.

    Raises:
        DataError: if it cannot be read, or holds Python objects.
    """
    try:
        with path.open("rb") as stream, np.lib.npyio.NpzFile(stream, allow_pickle=False) as file:
            return {name: np.asanyarray(file[name]) for name in file.files}
    except OSError as error:
        raise explain_os_error(path, error) from error
    except Exception as error:  # zipfile, zlib and NumPy each fail over damage in ways of their own.
        raise DataError(f"{path} is not an .npz file of plain arrays: {error}") from error
