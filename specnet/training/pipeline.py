"""The transforms of a spec, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from specnet.component import Section
from specnet.datasets.base import Rows
from specnet.errors import SpecnetError
from specnet.transforms.base import Transform


class Transforms(Section):
    """What inputs and targets go through on their way to the network, in order."""

    inputs: list[Transform] = Field(default=[], max_length=100, description="transforms of inputs")
    targets: list[Transform] = Field(
        default=[], max_length=100, description="transforms of targets, undone for predictions and metrics"
    )


class Pipeline:
    """A list of transforms as one; `place` says where it stands in the spec, for messages."""

    def __init__(self, transforms: Sequence[Transform], place: tuple[str, ...]) -> None:
        self.transforms = transforms
        self.place = place

    def fit(self, x: np.ndarray) -> np.ndarray:
        """Fit each transform on x as the ones before it leave it, and return x transformed."""
        for number, transform in enumerate(self.transforms):
            try:
                transform.fit(x)
                x = transform.apply(x)
            except SpecnetError as error:
                raise error.at(*self.place, number) from None
        return x

    def fit_pieces(self, rows: Rows) -> None:
        """Fit each transform on rows as the ones before it leave them; they are read anew for each."""
        for number, transform in enumerate(self.transforms):
            try:
                transform.fit_pieces(rows.pieces)
                rows = rows.map(transform.apply)
            except SpecnetError as error:
                raise error.at(*self.place, number) from None

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return x transformed."""
        for number, transform in enumerate(self.transforms):
            try:
                x = transform.apply(x)
            except SpecnetError as error:
                raise error.at(*self.place, number) from None
        return x

    def invert(self, y: np.ndarray) -> np.ndarray:
        """Return y with all transforms undone."""
        for transform in reversed(self.transforms):
            y = transform.invert(y)
        return y

    def save(self) -> list[dict[str, Any]]:
        """Return what each transform has learnt, as JSON values."""
        return [{name: getattr(transform, name).tolist() for name in transform.fitted} for transform in self.transforms]

    def restore(self, saved: list[dict[str, Any]]) -> None:
        """Give each transform back what `save` returned.

        Raises:
            ValueError: if that cannot be.
        """
        for transform, values in zip(self.transforms, saved, strict=True):
            for name in transform.fitted:
                array = np.asarray(values[name])
                if array.dtype.kind not in "biufU" or (array.dtype.kind == "f" and not np.isfinite(array).all()):
                    raise ValueError(f"{name} of {type(transform).__name__} holds no numbers or names")
                setattr(transform, name, array)
