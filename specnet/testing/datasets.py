"""Checks of datasets: the contract of `specnet.datasets.base.Dataset`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from specnet.datasets.base import Data, Dataset
from specnet.datasets.checks import check_weights
from specnet.datasets.data_file import DataFile
from specnet.datasets.memory import InMemory
from specnet.datasets.rows import Rows, pieces
from specnet.errors import DataError, SpecnetError
from specnet.parts import parts
from specnet.randomness import stream
from specnet.testing.base import Checks, MethodCall, Problems
from specnet.testing.comparison import Results
from specnet.testing.examination import checker, conclude, examine_all
from specnet.testing.examples import NO_FILE
from specnet.testing.outcomes import Outcome
from specnet.testing.surroundings import attempt

_NAMES = ("features", "class_names", "target_names", "column_classes")
"""Fields of an outline that are empty if they are unknown."""
_READ = 200
"""Rows to read of samples that are not in memory."""


@dataclass(frozen=True)
class DatasetChecks(Checks[Dataset]):
    """A dataset, loaded at first use."""

    seed: int
    allowance = None

    def load(self, dataset: Dataset | None = None) -> Data:
        """Return the samples of a run with this seed."""
        return (dataset or self.fresh()).load(stream(self.seed, "dataset"))

    def use(self, component: Dataset, other: bool = False) -> Results:
        arrays = _arrays(component.load(stream(self.seed + other, "dataset"))).items()
        return {f"{name} ({array.dtype}, shape {array.shape})": _head(array) for name, array in arrays}

    def calls(self) -> Iterator[MethodCall]:
        x = _head(self.data.train.inputs)
        yield "function", {"its inputs": x}, lambda: self.component.function(x)

    @cached_property
    def data(self) -> Data:
        """The samples."""
        return self.load()

    def samples_are_loaded(self) -> Problems:
        """Each split has inputs and targets, with matching weights and masks; samples have the same shape in all."""
        shapes, data = set(), cast(Any, self.data)
        if not isinstance(data, Data):
            yield f"load returns {type(data).__name__}, not Data"
            return
        for split, samples in self.data.splits.items():
            inputs, targets = samples.inputs, samples.targets
            if not len(inputs):
                yield f"there are no {split} samples"
            if len(inputs) != len(targets):
                yield f"there are {len(inputs)} {split} inputs and {len(targets)} targets"
            try:
                check_weights(split, samples)
            except DataError as error:
                yield error.message
            shapes.add((inputs.shape[1:], targets.shape[1:]))
        if len(shapes) > 1:
            yield f"splits have samples of different shapes: {', '.join(map(str, sorted(shapes, key=str)))}"

    def numbers_are_real_and_finite(self) -> Problems:
        """Inputs and targets are real numbers, neither infinite nor missing."""
        for name, array in _arrays(self.data).items():
            if array.dtype.kind not in "biuf":
                yield f"{name} are {array.dtype}"
            elif not all(np.isfinite(piece).all() for piece in pieces(array)):
                yield f"a number of {name} is not finite"

    def outline_agrees_with_the_loaded_samples(self) -> Problems:
        """`outline` returns the shapes, rows, splits, classes and kind of target of the loaded samples, or None."""
        found = self.data.outline
        for name, value in vars(self.fresh().outline()).items():
            unknown = value is None or (name in _NAMES and not value)
            if not unknown and value != getattr(found, name):
                yield f"the outline has {name} {value}, the samples have {getattr(found, name)}"

    def class_numbers_match_the_classes(self) -> Problems:
        """Names of classes are different strings, and class numbers, integers that count from 0."""
        classes = self.data.classes
        if not _are_names(classes):
            yield f"classes is {classes!r}, not a tuple of strings"
        elif len({*classes}) < len(classes):
            yield f"two classes have the same name: {classes}"
        for split, samples in self.data.splits.items() if classes else ():
            targets = _head(samples.targets)
            if targets.dtype.kind not in "iu":
                yield f"there are classes, but {split} targets are {targets.dtype} of shape {samples.targets.shape}"
            elif targets.min() < 0 or targets.max() >= len(classes):
                found = f"are from {targets.min()} to {targets.max()}, and there are {len(classes)} classes"
                yield f"{split} class numbers {found}"

    def inputs_and_targets_have_a_name_each(self) -> Problems:
        """Each input and target has a name, or none has."""
        train = self.data.train
        for field, array in {"input_names": train.inputs, "target_names": train.targets}.items():
            numbered = len(array.shape) == 1 or (field == "target_names" and self.data.classes)
            names, count = getattr(self.data, field), 1 if numbered else array.shape[-1]
            if not _are_names(names):
                yield f"{field} is {names!r}, not a tuple of strings"
            elif names and len(names) != count and len(array.shape) <= 2:
                yield f"{field} has {len(names)} names for {count} columns"

    def the_function_returns_targets_of_inputs(self) -> Problems:
        """`function` returns None, or a target for each input, and some of them are finite."""
        x, targets = (_head(array)[:_READ] for array in self.data.train[:2])
        found = self.component.function(x)
        if found is None:
            return
        if len(found) != len(x) or found.size != targets.size:
            yield f"for inputs {x.shape} function returns shape {found.shape}, targets have {targets.shape}"
        elif not np.isfinite(found).any():
            yield "function returns no finite number for the training samples"

    def rows_that_are_not_in_memory_are_the_same_each_time(self) -> Problems:
        """They may be read in pieces of any size, and the caller may overwrite the arrays."""
        for name, array in _arrays(self.data).items():
            if isinstance(array, Rows):
                first = _head(array)
                kept = first.copy()
                first[...] = 0
                again = np.concatenate([array[row : row + 7] for row in range(0, len(kept), 7)])[: len(kept)]
                if not np.array_equal(again, kept):
                    yield f"{name} change when they are read again in smaller pieces: read should return new arrays"

    def files_of_another_form_are_refused(self) -> Problems:
        """Files that cannot be loaded raise a `SpecnetError`, and no other error."""
        for place, part in parts(self.component):
            if isinstance(part, DataFile) and len(place) == 1:
                broken = self.fresh(**{str(place[0]): DataFile(NO_FILE)})
                for method, call in {"load": lambda: self.load(broken), "outline": broken.outline}.items():  # noqa: B023
                    error = attempt(call)
                    if isinstance(error, BaseException) and not isinstance(error, SpecnetError):
                        yield f"if the file {place[0]} does not exist, {method} raises {type(error).__name__}: {error}"


def _arrays(data: Data) -> dict[str, np.ndarray | Rows]:
    names = ("inputs", "targets", "weight", "mask")
    arrays = {f"{split} {name}": getattr(each, name) for split, each in data.splits.items() for name in names}
    return {name: array for name, array in arrays.items() if array is not None}


def _head(array: np.ndarray | Rows) -> np.ndarray:
    """An array, or the first rows of one that is not in memory."""
    return array if isinstance(array, np.ndarray) else array[: min(_READ, len(array))]


def _are_names(names: object) -> bool:
    return isinstance(names, tuple) and all(isinstance(name, str) for name in names)


@checker("datasets")
def check_dataset(dataset: Dataset, seed: int = 0) -> Iterator[Outcome]:
    """Check a dataset."""
    checks = DatasetChecks(dataset, "", seed)
    if isinstance(dataset, InMemory) and not dataset.given:
        missing = "no data are given"
    elif any(isinstance(part, DataFile) and part == NO_FILE for _, part in parts(dataset)):
        missing = "no file is given: name one, as in a spec"
    else:
        yield from examine_all([checks])
        return
    yield Outcome("samples are loaded", True, f"not tried, as {missing}")
    yield conclude(DatasetChecks.its_JSON_describes_it_in_full, [checks])
