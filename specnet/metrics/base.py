"""The contract of metrics."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from specnet.component import Component
from specnet.errors import ShapeError
from specnet.task import Task
from specnet.weights import aligned, total_weight, weighted

Kept = int | float | np.ndarray
"""Types of values that a metric may keep between updates."""


def drop_column(x: np.ndarray) -> np.ndarray:
    """Return x (n, ..., 1) as (n, ...): a single output may have either shape."""
    return x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x


class Metric(Component):
    """A number that shows people how good predictions are.

    Metrics see predictions and targets in the units of the dataset: transforms of targets undone, logits turned
    into probabilities. A number for each sample may come as (n,) or as (n, 1), predictions as one and targets as the
    other.

    A metric accumulates: `reset()` forgets everything, `update(prediction, target, weight)` takes a batch, `compute()`
    returns the metric of all batches since the last reset. The result does not depend on how the samples are divided
    into batches, except for rounding (1e-12). `reset` declares what the metric keeps: only integers, floats and small
    arrays of numbers, which are saved with a run:

        def reset(self):
            self.keep(total=0.0, count=0)

    Weights are an array whose axes match those of the targets from the first on; None means 1 each. A sample of
    weight 2 counts as two equal samples, one of weight 0 does not count.
    """

    group: ClassVar[str] = "metrics"
    higher_is_better: ClassVar[bool] = True
    keeps_samples: ClassVar[bool] = False
    """Whether the metric keeps all samples. It is then refused for data that do not fit into memory."""
    task: ClassVar[Task | None] = None
    """What predictions and targets stand for; None unless all of the targets are known to fit it, as in training."""

    def model_post_init(self, context: Any) -> None:
        """Start without samples."""
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Forget all samples; calls `keep`."""

    @abstractmethod
    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        """Take predictions (n, ...) and the dataset's targets (n, ...) of a batch into account."""

    @abstractmethod
    def compute(self) -> float | dict[str, float]:
        """Return the metric, or several numbers by name, of all samples since the last reset."""

    def merge(self, other: Metric) -> None:
        """Add what another metric of the same class and fields has kept of other samples.

        By default, adds numbers or, if `keeps_samples`, joins arrays along their first axis.
        """
        for name, value in other.kept.items():
            mine = getattr(self, name)
            joined = self.keeps_samples and isinstance(value, np.ndarray)
            setattr(self, name, np.concatenate([mine, value]) if joined else mine + value)

    @staticmethod
    def errors(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return prediction - target in float64, where (n,) and (n, 1) are the same.

        Raises:
            ShapeError: if the two cannot be compared element by element.
        """
        y, t = drop_column(prediction).astype(np.float64), drop_column(target).astype(np.float64)
        if y.shape != t.shape:
            raise ShapeError(
                f"predictions have shape {prediction.shape[1:]}, targets {target.shape[1:]}: "
                "this metric compares numbers; for classes use accuracy"
            )
        return y - t

    def keep(self, **values: Kept) -> None:
        """Set attributes that the metric keeps, with NumPy scalars converted to Python's."""
        self._names = {**vars(self).get("_names", {}), **dict.fromkeys(values)}
        for name, value in values.items():
            setattr(self, name, value.item() if isinstance(value, np.generic) else value)

    @property
    def kept(self) -> dict[str, Any]:
        """Values that the metric keeps, by name."""
        return {name: getattr(self, name) for name in self._names}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Continue from the values of a metric of the same class and fields; arrays may be lists of numbers.

        Raises:
            ValueError: if this metric does not keep such values.
        """
        self.reset()
        if kept.keys() != self._names.keys():
            raise ValueError(f"{type(self).__name__} keeps {', '.join(self._names)}, not {', '.join(kept)}")
        for name, start in self.kept.items():
            value = np.array(kept[name], start.dtype) if isinstance(start, np.ndarray) else kept[name]
            if not isinstance(value, (int, float, np.ndarray)) or np.ndim(value) != np.ndim(start):
                raise ValueError(f"{type(self).__name__} does not keep this as {name}")
            setattr(self, name, value)

    def __call__(
        self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None
    ) -> float | dict[str, float]:
        """Return the metric of these samples alone; the accumulated values stay."""
        fresh = self.model_copy()
        fresh.reset()
        fresh.update(prediction, target, *([] if weight is None else [weight]))
        return fresh.compute()


class MeanMetric(Metric):
    """The mean of a number for each element, returned by `values`."""

    @abstractmethod
    def values(self, prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the number of each element, (n, ...)."""

    def reset(self) -> None:
        self.keep(total=0.0, count=0.0)

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        values = self.values(prediction, target)
        self.count += total_weight(values.shape, weight)
        if weight is not None:
            values = weighted(values.astype(np.float64), aligned(weight, values.shape))
        self.total += float(np.add.reduce(values, axis=None))

    def compute(self) -> float:
        return self.total / self.count if self.count else math.nan
