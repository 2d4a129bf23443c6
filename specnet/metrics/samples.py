"""Metrics that need all samples at once."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from specnet.metrics.base import Metric


class SampleMetric(Metric):
    """A metric that keeps all samples, as arrays of two axes; those of batches are joined when they are needed."""

    keeps_samples = True
    arrays: ClassVar[tuple[str, ...]]
    """Names of the arrays."""

    def reset(self) -> None:
        self._batches: list[tuple[np.ndarray, ...]] = []
        self.keep(**{name: np.zeros((0, 0)) for name in self.arrays})

    def add(self, *arrays: np.ndarray) -> None:
        """Keep the arrays of a batch, in the order of their names."""
        self._batches.append(tuple(array.astype(np.float64) for array in arrays))

    @property
    def kept(self) -> dict[str, Any]:
        """Arrays that the metric keeps, by name."""
        for name, *arrays in zip(self.arrays, *self._batches, strict=True) if self._batches else ():
            mine = getattr(self, name)
            setattr(self, name, np.concatenate([*([mine] if mine.size else []), *arrays]))
        self._batches = []
        return super().kept

    def merge(self, other: Metric) -> None:
        arrays = tuple(other.kept.values())
        if arrays[0].size:
            self._batches.append(arrays)
