"""Checks of datasets: what `specnet.datasets.base.Dataset` promises of every one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from specnet.component import parts
from specnet.datasets.base import Data, DataFile, Dataset, Outline, Rows, pieces
from specnet.datasets.checks import check_weights
from specnet.errors import DataError, SpecnetError
from specnet.randomness import stream
from specnet.testing.examples import NO_FILE
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full

LOOKED_AT = 200
"""Rows that are read from samples that are not in memory."""


def check_dataset(dataset: Dataset | str | dict[str, object], seed: int = 0) -> None:
    """Check that a dataset keeps its contract.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("datasets", dataset, lambda built: examine_dataset(built, seed))


@dataclass(frozen=True)
class DatasetSubject:
    """A dataset, loaded when that is first asked for."""

    component: Dataset
    seed: int
    situation: str = ""

    def load(self, dataset: Dataset | None = None) -> Data:
        """Return the samples as a run with this seed gets them."""
        return (dataset or self.component.model_copy(deep=True)).load(stream(self.seed, "dataset"))

    @cached_property
    def data(self) -> Data:
        """The samples."""
        return self.load()


def examine_dataset(dataset: Dataset, seed: int = 0) -> Iterator[Outcome]:
    """Give the outcome of each check of a dataset."""
    subject = DatasetSubject(dataset, seed)
    if any(isinstance(part, DataFile) and part == NO_FILE for _, part in parts(dataset)):
        reason = "not tried, as no file is given: name one, as in a spec"
        yield Outcome(samples_are_loaded.__name__.replace("_", " "), True, reason)
        yield from outcomes((), [its_JSON_describes_it_in_full], [subject])
    else:
        yield from outcomes(FIRST, CHECKS, [subject])


def samples_are_loaded(subject: DatasetSubject) -> Problems:
    """Load returns as many targets as inputs, at least one in each split, of one shape in all splits.

    Weights and masks match them, and leave something that counts.
    """
    data = subject.data
    shapes = set()
    for split, samples in data.splits.items():
        if not len(samples.inputs):
            yield f"there are no {split} samples"
        if len(samples.inputs) != len(samples.targets):
            yield f"there are {len(samples.inputs)} {split} inputs and {len(samples.targets)} targets"
        try:
            check_weights(split, samples)
        except DataError as error:
            yield error.message
        shapes.add((samples.inputs.shape[1:], samples.targets.shape[1:]))
    if len(shapes) > 1:
        yield f"splits have samples of different shapes: {', '.join(map(str, sorted(shapes, key=str)))}"


def numbers_are_real_and_finite(subject: DatasetSubject) -> Problems:
    """Inputs and targets are real numbers, none of them infinite or missing."""
    for name, array in _arrays(subject.data):
        if array.dtype.kind not in "biuf":
            yield f"{name} are {array.dtype}"
        elif not all(np.isfinite(piece).all() for piece in pieces(array)):
            yield f"a number of {name} is not finite"


def a_seed_determines_the_samples(subject: DatasetSubject) -> Problems:
    """All that is random comes from `rng`, and nothing is remembered."""
    used = subject.component.model_copy(deep=True)
    subject.load(used)
    for what, other in {"again": subject.load(used), "by another instance": subject.load()}.items():
        for (name, first), (_, second) in zip(_arrays(subject.data), _arrays(other), strict=True):
            a, b = _head(first), _head(second)
            if a.shape != b.shape or a.tobytes() != b.tobytes() or len(first) != len(second):
                yield f"{name} are others if they are loaded {what} from the same seed"
                return
    yield from changed_fields(subject.component, used)


def outline_tells_what_load_gives(subject: DatasetSubject) -> Problems:
    """Shapes, rows, splits, classes and kind of the targets that are told before loading are those of the samples."""
    data, outline = subject.data, subject.component.model_copy(deep=True).outline()
    found = Outline(
        data.train.inputs.shape[1:],
        data.train.targets.shape[1:],
        len(data.train.inputs),
        tuple(split for split in data.splits if split != "train"),
        len(data.classes),
        data.about_targets.kind,
    )
    for name, told in vars(outline).items():
        if told is not None and told != getattr(found, name):
            yield f"outline tells {name} {told}, the samples have {getattr(found, name)}"


def class_numbers_are_those_of_the_classes(subject: DatasetSubject) -> Problems:
    """Names of classes are different texts, and class numbers, integers of shape (n,), count from 0."""
    data = subject.data
    if not isinstance(data.classes, tuple) or not all(isinstance(name, str) for name in data.classes):
        yield f"classes is {data.classes!r}, not a tuple of texts"
    elif len({*data.classes}) < len(data.classes):
        yield f"two classes have one name: {data.classes}"
    for split, samples in data.splits.items():
        targets = samples.targets
        if data.classes and (targets.dtype.kind not in "iu" or len(targets.shape) != 1):
            yield f"there are classes, but {split} targets are {targets.dtype} of shape {targets.shape}"
        elif data.classes:
            low, high = (int(each(_head(targets))) for each in (np.min, np.max))
            if low < 0 or high >= len(data.classes):
                yield f"{split} class numbers are from {low} to {high}, and there are {len(data.classes)} classes"


def names_are_as_many_as_what_they_name(subject: DatasetSubject) -> Problems:
    """A name for each input and target, or none at all."""
    data = subject.data
    for field, array in {"input_names": data.train.inputs, "target_names": data.train.targets}.items():
        names, count = getattr(data, field), array.shape[-1] if len(array.shape) > 1 else 1
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            yield f"{field} is {names!r}, not a tuple of texts"
        elif names and len(names) != count and len(array.shape) <= 2:
            yield f"{field} has {len(names)} names for {count}"


def the_function_gives_targets_of_inputs(subject: DatasetSubject) -> Problems:
    """Where the function without noise is known, it has a target for each input, and some are numbers."""
    x = _head(subject.data.train.inputs)[:LOOKED_AT]
    kept = x.copy()
    found = subject.component.function(x)
    if found is None:
        return
    if x.tobytes() != kept.tobytes():
        yield "function writes to its inputs"
    if len(found) != len(x) or found.size != _head(subject.data.train.targets)[: len(x)].size:
        shape = subject.data.train.targets.shape
        yield f"of inputs {x.shape} function returns shape {found.shape}, targets have {shape}"
    elif not np.isfinite(found).any():
        yield "function returns no finite number for the training samples"


def rows_that_are_not_in_memory_are_the_same_each_time(subject: DatasetSubject) -> Problems:
    """They are read in pieces of any size, as arrays that nobody else holds."""
    for name, array in _arrays(subject.data):
        if isinstance(array, Rows):
            first = array[: min(LOOKED_AT, len(array))]
            kept = first.copy()
            first[...] = 0
            again = np.concatenate([array[row : row + 7] for row in range(0, len(kept), 7)])[: len(kept)]
            if not np.array_equal(again, kept):
                yield f"{name} are others if they are read again, in smaller pieces"


def files_of_another_form_are_refused(subject: DatasetSubject) -> Problems:
    """What cannot be loaded is told by a `SpecnetError`, never by another one."""
    files = [(place, part) for place, part in parts(subject.component) if isinstance(part, DataFile)]
    for place, _ in files:
        if len(place) == 1:
            broken = subject.component.model_copy(update={str(place[0]): DataFile(NO_FILE)}, deep=True)
            for what, call in {"load": lambda: subject.load(broken), "outline": broken.outline}.items():  # noqa: B023
                try:
                    call()
                except SpecnetError:
                    continue
                except Exception as error:
                    yield f"where {place[0]} is no file, {what} raises {type(error).__name__}: {error}"


def _arrays(data: Data) -> Iterator[tuple[str, np.ndarray | Rows]]:
    for split, samples in data.splits.items():
        named = {"inputs": samples.inputs, "targets": samples.targets, "weight": samples.weight, "mask": samples.mask}
        yield from ((f"{split} {what}", array) for what, array in named.items() if array is not None)


def _head(array: np.ndarray | Rows) -> np.ndarray:
    """An array, or the first rows of one that is not in memory."""
    return array if isinstance(array, np.ndarray) else array[: min(LOOKED_AT, len(array))]


FIRST: tuple[Check[DatasetSubject], ...] = (samples_are_loaded,)
CHECKS: tuple[Check[DatasetSubject], ...] = (
    numbers_are_real_and_finite,
    a_seed_determines_the_samples,
    outline_tells_what_load_gives,
    class_numbers_are_those_of_the_classes,
    names_are_as_many_as_what_they_name,
    the_function_gives_targets_of_inputs,
    rows_that_are_not_in_memory_are_the_same_each_time,
    files_of_another_form_are_refused,
    its_JSON_describes_it_in_full,
)
