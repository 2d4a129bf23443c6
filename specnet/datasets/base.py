"""The contract of datasets, and the samples they return."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from specnet.component import Component
from specnet.datasets.rows import PARTS, PIECE_BYTES, Rows, pieces, row_bytes, rows_in
from specnet.errors import DataError
from specnet.functions import evenly_spaced
from specnet.numpy_files import Header
from specnet.task import TargetKind, Targets


class Samples(NamedTuple):
    """Inputs (n, ...) and targets (n, ...) or, for class numbers, (n,).

    `weight` is the weight of each element of the loss, (n,) or shaped as the targets; `mask` is True where a position
    of a sequence counts, (n, time). None means all are equal.
    """

    inputs: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None = None
    mask: np.ndarray | None = None

    def pieces(self) -> Iterator[Samples]:
        """Yield all samples at once, where `StreamedSamples` yield them piece by piece."""
        yield self

    def map(self, inputs: Callable[[np.ndarray], np.ndarray], targets: Callable[[np.ndarray], np.ndarray]) -> Samples:
        """Return the samples with these functions applied to inputs and targets."""
        return Samples(inputs(self.inputs), targets(self.targets), self.weight, self.mask)

    def select(self, numbers: np.ndarray) -> Samples:
        """Return the samples at these indices (n,), in ascending order."""
        return Samples(*(None if array is None else array[numbers] for array in self))  # type: ignore[arg-type]


class StreamedSamples(NamedTuple):
    """Samples that are larger than the buffer, and are read piece by piece.

    `buffer` is the memory that they may take, in bytes. It counts all numbers as float64, so that it means the same
    for every dtype.
    """

    inputs: Rows
    targets: Rows
    buffer: int
    weight: Rows | None = None
    mask: Rows | None = None

    @property
    def arrays(self) -> tuple[Rows, Rows, Rows | None, Rows | None]:
        """The fields of `Samples`, in their order."""
        return self.inputs, self.targets, self.weight, self.mask

    def pieces(self) -> Iterator[Samples]:
        """Yield all samples in order, a few at a time."""
        step = rows_in(min(PIECE_BYTES, self.buffer // PARTS), self.inputs, self.targets)
        for start in range(0, len(self.inputs), step):
            yield self._read(slice(start, start + step))

    def _read(self, rows: slice) -> Samples:
        return Samples(*(None if array is None else array[rows] for array in self.arrays))  # type: ignore[arg-type]

    def map(
        self, inputs: Callable[[np.ndarray], np.ndarray], targets: Callable[[np.ndarray], np.ndarray]
    ) -> StreamedSamples:
        """Return the samples with these functions applied to inputs and targets as they are read."""
        return self._replace(inputs=self.inputs.map(inputs), targets=self.targets.map(targets))

    def select(self, numbers: np.ndarray) -> Samples | StreamedSamples:
        """Return the samples at these indices (n,), in ascending order; in memory if they fit into the buffer."""
        inputs, targets, *further = (None if array is None else array.select(numbers) for array in self.arrays)
        assert inputs is not None
        assert targets is not None
        chosen = StreamedSamples(inputs, targets, self.buffer, *further)
        return chosen if len(numbers) * row_bytes(inputs, targets) > self.buffer else chosen._read(slice(None))


AnySamples = Samples | StreamedSamples
"""The samples of a split: in memory, or read on demand."""


def evenly_chosen(samples: AnySamples, most: int) -> Samples:
    """Return at most `most` samples in memory, evenly spaced from the first to the last."""
    return samples_at(samples, evenly_spaced(len(samples.inputs), most))


def samples_at(samples: AnySamples, rows: np.ndarray) -> Samples:
    """Return the samples of some rows (n,), in ascending order, in memory."""
    chosen = samples.select(rows)
    return chosen if isinstance(chosen, Samples) else chosen._read(slice(None))


@dataclass(frozen=True)
class Data:
    """What a dataset returns, in its own units; names are empty if it has none."""

    train: AnySamples
    validation: AnySamples | None = None
    test: AnySamples | None = None
    classes: tuple[str, ...] = ()
    input_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    lines: np.ndarray | None = None
    """Line of each training sample in its file (n,), if it is a text file."""
    origins: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Row in the dataset's training samples of each sample of a split, where `train` was divided."""

    def place(self, split: str, row: int) -> str:
        """Return where a row of a split comes from: the line of a file, or a row of the dataset's own arrays."""
        divided = split in self.origins
        origin = int(self.origins[split][row]) if divided else row
        if self.lines is not None and (divided or split == "train"):
            return f"line {self.lines[origin]}"
        return f"row {origin}" if divided or split == "train" else f"row {origin} of the {split} samples"

    @property
    def streamed(self) -> bool:
        """Whether the samples of any split are read piece by piece."""
        return any(isinstance(samples, StreamedSamples) for samples in self.splits.values())

    @property
    def splits(self) -> dict[str, AnySamples]:
        """The splits by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: samples for name, samples in named.items() if samples is not None}

    @property
    def last_split(self) -> tuple[str, AnySamples]:
        """Name and samples of the test split if there is one, else of validation, else of train."""
        return list(self.splits.items())[-1]

    @property
    def about_targets(self) -> Targets:
        """What is known about the targets of all splits."""
        return Targets(
            self.train.targets.shape[1:],
            "classes" if self.classes else target_kind(self.train.targets),
            len(self.classes) or None,
            self.classes,
            self.target_names,
            lambda: (piece for samples in self.splits.values() for piece in pieces(samples.targets)),
        )


@dataclass(frozen=True)
class Outline:
    """What is known about samples before they are loaded; None means unknown.

    Shapes are those of one sample, `rows` counts training samples, `splits` names those that the dataset has
    besides train, `classes` is the number of classes. `kind` is "classes" if targets will be class numbers: integers,
    one for each sample.
    """

    inputs: tuple[int, ...] | None = None
    targets: tuple[int, ...] | None = None
    rows: int | None = None
    splits: tuple[str, ...] | None = None
    classes: int | None = None
    kind: TargetKind | None = None

    @property
    def about_targets(self) -> Targets:
        """What is known about the targets."""
        return Targets(self.targets, "classes" if self.classes else self.kind, self.classes)


def target_kind(targets: np.ndarray | Rows | Header) -> TargetKind:
    """Return the kind of targets (n, ...) without names: class numbers if each sample has one integer."""
    return "classes" if targets.dtype.kind in "biu" and targets.shape[1:] in ((), (1,)) else "numbers"


class Dataset(Component):
    """Makes or reads samples.

    `load` returns arrays in the dataset's own units. Whole numbers as targets (dtype integer, shape (n,)) are class
    numbers. A dataset that has its own validation or test samples returns them as such; the spec's `split`
    takes others from `train`. Random numbers come from `rng`, which the spec's seed determines. Samples that
    may exceed memory are `StreamedSamples`.
    """

    group: ClassVar[str] = "datasets"
    synthetic: ClassVar[bool] = False
    """Whether samples are computed from formulas, so that their last bits may differ between machines."""
    extensions: ClassVar[tuple[str, ...]] = ()
    """Extensions of the files that `read` supports, such as ".csv"."""

    @abstractmethod
    def load(self, rng: np.random.Generator) -> Data:
        """Return the samples.

        Raises:
            DataError: if they cannot be read, or are not what the spec says.
        """

    def outline(self) -> Outline:
        """Return what is known without loading samples, from fields or a file's first bytes.

        Raises:
            DataError: if it is already clear that they cannot be loaded.
        """
        return Outline()

    def function(self, x: np.ndarray) -> np.ndarray | None:
        """Return the noise-free targets of inputs x (n, ...), or None if they are unknown."""
        return None

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> AnySamples:
        """Return other samples from a file with one of its `extensions`, for `evaluate` and `predict`.

        Without `targets` the file may lack them; an empty array (n, 0) is returned. `classes` are the
        names of the class numbers that training used.

        Raises:
            DataError: if the dataset has no file form of its own, or the file is not of that form.
        """
        raise DataError(f"{path}: expected arrays as .npz, because the dataset of this run has no file format")

    def place(self, path: Path, row: int) -> str:
        """Return where in a file that `read` has read a row is."""
        return f"row {row}"


class DataFile(str):
    """The type of a field that names a file. Loading a spec makes it absolute, starting from the spec's folder."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls._check, core_schema.str_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Refuse control characters; a pattern cannot list all other unprintable ones."""
        return {**handler(schema), "not": {"pattern": r"[\u0000-\u001f\u007f-\u009f]"}}

    @classmethod
    def _check(cls, path: str) -> DataFile:
        if not path.isprintable():
            raise ValueError("a path cannot contain unprintable characters")
        try:
            return cls(Path(path).expanduser())
        except RuntimeError as error:
            raise ValueError(f"{path.partition('/')[0]} is not a home directory") from error
