"""Checks of the samples that a dataset has loaded."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np

from specnet.datasets.base import AnySamples, Data, Samples, StreamedSamples
from specnet.datasets.rows import Rows, pieces
from specnet.errors import DataError
from specnet.functions import all_finite


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


def check_samples(split: str, samples: AnySamples) -> None:
    """Check that a split has samples, as many targets as inputs, finite numbers and valid weights.

    Raises:
        DataError: naming what is wrong.
    """
    if len(samples.inputs) == 0:
        raise DataError(f"there are no {split} samples")
    if len(samples.inputs) != len(samples.targets):
        raise DataError(f"there are {len(samples.inputs)} {split} inputs and {len(samples.targets)} targets")
    for what, array in {"inputs": samples.inputs, "targets": samples.targets, "weight": samples.weight}.items():
        start = 0
        for piece in () if array is None else pieces(array):
            if not all_finite(piece):
                row = start + np.argwhere(~np.isfinite(piece))[0][0]
                raise DataError(f"the {split} {what} are not finite in row {row}")
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
        if any((piece < 0).any() for piece in pieces(weight)):
            raise DataError(f"a {split} weight is negative")
        if not any(piece.any() for piece in pieces(weight)):
            raise DataError(f"all {split} weights are 0")
    if mask is not None:
        if mask.dtype != bool or len(mask.shape) != 2 or mask.shape != samples.inputs.shape[:2]:
            shape = f"inputs have shape {samples.inputs.shape}, and a mask is bool of shape (samples, time)"
            raise DataError(f"the {split} mask is {mask.dtype} of shape {mask.shape}: {shape}")
        if not any(piece.any() for piece in pieces(mask)):
            raise DataError(f"all positions of the {split} samples are masked")
