"""`InputColumn`: a column of the data with all its features. Held-out samples, as they are looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from specnet.datasets.base import Samples
from specnet.datasets.columnar import Columnar
from specnet.datasets.sampling import evenly_chosen
from specnet.errors import PlotError, UsageError
from specnet.features import FeatureKind, features_named
from specnet.functions import format_number
from specnet.layers.stack import take_whole
from specnet.names import suggest
from specnet.plots.base import Trained
from specnet.words import quote

MOST_HELD_OUT = 10_000
"""Samples that are used at most, evenly chosen of a larger split."""


class InputColumn(NamedTuple):
    """A column of the inputs: its name, its kind and the numbers of its features, several for a category."""

    name: str
    kind: FeatureKind
    places: list[int]


class HeldOutSamples(NamedTuple):
    """Samples of a split with `total` of them, all or evenly chosen."""

    split: str
    samples: Samples
    total: int

    @property
    def label(self) -> str:
        """How many samples of which split."""
        count = len(self.samples.inputs)
        return f"{count:,} samples of the {self.split} split" + (f", of {self.total:,}" if count < self.total else "")


def held_out(run: Trained, split: str | None = None, most: int = MOST_HELD_OUT) -> HeldOutSamples:
    """Return samples of a split, by default of the test split if there is one, else of validation, else of train.

    Raises:
        UsageError: if the run has no such split.
        SpecnetError: if the data cannot be loaded any more.
    """
    splits = run.data.splits
    name = split or run.data.last_split[0]
    if name not in splits:
        raise UsageError(f"this run has no {name} samples", help=suggest(name, splits, "splits"))
    return HeldOutSamples(name, evenly_chosen(splits[name], most), len(splits[name].inputs))


def input_columns(run: Trained) -> list[InputColumn]:
    """Return the columns of the inputs, in their order; those without names are called x0, x1, ….

    Raises:
        PlotError: if samples are not rows of columns, but images or sequences.
    """
    shape, features = run.data.train.inputs.shape[1:], run.data.input_features
    tokens = take_whole(run.layers) and not features
    if len(shape) != 1 or tokens:
        raise PlotError(
            f"columns are needed, but inputs {'are sequences of whole numbers' if tokens else f'have shape {shape}'}",
            help="for images and sequences, use saliency and occlusion",
        )
    if len(features) != shape[0]:
        features = features_named([f"x{number}" for number in range(shape[0])])
    columns: dict[str, InputColumn] = {}
    for place, feature in enumerate(features):
        name = feature.column or feature.name
        columns.setdefault(name, InputColumn(name, feature.kind, [])).places.append(place)
    return list(columns.values())


def chosen_columns(run: Trained, names: Iterable[str]) -> list[InputColumn]:
    """Return the columns with these names, or all columns if no names are given.

    Raises:
        UsageError: naming a column that does not exist, and those that do.
        PlotError: as `input_columns` does.
    """
    columns = {column.name: column for column in input_columns(run)}
    wanted = [*names] or [*columns]
    for name in wanted:
        if name not in columns:
            raise UsageError(f"there is no input column {quote(name)}", help=suggest(name, columns, "columns"))
    return [columns[name] for name in wanted]


def category_values(run: Trained, column: InputColumn, inputs: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return each category among inputs (n, features): its name, and the numbers (places,) of the column's features."""
    rows: np.ndarray = np.unique(inputs[:, column.places], axis=0)
    features = run.data.input_features
    known = run.dataset.inputs if isinstance(run.dataset, Columnar) else []
    categories = next((each.categories for each in known if each.name == column.name and each.categories), [])

    def name(row: np.ndarray) -> str:
        if len(row) > 1:
            found = features[column.places[int(np.argmax(row))]].name if np.nanmax(row, initial=0.0) > 0 else "none"
            return found.removeprefix(f"{column.name}=").removeprefix(f"{column.name}.")
        number = float(row[0])
        return categories[int(number)] if number in range(len(categories)) else format_number(number)

    rows = rows[~np.isnan(rows).any(axis=1)]
    return [(name(row), row) for row in (rows[::-1] if len(column.places) > 1 else rows)]
