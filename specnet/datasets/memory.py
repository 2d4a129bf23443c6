"""Samples in memory: arrays, and data frames of pandas, polars, pyarrow and others, by the names of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, Self, cast

import numpy as np

from specnet.component import build
from specnet.datasets.array_values import as_array, class_array, number_array
from specnet.datasets.base import Dataset, Samples
from specnet.datasets.checks import check_samples, number_classes
from specnet.datasets.columnar import Columnar
from specnet.datasets.masks import length_mask
from specnet.datasets.split import SPLITS
from specnet.datasets.table import ArrayTable
from specnet.errors import DataError, SpecError

_FORMS = 'data are arrays (x, y) or (x, y, weight), a data frame, or {"train": …, "validation": …, "test": …} of these'


class Given(NamedTuple):
    """The samples of a split as the user has them: arrays, or a data frame that may contain the targets."""

    inputs: Any
    targets: Any = None
    weight: Any = None
    mask: Any = None

    @property
    def is_frame(self) -> bool:
        """Whether the inputs are columns with names."""
        return frame_names(self.inputs) is not None


class InMemory(Dataset):
    """Samples that are given in Python. They are neither saved with a run nor pickled."""

    given: ClassVar[Mapping[str, Given]] = {}
    """The samples of each split; those of an instance are its own."""

    def with_data(self, given: Mapping[str, Given]) -> Self:
        """Return this dataset with samples.

        Raises:
            DataError: if they are not what the dataset takes.
        """
        made = self.model_copy()
        made.__dict__["given"] = given
        return made

    def require(self) -> None:
        """Check that there are samples.

        Raises:
            DataError: saying how to pass them.
        """
        if not self.given:
            raise DataError(
                "the data of this run were given in Python, and are not saved with it",
                help="pass the same data again: specnet.resume(run, data=…) to resume, specnet.load_run(run, data=…) "
                "to use the run",
            )

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        fields = {name: value for name, value in state["__dict__"].items() if name not in ("given", "loaded")}
        return {**state, "__dict__": fields}


def splits_given(data: Any) -> dict[str, Given]:
    """Return the samples of each split, train first.

    Raises:
        DataError: if the data have none of the forms that they may have.
    """
    if isinstance(data, Mapping) and frame_names(data) is None:
        if {*data} - {*SPLITS}:
            raise DataError(f"data have the splits {', '.join(map(repr, data))}", help=_FORMS)
        if data.get("train") is None:
            raise DataError('data have no split "train"', help=_FORMS)
        return {split: _one_given(data[split]) for split in SPLITS if data.get(split) is not None}
    return {"train": _one_given(data)}


def _one_given(data: Any) -> Given:
    if isinstance(data, tuple) and 2 <= len(data) <= len(Given._fields):
        return Given(*data)
    if frame_names(data) is None:
        kind = type(data).__name__
        if hasattr(data, "columns"):
            raise DataError(f"the columns of the {kind} have names that are not text", help='frame.columns = ["a", …]')
        raise DataError(f"data of type {kind} are not samples", help=_FORMS)
    return Given(data)


def dataset_type(given: Mapping[str, Given]) -> str:
    """Return the type of the dataset for such samples."""
    return "frame" if given["train"].is_frame else "arrays"


def give_data(dataset: Dataset, given: Mapping[str, Given]) -> Dataset:
    """Return a spec's dataset with samples.

    Raises:
        DataError: if the dataset reads its own, or takes others.
    """
    if not isinstance(dataset, InMemory):
        message = f"the spec has its own dataset, {type(dataset).__name__}, and cannot use other data"
        raise DataError(message, pointer=("dataset",), help='leave out "dataset", or the data')
    try:
        return dataset.with_data(given)
    except DataError as error:
        raise error.at("dataset") from None


def frame_names(frame: Any) -> list[str] | None:
    """Return the column names of a data frame, or None if the object is not a data frame with named columns."""
    if isinstance(frame, np.ndarray) or not hasattr(frame, "__getitem__"):
        return None
    names = getattr(frame, "column_names", getattr(frame, "columns", None))
    if not isinstance(names, Iterable):
        return None
    names = list(names)
    return names if names and all(isinstance(name, str) for name in names) else None


def column_array(column: Any) -> np.ndarray:
    """Return the cells of a column as numbers, dates, or objects such as text."""
    values = np.asarray(column)
    if values.dtype.kind in "biufMU":
        return values
    cells = column.to_pylist() if hasattr(column, "to_pylist") else list(column)  # pyarrow's cells are no text
    return np.fromiter(cells, object, len(cells))


def target_columns(given: Given, known: Sequence[str] = ()) -> dict[str, Any]:
    """Return targets that are given by themselves, by their names; `known` names those without a name."""
    targets = given.targets
    if targets is None:
        return {}
    if names := frame_names(targets):
        return {name: targets[name] for name in names}
    columns = [targets] if (array := as_array(targets, "targets")).ndim < 2 else [*array.T]
    name = getattr(targets, "name", None)
    own = [name] if isinstance(name, str) and name else [f"y{number}" for number in range(len(columns))]
    own = ["target"] if own == ["y0"] else own
    return dict(zip(known if len(known) == len(columns) else own, columns, strict=True))


class FrameTable(ArrayTable):
    """The columns of a data frame, and targets beside them if these are given by themselves."""

    def __init__(self, source: str, given: Given, known: Sequence[str] = ()) -> None:
        if given.mask is not None:
            raise DataError("a mask is for sequences, not for the rows of a data frame")
        self.weight = given.weight
        targets = target_columns(given, known)
        names = [name for name in frame_names(given.inputs) or () if name not in targets]
        super().__init__(
            source,
            [*names, *targets],
            lambda name: column_array(targets[name] if name in targets else given.inputs[name]),
        )
        for name, column in targets.items():
            if len(column) != self.rows:
                raise DataError(f"{source} has {self.rows} rows, and {len(column)} values of the target {name}")


def column_names(inputs: Sequence[str], targets: Sequence[str], classes: Sequence[str]) -> dict[str, Any]:
    """Return the columns of a table dataset for inputs that are numbers, with these names of targets and classes."""
    kind: dict[str, Any] = {"type": "category", "categories": [*classes]} if classes else {"type": "number"}
    return {
        "inputs": [{"name": name, "type": "number"} for name in inputs],
        "targets": [{"name": name, **kind} for name in targets or ["target"]],
    }


@contextmanager
def without_places() -> Iterator[None]:
    """Raise mistakes in columns as errors of the data, without their places in a spec."""
    try:
        yield
    except SpecError as error:
        found = error.diagnostics
        raise DataError("\n".join(each.message for each in found), help=found[0].help) from error


class Reader(NamedTuple):
    """How the samples for a trained network are read: by its dataset, or by the names of inputs and targets."""

    dataset: Dataset
    inputs: Sequence[str] = ()
    targets: Sequence[str] = ()
    classes: tuple[str, ...] = ()

    def read_frame(self, table: ArrayTable, *, targets: bool) -> Samples | None:
        """Return the samples in a table; None if the dataset has no names of columns.

        Raises:
            DataError: if columns are missing or wrong.
        """
        with without_places():
            found = self.dataset.read_table(table, targets=targets)
            if found is None and self.inputs:
                columns = column_names(self.inputs, self.targets, self.classes)
                found = cast(Dataset, build("datasets", {"type": "frame", **columns})).read_table(
                    table, targets=targets
                )
        return found

    def read_inputs(self, inputs: Any) -> Any:
        """Return the inputs in a data frame, or anything else unchanged; errors as above."""
        if frame_names(inputs) is None:
            return inputs
        found = self.read_frame(FrameTable("the data frame", Given(inputs)), targets=False)
        return inputs if found is None else found.inputs

    def read_samples(self, given: Given) -> Samples:
        """Return inputs and targets, whose classes may be names.

        Raises:
            DataError: if they are no samples.
        """
        found = None
        if given.is_frame:
            found = self.read_frame(FrameTable("the data frame", given, self.targets), targets=True)
            weight = _optional(given.weight, "weight")
            found = found and (found if weight is None else found._replace(weight=weight))
        if found is None:
            if isinstance(self.dataset, Columnar) and self.classes and given.targets is not None:
                given = given._replace(targets=np.asarray(given.targets).astype(str))  # as in its column
            found = as_samples(given, self.classes)
        check_samples("given", found)
        return found


def as_samples(given: Given, classes: Sequence[str] = ()) -> Samples:
    """Return the arrays of a split; targets that are names of classes become their numbers.

    Arrays are not copied, but cannot be written to.

    Raises:
        DataError: if they are not rows of numbers.
    """
    if given.targets is None:
        raise DataError("there are no targets", help=_FORMS)
    inputs, targets = number_array(given.inputs, "inputs"), class_array(given.targets)
    if classes:
        targets = number_classes(targets, tuple(classes))
    mask = _optional(given.mask, "mask")
    if mask is not None and mask.dtype.kind in "iu" and mask.ndim == 1 and inputs.ndim > 1:
        mask = length_mask(mask, inputs.shape[1])
    return Samples(_locked(inputs), _locked(targets), _optional(given.weight, "weight"), mask)


def _optional(values: Any, what: str) -> np.ndarray | None:
    return None if values is None else _locked(number_array(values, what))


def _locked(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
