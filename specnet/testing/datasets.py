"""Checks of datasets: what `specnet.datasets.base.Dataset` promises of every one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from specnet.component import parts
from specnet.datasets.base import Data, DataFile, Dataset, Outline
from specnet.datasets.checks import check_weights
from specnet.datasets.rows import Rows, pieces
from specnet.errors import DataError, SpecnetError
from specnet.randomness import stream
from specnet.testing.checks import Checks, Problems, checker, make, outcomes
from specnet.testing.comparison import unequal, written
from specnet.testing.examples import NO_FILE
from specnet.testing.outcome import Outcome

LOOKED_AT = 200
"""Number of rows to read from samples that are not in memory."""


@dataclass(frozen=True)
class DatasetChecks(Checks[Dataset]):
    """A dataset, loaded on first use."""

    seed: int

    def load(self, dataset: Dataset | None = None) -> Data:
        """Return the samples of a run with this seed."""
        return (dataset or self.fresh()).load(stream(self.seed, "dataset"))

    @cached_property
    def data(self) -> Data:
        """The samples."""
        return self.load()

    def samples_are_loaded(self) -> Problems:
        """Each split has inputs, as many targets, and weights and masks that match; all splits have one shape."""
        shapes = set()
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
        """Inputs and targets are real numbers, none of them infinite or missing."""
        for name, array in _arrays(self.data).items():
            if array.dtype.kind not in "biuf":
                yield f"{name} are {array.dtype}"
            elif not all(np.isfinite(piece).all() for piece in pieces(array)):
                yield f"a number of {name} is not finite"

    def a_seed_determines_the_samples(self) -> Problems:
        """All random numbers come from `rng`, and nothing is remembered."""
        used = self.fresh()
        self.load(used)
        for what, other in {"again": self.load(used), "by another instance": self.load()}.items():
            for (name, first), second in zip(_arrays(self.data).items(), _arrays(other).values(), strict=True):
                same = (first.shape, first.dtype) == (second.shape, second.dtype)
                if not same or unequal(_head(first), _head(second), 0.0):
                    yield f"{name} are others if they are loaded {what} from the same seed"
        yield from self.changed_fields(used)

    def outline_tells_what_load_gives(self) -> Problems:
        """Shapes, rows, splits, classes and kind of targets known before loading match the samples."""
        data, outline = self.data, self.fresh().outline()
        found = Outline(
            data.train.inputs.shape[1:],
            data.train.targets.shape[1:],
            len(data.train.inputs),
            tuple(split for split in data.splits if split != "train"),
            len(data.classes),
            data.about_targets.kind,
        )
        for name, told in vars(outline).items():
            if told not in (None, getattr(found, name)):
                yield f"outline tells {name} {told}, the samples have {getattr(found, name)}"

    def class_numbers_are_those_of_the_classes(self) -> Problems:
        """Names of classes are different texts, and class numbers, integers of shape (n,), count from 0."""
        classes = self.data.classes
        if not _are_names(classes):
            yield f"classes is {classes!r}, not a tuple of texts"
        elif len({*classes}) < len(classes):
            yield f"two classes have one name: {classes}"
        for split, samples in self.data.splits.items() if classes else ():
            targets = _head(samples.targets)
            if targets.dtype.kind not in "iu" or targets.ndim != 1:
                yield f"there are classes, but {split} targets are {targets.dtype} of shape {samples.targets.shape}"
            elif targets.min() < 0 or targets.max() >= len(classes):
                told = f"are from {targets.min()} to {targets.max()}, and there are {len(classes)} classes"
                yield f"{split} class numbers {told}"

    def names_are_as_many_as_what_they_name(self) -> Problems:
        """A name for each input and target, or none at all."""
        train = self.data.train
        for field, array in {"input_names": train.inputs, "target_names": train.targets}.items():
            names, count = getattr(self.data, field), array.shape[-1] if len(array.shape) > 1 else 1
            if not _are_names(names):
                yield f"{field} is {names!r}, not a tuple of texts"
            elif names and len(names) != count and len(array.shape) <= 2:
                yield f"{field} has {len(names)} names for {count}"

    def the_function_gives_targets_of_inputs(self) -> Problems:
        """If the function without noise is known, it returns a target for each input, and some are finite."""
        x, targets = (_head(array)[:LOOKED_AT] for array in self.data.train[:2])
        yield from written("function", {"its inputs": x}, lambda: self.component.function(x))
        found = self.component.function(x)
        if found is None:
            return
        if len(found) != len(x) or found.size != targets.size:
            yield f"of inputs {x.shape} function returns shape {found.shape}, targets have {targets.shape}"
        elif not np.isfinite(found).any():
            yield "function returns no finite number for the training samples"

    def rows_that_are_not_in_memory_are_the_same_each_time(self) -> Problems:
        """They can be read in pieces of any size, as new arrays."""
        for name, array in _arrays(self.data).items():
            if isinstance(array, Rows):
                first = _head(array)
                kept = first.copy()
                first[...] = 0
                again = np.concatenate([array[row : row + 7] for row in range(0, len(kept), 7)])[: len(kept)]
                if not np.array_equal(again, kept):
                    yield f"{name} are others if they are read again, in smaller pieces"

    def files_of_another_form_are_refused(self) -> Problems:
        """What cannot be loaded raises a `SpecnetError`, never another error."""
        for place, part in parts(self.component):
            if isinstance(part, DataFile) and len(place) == 1:
                broken = self.fresh(**{str(place[0]): DataFile(NO_FILE)})
                for what, call in {"load": lambda: self.load(broken), "outline": broken.outline}.items():  # noqa: B023
                    try:
                        call()
                    except SpecnetError:
                        continue
                    except Exception as error:
                        yield f"where {place[0]} is no file, {what} raises {type(error).__name__}: {error}"


def _arrays(data: Data) -> dict[str, np.ndarray | Rows]:
    names = ("inputs", "targets", "weight", "mask")
    arrays = {f"{split} {name}": getattr(each, name) for split, each in data.splits.items() for name in names}
    return {name: array for name, array in arrays.items() if array is not None}


def _head(array: np.ndarray | Rows) -> np.ndarray:
    """Return an array, or the first rows of one that is not in memory."""
    return array if isinstance(array, np.ndarray) else array[: min(LOOKED_AT, len(array))]


def _are_names(names: object) -> bool:
    return isinstance(names, tuple) and all(isinstance(name, str) for name in names)


@checker("datasets")
def check_dataset(dataset: Dataset, seed: int = 0) -> Iterator[Outcome]:
    """Check a dataset."""
    checks = DatasetChecks(dataset, "", seed)
    if any(isinstance(part, DataFile) and part == NO_FILE for _, part in parts(dataset)):
        yield Outcome("samples are loaded", True, "not tried, as no file is given: name one, as in a spec")
        yield make(DatasetChecks.its_JSON_describes_it_in_full, [checks])
    else:
        yield from outcomes([checks])
