"""The contract of metrics."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from specnet.component import Component


def drop_column(x: np.ndarray) -> np.ndarray:
    """Return x (n, ..., 1) as (n, ...): a single output may be written either way."""
    return x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x


class Metric(Component):
    """A number for people: how good are predictions?

    Metrics see predictions and targets in the units of the dataset: transforms of targets undone, logits turned
    into probabilities. A number for each sample may come as (n,) or as (n, 1), predictions as one and targets as the
    other. Metrics are computed over a whole split at once, so they need not add up over batches. Only of a split that
    does not fit into memory they are computed a part at a time, if they are `additive`.
    """

    group: ClassVar[str] = "metrics"
    higher_is_better: ClassVar[bool] = True
    additive: ClassVar[bool] = False
    """Whether the metric of a split is the mean of those of its parts, each counting as often as it has samples.

    A part may be a single sample.
    """

    @abstractmethod
    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        """Return the metric of predictions (n, ...) against the dataset's targets (n, ...)."""
