"""The contract of datasets, and the samples they return."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from specnet.component import Component
from specnet.datasets.rows import PARTS, PIECE_BYTES, Change, Rows, pieces, row_bytes, rows_in
from specnet.datasets.table import Table
from specnet.errors import DataError
from specnet.features import Feature, features_named
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

    def __repr__(self) -> str:
        named = {name: array for name, array in self._asdict().items() if array is not None}
        shapes = [f"{name} {array.shape[1:]} {array.dtype}" for name, array in named.items()]
        return f"Samples({len(self.inputs):,} rows, {', '.join(shapes)})"

    def pieces(self) -> Iterator[Samples]:
        """Yield all samples at once, where `StreamedSamples` yield them piece by piece."""
        yield self

    def map(self, inputs: Change, targets: Change) -> Samples:
        """Return the samples with these functions applied to inputs and targets."""
        return Samples(inputs(self.inputs), targets(self.targets), self.weight, self.mask)

    def select(self, numbers: np.ndarray) -> Samples:
        """Return the samples at these indices (n,), in ascending order."""
        return Samples(*(None if array is None else array[numbers] for array in self))  # type: ignore[arg-type]


class StreamedSamples(NamedTuple):
    """Samples that are larger than the buffer, and are read piece by piece.

    `buffer` is the memory that they may take, in bytes; all numbers count as float64, whatever their dtype.
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
            yield self.read(slice(start, start + step))

    def read(self, rows: slice) -> Samples:
        """Return some samples in memory."""
        return Samples(*(None if array is None else array[rows] for array in self.arrays))  # type: ignore[arg-type]

    def map(self, inputs: Change, targets: Change) -> StreamedSamples:
        """Return the samples with these functions applied to inputs and targets as they are read."""
        return self._replace(inputs=self.inputs.map(inputs), targets=self.targets.map(targets))

    def select(self, numbers: np.ndarray) -> Samples | StreamedSamples:
        """Return the samples at these indices (n,), in ascending order; in memory if they fit into the buffer."""
        further = (None if array is None else array.select(numbers) for array in (self.weight, self.mask))
        chosen = StreamedSamples(self.inputs.select(numbers), self.targets.select(numbers), self.buffer, *further)
        fits = len(numbers) * row_bytes(chosen.inputs, chosen.targets) <= self.buffer
        return chosen.read(slice(None)) if fits else chosen


AnySamples = Samples | StreamedSamples
"""The samples of a split: in memory, or read on demand."""


@dataclass(frozen=True)
class Data:
    """What a dataset returns, in its own units; names are empty if it has none."""

    train: AnySamples
    validation: AnySamples | None = None
    test: AnySamples | None = None
    classes: tuple[str, ...] = ()
    input_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    """What the inputs are made from, if not all of them are numbers with the names `input_names`."""
    places: Mapping[str, Callable[[int], str]] = field(default_factory=dict)
    """Functions that return where a row of the dataset's own split comes from, such as "line 7"."""
    column_classes: tuple[tuple[str, ...], ...] = ()
    """Of several target columns the classes of each, () if it has numbers."""
    column: Callable[[str], np.ndarray] | None = None
    """Returns a column of the table by its name, for each training sample: float64 or text."""
    vocabulary: int = 0
    """What inputs are below, if they are whole numbers that stand for something, such as characters; else 0."""
    origins: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Row in the dataset's training samples of each sample of a split, where `train` was divided."""

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(samples.inputs):,} {name}" for name, samples in self.splits.items())
        classes = f", {len(self.classes)} classes" if self.classes else ""
        shapes = f"inputs {self.train.inputs.shape[1:]}, targets {self.train.targets.shape[1:]}"
        return f"Data({counts} samples, {shapes}{classes})"

    def place(self, split: str, row: int) -> str:
        """Return where a row of a split comes from: the line of a file, or a row of the dataset's own arrays."""
        if split in self.origins:
            split, row = "train", int(self.origins[split][row])
        if split in self.places:
            return self.places[split](row)
        return f"row {row}" if split == "train" else f"row {row} of the {split} samples"

    @property
    def input_features(self) -> tuple[Feature, ...]:
        """The features of the inputs; empty if they have no names."""
        return self.features or features_named(self.input_names)

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
        splits = self.splits.values()
        return replace(
            self.outline.about_targets,
            pieces=lambda: (piece for samples in splits for piece in pieces(samples.targets)),
        )

    @property
    def outline(self) -> Outline:
        """What is known about these samples."""
        return Outline(
            self.train.inputs.shape[1:],
            self.train.targets.shape[1:],
            len(self.train.inputs),
            tuple(split for split in self.splits if split != "train"),
            len(self.classes) or None,
            "classes" if self.classes else target_kind(self.train.targets),
            self.input_features,
            self.classes,
            self.target_names,
            self.column_classes,
            self.vocabulary,
            self.train.mask is not None,
        )


@dataclass(frozen=True)
class Outline:
    """What is known about samples before they are loaded; None means unknown.

    Shapes are those of one sample, `rows` counts training samples, `splits` names those that the dataset has
    besides train, `classes` is the number of classes. `kind` is "classes" if targets will be class numbers: integers,
    one for each sample or each position. `features` are those of the inputs, and `class_names` those of the classes;
    empty if unknown. `target_names`, `column_classes` and `vocabulary` are as in `Data`. `masked` says whether samples
    will have a mask.
    """

    inputs: tuple[int, ...] | None = None
    targets: tuple[int, ...] | None = None
    rows: int | None = None
    splits: tuple[str, ...] | None = None
    classes: int | None = None
    kind: TargetKind | None = None
    features: tuple[Feature, ...] = ()
    class_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    column_classes: tuple[tuple[str, ...], ...] = ()
    vocabulary: int | None = 0
    masked: bool = False

    @property
    def about_targets(self) -> Targets:
        """What is known about the targets."""
        kind: TargetKind | None = "classes" if self.classes else self.kind
        names, columns = self.target_names, self.column_classes
        return Targets(self.targets, kind, self.classes, self.class_names, names, column_classes=columns)


def target_kind(targets: np.ndarray | Rows | Header) -> TargetKind:
    """Return the kind of targets (n, ...) without names: classes if each sample has one integer or text."""
    return "classes" if targets.dtype.kind in "biuU" and targets.shape[1:] in ((), (1,)) else "numbers"


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
    reads_folders: ClassVar[bool] = False
    """Whether it supports folders, too."""

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

    def resolve(self, *, classes: bool, reserved: Collection[str], early: bool) -> tuple[Dataset, Sequence[str]]:
        """Return this dataset with everything that it finds in its file written into its fields, and warnings.

        A run saves these fields, so that it never depends on what other files contain. `classes` says whether the
        loss learns only classes, `reserved` names columns that have another use than as inputs. If it is `early`, only
        what takes little time is to be done.

        Raises:
            DataError: if the file cannot be read, or is not what the spec says.
        """
        return self, ()

    def function(self, x: np.ndarray) -> np.ndarray | None:
        """Return the noise-free targets of inputs x (n, ...), or None if they are unknown."""
        return None

    def mask_of(self, inputs: np.ndarray) -> np.ndarray | None:
        """Return the mask (n, time) of other inputs (n, time, ...) that this dataset knows, as by a padding value."""
        return None

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> AnySamples:
        """Return other samples from a file with one of its `extensions`, or a folder, for `evaluate` and `predict`.

        Without `targets` the file may lack them; an empty array (n, 0) is returned. `classes` are the
        names of the class numbers that training used.

        Raises:
            DataError: if the dataset has no file form of its own, or the file is not of that form.
        """
        raise DataError(f"{path}: expected arrays as .npz, because the dataset of this run has no file format")

    def place(self, path: Path, row: int) -> str:
        """Return the place of a row in a file that `read` has read."""
        return f"row {row}"

    def read_text(self, path: Path, names: Sequence[str]) -> list[list[str]]:
        """Return columns of a file as text.

        Raises:
            DataError: if the file cannot be read, or has no such columns.
        """
        raise DataError(f"{path} has no named columns to keep", help="leave out --keep")

    def read_table(self, table: Table, *, targets: bool) -> Samples | None:
        """Return the samples in a table, as `read` does; None if the dataset is not a table.

        Raises:
            DataError: if columns are missing or wrong.
        """
        return None
