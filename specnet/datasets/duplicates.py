"""Samples of validation and test that are training samples as well."""

from __future__ import annotations

import numpy as np

from specnet.datasets.base import Data, Samples
from specnet.datasets.sampling import evenly_chosen
from specnet.functions import evenly_spaced

_KEY_COLUMNS = 16
"""Features by which rows are compared first: reading all of them takes long."""


def count_duplicates(data: Data) -> dict[str, int]:
    """Return how many samples of each other split have the inputs and targets of a training sample.

    Splits without any are left out, as are samples that are streamed.
    """
    found: dict[str, int] = {}
    train = data.train
    if not isinstance(train, Samples) or len(data.splits) == 1:
        return found
    columns, every = _telling(train), np.arange(train.inputs[0].size)
    known = _keys(train, columns)
    for name, samples in data.splits.items():
        if name != "train" and isinstance(samples, Samples) and _alike(samples, train):
            keys = _keys(samples, columns)
            same = _among(keys, known)
            if len(columns) < len(every) and same.any():
                likely = train.select(np.flatnonzero(_among(known, keys[same])))
                same = _among(_keys(samples.select(np.flatnonzero(same)), every), _keys(likely, every))
            if same.any():
                found[name] = int(same.sum())
    return found


def _among(keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which keys (n,) are among the known ones, which are not empty."""
    known = np.sort(known)
    return known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys


def _alike(samples: Samples, train: Samples) -> bool:
    pairs = zip(samples[:2], train[:2], strict=True)
    return all(array.shape[1:] == other.shape[1:] for array, other in pairs)


def _telling(train: Samples) -> np.ndarray:
    """Return the features that vary most."""
    x = evenly_chosen(train, 100).inputs
    with np.errstate(over="ignore", invalid="ignore"):
        spread = x.reshape(len(x), -1).astype(np.float64).std(axis=0)
    return np.sort(np.argsort(-spread, kind="stable")[:_KEY_COLUMNS])


def _keys(samples: Samples, columns: np.ndarray) -> np.ndarray:
    """Return a hash (n,) of some features of each row and of its targets."""
    x, t = (array.reshape(len(array), -1) for array in samples[:2])
    key = np.zeros(len(x), np.uint64)
    for array, chosen in ((x, columns), (t, evenly_spaced(t.shape[1], _KEY_COLUMNS))):
        for column in chosen:
            bits = (array[:, column].astype(np.float64) + 0.0).view(np.uint64)  # -0.0 becomes 0.0
            key = (key ^ bits ^ (bits >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    return key
