"""Masks of sequences of different length: which positions count."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from specnet.datasets.base import AnySamples, Dataset, Samples
from specnet.datasets.rows import Rows
from specnet.errors import DataError

PaddingValue = Annotated[
    float | None, Field(description="number that marks padding: positions whose inputs all equal it are masked")
]


class Padded(Dataset):
    """A dataset with a field `padding_value`."""

    def mask_of(self, inputs: np.ndarray) -> np.ndarray | None:
        return None if self.padding_value is None else padding_mask(inputs, self.padding_value)


def padding_mask(inputs: np.ndarray, value: float | None) -> np.ndarray:
    """Return where (n, time) inputs (n, time, ...) are not padding: all features of a position equal `value`."""
    other = inputs != value
    return other.reshape(*other.shape[:2], -1).any(axis=2)


def length_mask(lengths: np.ndarray, time: int) -> np.ndarray:
    """Return True (n, time) for the first `lengths` (n,) positions.

    Raises:
        DataError: naming the first row whose length is no whole number from 0 to `time`.
    """
    wrong = (lengths < 0) | (lengths > time) | (lengths != np.floor(lengths))
    if wrong.any():
        row = int(np.argmax(wrong))
        message = f"the length {lengths[row]:g} in {{place}} is not a number of positions of a sequence of {time}"
        raise DataError(message, row=row)
    return np.arange(time) < lengths[:, np.newaxis]


def with_mask(samples: AnySamples, padding_value: float | None, lengths: np.ndarray | None = None) -> AnySamples:
    """Return samples with the mask that the lengths of sequences or a padding value stand for.

    Raises:
        DataError: if inputs are no sequences, or a length is wrong.
    """
    if padding_value is None and lengths is None:
        return samples
    check_sequences(samples.inputs.shape[1:], "padding_value" if lengths is None else "lengths")
    time = samples.inputs.shape[1]

    def make(x: Any) -> np.ndarray:
        return padding_mask(x, padding_value) if lengths is None else length_mask(x, time)

    if isinstance(samples, Samples):
        return samples._replace(mask=make(samples.inputs if lengths is None else lengths))
    rows = samples.inputs
    if lengths is not None:
        rows = Rows(lengths.shape, lengths.dtype, lambda start, stop: lengths[start:stop])
    return samples._replace(mask=rows.map(make))


def check_sequences(shape: tuple[int, ...], field: str) -> None:
    """Check that samples are sequences (time,) or (time, features).

    Raises:
        DataError: at the field that makes a mask of them.
    """
    if len(shape) not in (1, 2):
        message = f"positions are masked in sequences (time, features) or (time,), but a sample has shape {shape}"
        raise DataError(message, pointer=(field,))
