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
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="determines which samples are set aside; null: the seed of the spec"
    )

    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """Return the data with the shares taken from the training samples, each in the dataset's order.

        With `stratify`, each share is distributed over the classes by the method of largest remainders, and each class
        keeps a sample to train on.

        Raises:
            DataError: if a share is empty, takes too much, or the dataset has that split already.
        """
        shares = [name for name in ("validation", "test") if getattr(self, name)]
        if not shares:
            return data
        for name in shares:
            if name in data.splits:
                raise DataError(f"the dataset has its own {name} samples", pointer=(name,), help="leave this share out")
        count = len(data.train.inputs)
        part = np.zeros(count, np.uint8)  # index of the split: 0 is train
        groups = [rng.permutation(members) for members in self._groups(data.train)]
        sizes = np.array([len(members) for members in groups])
        taken = np.zeros_like(sizes)
        for number, size in enumerate(self.counts(count).values(), 1):
            room = sizes - taken - self.stratify
            if size > room.sum():
                raise self._too_much(count, len(groups))
            for members, start, more in zip(groups, taken, given := apportion(size, sizes, room, rng), strict=True):
                part[members[start : start + more]] = number
            taken += given
        chosen: dict[str, Any] = {}
        origins = {}
        for number, name in enumerate(("train", *shares)):
            rows = np.flatnonzero(part == number)
            if not rows.size:
                raise DataError(f"no {name} sample is left out of {count}", help="choose other shares")
            chosen[name], origins[name] = data.train.select(rows), rows
        return dataclasses.replace(data, **chosen, origins=origins)

    def _too_much(self, count: int, groups: int) -> DataError:
        if not self.stratify:
            return DataError(f"no train sample is left out of {count}", help="choose smaller shares")
        wanted = sum(self.counts(count).values())
        return DataError(
            f"each of the {groups} classes keeps a sample to train on: {wanted} of {count} samples cannot be set aside",
            help=f"choose smaller shares, {(count - groups) / count:.3g} at most together, or set stratify to false",
        )

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


def apportion(total: int, sizes: np.ndarray, room: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return whole numbers with sum `total` in proportion to `sizes`, none above `room`, by largest remainders.

    Equal remainders are ordered at random. `room` has at least `total` in all.
    """
    exact = total * sizes / sizes.sum()
    given = np.minimum(np.floor(exact).astype(np.int64), room)
    order = np.lexsort((rng.random(len(sizes)), given - exact))
    while lacking := total - int(given.sum()):
        given[order[(given < room)[order]][:lacking]] += 1
    return given
