"""The contract of metrics."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from specnet.component import Component


class Metric(Component):
    """A number for people: how good are predictions?

    Metrics see predictions and targets in the units of the dataset: transforms of targets undone, logits turned
    into probabilities. They are computed over a whole split at once, so they need not add up over batches.
    """

    group: ClassVar[str] = "metrics"
    higher_is_better: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        """Return the metric of predictions (n, ...) against the dataset's targets (n, ...)."""
