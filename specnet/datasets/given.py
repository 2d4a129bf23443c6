"""Datasets that are given in Python: `specnet.run(spec, data=…)`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from pydantic import Field

from specnet.datasets.array_values import number_array
from specnet.datasets.base import Data, Outline, Samples
from specnet.datasets.checks import with_classes
from specnet.datasets.column_reader import ColumnReader
from specnet.datasets.columnar import Columnar
from specnet.datasets.columns import ALL, Column, Columns, InputColumns
from specnet.datasets.masks import Padded, PaddingValue, with_mask
from specnet.datasets.memory import FrameTable, Given, InMemory, as_samples, target_columns
from specnet.errors import DataError

_EARLY = 500_000
"""Cells of a frame up to which types of columns are found before training."""


class GivenArrays(InMemory, Padded):
    """Arrays that are given in Python, with samples along the first axis: `specnet.run(spec, data=(x, y))`.

    `(x, y, weight)` adds the weight of each sample, `(x, y, None, mask)` a mask (n, time), or the lengths (n,) of
    sequences, and `{"train": …, "validation": …, "test": …}` further splits.
    Targets (n,) of text are classes. A run keeps the SHA-256 of the arrays, not the arrays.
    """

    input_names: list[str] = Field(
        default=[], max_length=100_000, description="names of the inputs, if they are columns"
    )
    target_names: list[str] = Field(default=[], max_length=10_000, description="names of the targets")
    classes: list[str] = Field(
        default=[], max_length=65_536, description="names of the classes; [] for those of targets that are text"
    )
    padding_value: PaddingValue = None

    def with_data(self, given: Mapping[str, Given]) -> Self:
        samples = {split: as_samples(each, self.classes) for split, each in given.items()}
        columns = next(iter(samples.values())).inputs.shape[1:]
        targets = next(iter(samples.values())).targets.shape[1:]
        if (names := len(self.target_names)) and targets != (names,) and (targets or names > 1):
            raise DataError(f"there are {names} names for targets of shape {targets}")
        if len({*self.classes}) < len(self.classes):
            raise DataError("the names of two classes are the same", pointer=("classes",))
        if self.input_names and columns != (len(self.input_names),):
            raise DataError(f"there are {len(self.input_names)} names for inputs of shape {columns}")
        for split, each in samples.items():
            if not (rows := len(each.inputs)) or len(each.targets) != rows:
                raise DataError(f"there are {rows} {split} inputs and {len(each.targets)} targets")
        return super().with_data(samples)  # type: ignore[arg-type]

    def resolve(self, *, classes: bool, reserved: Collection[str], early: bool) -> tuple[Self, Sequence[str]]:
        found = () if self.classes or not self.given else self.load(np.random.default_rng()).classes
        return (self.model_copy(update={"classes": [*found]}) if found else self), ()

    def outline(self) -> Outline:
        return self.load(np.random.default_rng()).outline if self.given else Outline()

    def load(self, rng: np.random.Generator) -> Data:
        self.require()
        samples = {split: Samples(*each) for split, each in self.given.items()}
        data = with_classes({split: with_mask(each, self.padding_value) for split, each in samples.items()})
        return replace(
            data,
            classes=tuple(self.classes) or data.classes,
            input_names=tuple(self.input_names),
            target_names=tuple(self.target_names),
        )


class GivenFrame(InMemory, Columnar):
    """A data frame of pandas, polars, pyarrow or another library: `specnet.run(spec, data=frame)`.

    Fields and types of columns are as in `csv`. `(frame, y)` and `(frame, y, weight)` take targets and weights that are
    not columns of the frame; `targets` may then be left out. `{"train": …, "validation": …, "test": …}` adds further
    splits. A run keeps the SHA-256 of the samples, not the frame.
    """

    inputs: InputColumns = Field(
        default=[ALL],  # type: ignore[list-item]
        min_length=1,
        max_length=100_000,
        description='input columns; "*" stands for all columns without another use',
    )
    targets: Columns = Field(
        default=[], max_length=10_000, description="target columns; [] if the targets are given by themselves"
    )

    def with_data(self, given: Mapping[str, Given]) -> Self:
        if wrong := [split for split, each in given.items() if not each.is_frame]:
            raise DataError(
                f"the {wrong[0]} inputs have no names of columns", help='the dataset for arrays is "arrays"'
            )
        made = super().with_data(given)
        if not made.targets:
            columns = target_columns(given["train"])
            if not columns:
                help = '"dataset": {"targets": ["price"]}, or data=(frame, y)'
                raise DataError("no target columns are named", pointer=("targets",), help=help)
            made.targets = [Column(name=name) for name in columns]
        return made

    @property
    def sources(self) -> dict[str, Any]:
        return {split: split for split in self.given or ("train",)}

    def table(self, source: str, limit: int | None = None) -> FrameTable:
        self.require()
        name = "the data frame" if source == "train" else f"the {source} data frame"
        return FrameTable(name, self.given[source], [column.name for column in self.targets])

    def is_known(self, early: bool) -> bool:
        if not (self.given and early):
            return bool(self.given)
        table = self.table("train")
        return table.rows * len(table.names) <= _EARLY

    def stamp(self) -> None:
        return None

    def _known_rows(self) -> int | None:
        return None if self._drops or not self.given else self.table("train").rows

    def _weights(self, reader: ColumnReader) -> np.ndarray | None:
        weight = getattr(reader.table, "weight", None)
        if weight is None:
            return super()._weights(reader)
        return number_array(weight, "weight").astype(np.float64)
