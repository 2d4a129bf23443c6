"""Some of many samples, in memory."""

from __future__ import annotations

import numpy as np

from specnet.datasets.base import AnySamples, Samples
from specnet.functions import evenly_spaced


def evenly_chosen(samples: AnySamples, most: int) -> Samples:
    """Return at most `most` samples, evenly spaced from the first to the last."""
    return samples_at(samples, evenly_spaced(len(samples.inputs), most))


def samples_at(samples: AnySamples, rows: np.ndarray) -> Samples:
    """Return the samples of some rows (n,), in ascending order."""
    chosen = samples.select(rows)
    return chosen if isinstance(chosen, Samples) else chosen.read(slice(None))
