"""The contract of datasets, and the arrays they give."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from specnet.component import Component
from specnet.datasets.rows import PARTS, PIECE, Rows, pieces, row_bytes, rows_in
from specnet.errors import DataError
from specnet.numpy_files import Header
from specnet.task import TargetKind, Targets


class Samples(NamedTuple):
    """Inputs (n, ...) and targets (n, ...) or, for class numbers, (n,).

    `weight` says how much each element of the loss counts, (n,) or as the targets; `mask` is True where a position of a
    sequence counts, (n, time). None stands for all alike.
    """

    inputs: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None = None
    mask: np.ndarray | None = None

    def pieces(self) -> Iterator[Samples]:
        """Give all samples at once, as `StreamedSamples` give theirs a piece at a time."""
        yield self

    def map(self, inputs: Callable[[np.ndarray], np.ndarray], targets: Callable[[np.ndarray], np.ndarray]) -> Samples:
        """Return what these functions make of inputs and of targets."""
        return Samples(inputs(self.inputs), targets(self.targets), self.weight, self.mask)

    def select(self, numbers: np.ndarray) -> Samples:
        """Return the samples of these numbers (n,), which ascend."""
        return Samples(*(None if array is None else array[numbers] for array in self))  # type: ignore[arg-type]


class StreamedSamples(NamedTuple):
    """Samples that take more memory than they may: they are read a piece at a time.

    `buffer` is what they may take, in bytes. It counts their numbers as float64, whatever they are, and so says the
    same on every machine.
    """

    inputs: Rows
    targets: Rows
    buffer: int
    weight: Rows | None = None
    mask: Rows | None = None

    @property
    def arrays(self) -> tuple[Rows, Rows, Rows | None, Rows | None]:
        """What `Samples` has, in its order."""
        return self.inputs, self.targets, self.weight, self.mask

    def pieces(self) -> Iterator[Samples]:
        """Give all samples in order, a few at a time."""
        step = rows_in(min(PIECE, self.buffer // PARTS), self.inputs, self.targets)
        for start in range(0, len(self.inputs), step):
            yield self._read(slice(start, start + step))

    def _read(self, rows: slice) -> Samples:
        return Samples(*(None if array is None else array[rows] for array in self.arrays))  # type: ignore[arg-type]

    def map(
        self, inputs: Callable[[np.ndarray], np.ndarray], targets: Callable[[np.ndarray], np.ndarray]
    ) -> StreamedSamples:
        """Return what these functions make of inputs and of targets, whenever some are read."""
        return self._replace(inputs=self.inputs.map(inputs), targets=self.targets.map(targets))

    def select(self, numbers: np.ndarray) -> Samples | StreamedSamples:
        """Return the samples of these numbers (n,), which ascend; in memory, if there is room for so many."""
        inputs, targets, *further = (None if array is None else array.select(numbers) for array in self.arrays)
        assert inputs is not None
        assert targets is not None
        chosen = StreamedSamples(inputs, targets, self.buffer, *further)
        return chosen if len(numbers) * row_bytes(inputs, targets) > self.buffer else chosen._read(slice(None))


AnySamples = Samples | StreamedSamples
"""The samples of a split: in memory, or read from where they are."""


@dataclass(frozen=True)
class Data:
    """What a dataset gives, in its own units; names are empty where it has none."""

    train: AnySamples
    validation: AnySamples | None = None
    test: AnySamples | None = None
    classes: tuple[str, ...] = ()
    input_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()

    @property
    def streamed(self) -> bool:
        """Whether the samples of any split are read a piece at a time."""
        return any(isinstance(samples, StreamedSamples) for samples in self.splits.values())

    @property
    def splits(self) -> dict[str, AnySamples]:
        """The splits there are, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: samples for name, samples in named.items() if samples is not None}

    @property
    def about_targets(self) -> Targets:
        """What is known of the targets of all splits."""
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
    """What is known of samples before they are loaded; None where it is not.

    Shapes are those of one sample, `rows` counts training samples, `splits` names those that the dataset brings
    besides train, `classes` counts the classes that class numbers stand for. `kind` is "classes" where targets will be
    class numbers: integers, one for each sample.
    """

    inputs: tuple[int, ...] | None = None
    targets: tuple[int, ...] | None = None
    rows: int | None = None
    splits: tuple[str, ...] | None = None
    classes: int | None = None
    kind: TargetKind | None = None

    @property
    def about_targets(self) -> Targets:
        """What is known of the targets."""
        return Targets(self.targets, "classes" if self.classes else self.kind, self.classes)


def target_kind(targets: np.ndarray | Rows | Header) -> TargetKind:
    """Return what targets (n, ...) without names are: class numbers if each sample has one integer."""
    return "classes" if targets.dtype.kind in "biu" and targets.shape[1:] in ((), (1,)) else "numbers"


class Dataset(Component):
    """Makes or reads samples.

    `load` returns arrays in the dataset's own units. Whole numbers as targets (dtype integer, shape (n,)) are class
    numbers. A dataset that comes with its own validation or test samples gives them as such; the spec's `split`
    takes further ones from `train`. Random numbers come from `rng`, which the spec's seed determines. Samples that
    need not fit into memory are `StreamedSamples`.
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

    def read(self, path: Path, *, targets: bool, classes: tuple[str, ...]) -> AnySamples:
        """Return further samples from a file that ends in `suffix`, for `evaluate` and `predict`.

        Without `targets` the file need not have any; they come back as an empty array (n, 0). `classes` are the
        names of the class numbers that training used.

        Raises:
            DataError: if the dataset has no file form of its own, or the file is not of that form.
        """
        raise DataError(f"{path}: give the arrays as .npz, the dataset of this run has no file form of its own")


class DataFile(str):
    """The type of a field that names a file to read. A spec that is loaded makes it absolute, from its own folder."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls._check, core_schema.str_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Refuse control characters; what else cannot be printed is a table of Unicode that no pattern holds."""
        return {**handler(schema), "not": {"pattern": r"[\u0000-\u001f\u007f-\u009f]"}}

    @classmethod
    def _check(cls, path: str) -> DataFile:
        if not path.isprintable():
            raise ValueError("a path holds no characters that cannot be printed")
        try:
            return cls(Path(path).expanduser())
        except RuntimeError as error:
            raise ValueError(f"{path.partition('/')[0]} is no home directory") from error
