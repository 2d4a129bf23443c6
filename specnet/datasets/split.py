"""The split of training samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydantic import Field

from specnet.component import Section
from specnet.datasets.base import AnySamples, Data
from specnet.datasets.rows import pieces
from specnet.errors import DataError
from specnet.task import class_numbers


class Split(Section):
    """Shares of the dataset's training samples that are set aside, drawn at random."""

    validation: float = Field(default=0.0, ge=0, lt=1, description="share for validation")
    test: float = Field(default=0.0, ge=0, lt=1, description="share for the test at the end")
    stratify: bool = Field(default=False, description="whether each class is divided in the same shares")

    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """Return the data with the shares taken from the training samples, each in the dataset's order.

        Raises:
            DataError: if a share is empty, takes everything, or the dataset has that split already.
        """
        shares = [name for name in ("validation", "test") if getattr(self, name)]
        if not shares:
            return data
        for name in shares:
            if name in data.splits:
                raise DataError(f"the dataset has its own {name} samples", pointer=(name,), help="leave this share out")
        count = len(data.train.inputs)
        part = np.zeros(count, np.uint8)  # index of the split: 0 is train
        for members in self._groups(data.train):
            shuffled, start = rng.permutation(members), 0
            for number, size in enumerate(self.counts(len(members)).values(), 1):
                part[shuffled[start : start + size]] = number
                start += size
        chosen: dict[str, Any] = {}
        for number, name in enumerate(("train", *shares)):
            rows = np.flatnonzero(part == number)
            if not rows.size:
                raise DataError(f"no {name} sample is left out of {count}", help="choose other shares")
            chosen[name] = data.train.select(rows)
        return dataclasses.replace(data, **chosen)

    def counts(self, rows: int) -> dict[str, int]:
        """Return the number of samples in each share, given the number of rows."""
        shares = {"validation": self.validation, "test": self.test}
        return {name: round(share * rows) for name, share in shares.items() if share}

    def _groups(self, samples: AnySamples) -> Iterator[np.ndarray]:
        """Yield the indices of the samples that are divided together."""
        if not self.stratify:
            yield np.arange(len(samples.targets))
            return
        numbers = [class_numbers(piece) for piece in pieces(samples.targets)]
        found = [each for each in numbers if each is not None and each.ndim == 1]
        if len(found) < len(numbers):
            raise DataError(
                "targets are not classes: there is nothing to stratify by",
                pointer=("stratify",),
                help="set stratify to false",
            )
        group = np.concatenate(found)
        for value in np.unique(group):
            yield np.flatnonzero(group == value)
