"""How training samples are divided."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from pydantic import Field

from specnet.component import Section
from specnet.datasets.base import Data, Samples
from specnet.errors import DataError
from specnet.functions import class_numbers


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
        group = self._groups(data.train.targets)
        part = np.full(count, "train", dtype="<U10")
        for members in (np.flatnonzero(group == value) for value in np.unique(group)):
            shuffled, start = rng.permutation(members), 0
            for name, size in self.counts(len(members)).items():
                part[shuffled[start : start + size]] = name
                start += size
        for name in ("train", *shares):
            if not (part == name).any():
                raise DataError(f"no {name} sample is left of {count}", help="choose other shares")
        chosen: dict[str, Any] = {
            name: Samples(data.train.inputs[part == name], data.train.targets[part == name])
            for name in ("train", *shares)
        }
        return dataclasses.replace(data, **chosen)

    def counts(self, rows: int) -> dict[str, int]:
        """Return how many of so many samples each share takes."""
        shares = {"validation": self.validation, "test": self.test}
        return {name: round(share * rows) for name, share in shares.items() if share}

    def _groups(self, targets: np.ndarray) -> np.ndarray:
        if not self.stratify:
            return np.zeros(len(targets), dtype=np.int64)
        numbers = class_numbers(targets)
        if numbers is None or numbers.ndim != 1:
            raise DataError(
                "targets are not classes: there is nothing to stratify by",
                pointer=("stratify",),
                help="set stratify to false",
            )
        return numbers
