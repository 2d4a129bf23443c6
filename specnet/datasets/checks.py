"""Checks of the samples that a dataset has loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from specnet.datasets.base import AnySamples, Data, Samples, StreamedSamples
from specnet.datasets.rows import Rows, pieces
from specnet.diagnostics import show_value
from specnet.errors import DataError, Diagnostic, SpecError
from specnet.features import Feature, FeatureKind
from specnet.functions import all_finite
from specnet.words import quote

_FILL = "fill them: --set transforms.inputs+=impute; or leave these rows out: --set dataset.missing=drop"
_CATEGORY = 'write {"name": "%s", "missing": "category"}, or leave these rows out: --set dataset.missing=drop'


def checked_data(data: Any) -> Data:
    """Return what a dataset has loaded, after checking its type.

    Raises:
        TypeError: naming the type found.
    """
    if not isinstance(data, Data):
        raise TypeError(f"it returns {type(data).__name__}, not Data")
    for name, samples in data.splits.items():
        if not isinstance(samples, (Samples, StreamedSamples)):
            raise TypeError(f"its {name} samples are {type(samples).__name__}, not Samples")
        expected = np.ndarray if isinstance(samples, Samples) else Rows
        named = {"inputs": samples.inputs, "targets": samples.targets, "weight": samples.weight, "mask": samples.mask}
        for what, array in named.items():
            if array is None and what in ("weight", "mask"):
                continue
            if not isinstance(array, expected):
                found = f"{type(array).__name__}, {type(samples).__name__} have {expected.__name__}"
                raise TypeError(f"its {name} {what} are {found}")
            if not array.shape or array.dtype.kind not in "biuf":
                raise TypeError(f"its {name} {what} are {array.dtype} of shape {array.shape}, not rows of numbers")
    return data


def check_classes(data: Data) -> None:
    """Check that a dataset whose targets have named classes has two of them at least.

    Raises:
        DataError: if all targets are the same.
    """
    if len(data.classes) == 1:
        message = f"all targets are {quote(data.classes[0])}: there is nothing to learn"
        raise DataError(message, help="add samples of another class")


def check_samples(split: str, samples: AnySamples) -> None:
    """Check that a split has samples, as many targets as inputs, finite numbers and valid weights.

    Inputs may be NaN, which stands for a missing value.

    Raises:
        DataError: naming what is wrong.
    """
    if len(samples.inputs) == 0:
        raise DataError(f"there are no {split} samples")
    if len(samples.inputs) != len(samples.targets):
        raise DataError(f"there are {len(samples.inputs)} {split} inputs and {len(samples.targets)} targets")
    for what, array in {"inputs": samples.inputs, "targets": samples.targets, "weights": samples.weight}.items():
        start = 0
        for piece in () if array is None else pieces(array):
            if not all_finite(piece) and (wrong := np.isinf(piece) if what == "inputs" else ~np.isfinite(piece)).any():
                row = start + int(np.argwhere(wrong)[0][0])
                raise DataError(f"the {split} {what} are not finite in {{place}}", row=row)
            start += len(piece)
    check_weights(split, samples)


def check_weights(split: str, samples: AnySamples) -> None:
    """Check that weight and mask of samples, if given, match inputs and targets and that something counts.

    Raises:
        DataError: naming what is wrong.
    """
    (rows, *_), weight, mask = samples.inputs.shape, samples.weight, samples.mask
    if weight is not None:
        sizes = zip_longest(weight.shape[1:], samples.targets.shape[1:], fillvalue=1)
        if len(weight) != rows or any(size not in (1, expected) for size, expected in sizes):
            shapes = f"{weight.shape}, expected ({rows},) or the shape of the targets, {samples.targets.shape}"
            raise DataError(f"the {split} weight has shape {shapes}")
        start = 0
        for piece in pieces(weight):
            if (wrong := np.argwhere(piece < 0)).size:
                number = piece[tuple(wrong[0])]
                raise DataError(f"a {split} weight is negative, {number:g} in {{place}}", row=start + int(wrong[0][0]))
            start += len(piece)
        if not any(piece.any() for piece in pieces(weight)):
            raise DataError(f"all {split} weights are 0")
    if mask is not None:
        if mask.dtype != bool or len(mask.shape) != 2 or mask.shape != samples.inputs.shape[:2]:
            shape = f"inputs have shape {samples.inputs.shape}, and a mask is bool of shape (samples, time)"
            raise DataError(f"the {split} mask is {mask.dtype} of shape {mask.shape}: {shape}")
        if not any(piece.any() for piece in pieces(mask)):
            raise DataError(f"all positions of the {split} samples are masked")


def check_complete_columns(data: Data, splits: Mapping[str, AnySamples], features: Sequence[Feature]) -> None:
    """Check that no input is missing, which is NaN; `features` are those of the inputs, empty if they have no names.

    Raises:
        SpecError: with a mistake for each column with missing values.
    """
    counts, first, kinds = Counter[str](), dict[str, tuple[int, str]](), dict[str, FeatureKind]()
    for split, samples in splits.items():
        start = 0
        for piece in pieces(samples.inputs):
            if piece.dtype.kind == "f" and not all_finite(piece):
                missing, found = np.isnan(piece), dict[str, int]()
                # The steps of a sequence count once: sequences overlap.
                missing = missing.any(axis=1) if features and piece.ndim == 3 else missing.reshape(len(piece), -1)
                for number in np.flatnonzero(missing.any(axis=0)).tolist():
                    feature = features[number] if features else Feature("")
                    column = feature.column or feature.name
                    found[column], kinds[column] = int(missing[:, number].sum()), feature.kind
                    row = start + int(np.argmax(missing[:, number]))
                    origin = int(data.origins[split][row]) if split in data.origins else len(data.train.inputs) + row
                    if column not in first or origin < first[column][0]:
                        first[column] = origin, data.place(split, row)
                counts.update(found)
            start += len(piece)
    if counts:
        rows = sum(len(samples.inputs) for samples in splits.values())
        raise SpecError(
            _missing(column, counts[column], rows, place, kinds[column]) for column, (_, place) in first.items()
        )


def _missing(column: str, count: int, rows: int, place: str, kind: FeatureKind) -> Diagnostic:
    values = "a value is missing" if count == 1 else f"{count:,} values are missing"
    name = f"column {quote(column)}" if column else "the inputs"
    if column and count == rows:
        help = 'leave it out: name other inputs, or with "*" write it into "exclude"'
        return Diagnostic("data", f"{name}: all values are missing", help=help)
    help = _CATEGORY % column if kind == "category" else _FILL
    return Diagnostic("data", f"{name}: {values}, the first in {place}", help=help)


def with_classes(splits: Mapping[str, Any]) -> Data:
    """Return samples, after replacing targets that are text by the numbers of the classes that training has."""
    targets = splits["train"].targets
    if targets.dtype.kind != "U":
        return Data(**splits)
    classes = tuple(np.unique(targets).tolist())
    numbered = {
        name: samples._replace(targets=number_classes(samples.targets, classes)) for name, samples in splits.items()
    }
    return Data(**numbered, classes=classes)


def number_classes(targets: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Return targets with names of classes (n,) as their positions in `classes`; others unchanged.

    Raises:
        DataError: naming the first row with another class.
    """
    if targets.dtype.kind != "U":
        return targets
    numbers = {name: number for number, name in enumerate(classes)}
    found = np.array([numbers.get(name, -1) for name in targets.tolist()])
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        message = (
            f"the target {show_value(str(targets[row]))} in {{place}} is not one of the classes {show_value(classes)}"
        )
        raise DataError(message, row=row)
    return found
