"""The contract of metrics."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from specnet import registry
from specnet.component import Component
from specnet.errors import ShapeError
from specnet.task import Task, TaskKind
from specnet.weights import aligned, total_weight, weighted

Kept = int | float | np.ndarray
"""Types of values that a metric may keep between updates."""


def drop_column(x: np.ndarray) -> np.ndarray:
    """Return x (n, ..., 1) as (n, ...): a single output may have either shape."""
    return x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x


def as_numbers(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and targets as arrays of float64 of one shape, where (n,) and (n, 1) are the same.

    Raises:
        ShapeError: if the two cannot be compared element by element.
    """
    y, t = drop_column(prediction).astype(np.float64), drop_column(target).astype(np.float64)
    if y.shape != t.shape:
        raise ShapeError(
            f"predictions have shape {prediction.shape[1:]}, targets {target.shape[1:]}: "
            "this metric compares numbers; for classes use accuracy"
        )
    return y, t


class Metric(Component):
    """A number that says how good predictions are.

    Metrics see predictions and targets in the units of the dataset: transforms of targets undone, logits turned into
    probabilities. If there is one number for each sample, its shape is (n,) or (n, 1), and may differ between
    predictions and targets.

    A metric accumulates: `reset()` forgets everything, `update(prediction, target, weight)` takes a batch, `compute()`
    returns the metric of all batches since the last reset. The result does not depend on how the samples are divided
    into batches, except for rounding (1e-12). `reset` declares what the metric keeps: only integers, floats and small
    arrays of numbers, which are saved with a run:

        def reset(self):
            self.keep(total=0.0, count=0)

    Weights are an array whose axes match those of the targets from the first on; None means 1 each. A sample of
    weight 2 counts as two equal samples, one of weight 0 does not count.

    Values should be finite for all samples, because training ends if one is not. Without samples they are NaN.
    A metric that returns several numbers by name has a column for each in the history, such as `validation/f1/setosa`.
    """

    group: ClassVar[str] = "metrics"
    higher_is_better: ClassVar[bool] = True
    keeps_samples: ClassVar[bool] = False
    """Whether the metric keeps all samples. It is then refused for data that do not fit into memory."""
    is_share: ClassVar[bool] = False
    """Whether the metric is the share of samples that have some property, each of which counts by itself.

    Sums of such samples are exact: `update` may get several batches of a run at once.
    """
    tasks: ClassVar[tuple[TaskKind, ...]] = ("regression", "binary", "multiclass", "multilabel")
    """The tasks that the metric can measure; it is refused for others."""
    needs_probabilities: ClassVar[bool] = False
    """Whether predictions should be probabilities. It is then refused for networks that return any numbers."""
    task: ClassVar[Task | None] = None
    """What predictions and targets stand for; None outside of a run."""

    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$",
        max_length=100,
        description="name in the history and in monitors; null: the type",
    )

    @property
    def label(self) -> str:
        """The metric's name in the history: its `name`, else its type."""
        return self.name or registry.name_of("metrics", type(self))

    def check_task(self, task: Task) -> None:
        """Check before training that the metric can measure a task.

        Raises:
            ShapeError: if it cannot.
        """
        for part in task.parts:
            if part.kind not in self.tasks:
                name, kinds = registry.name_of("metrics", type(self)), " and ".join(self.tasks)
                message = f"{name} is a metric for {kinds} tasks, but this task is {part.kind}"
                numbers = "for numbers there are mse, mae and r2; for classes use a loss such as cross_entropy"
                raise ShapeError(message, help=numbers if part.kind == "regression" else "leave it out")

    def model_post_init(self, context: Any) -> None:
        """Start without samples."""
        self._names: dict[str, None] = {}
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
        """Add the values that another metric of the same class and fields has kept for its samples.

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
        y, t = as_numbers(prediction, target)
        return y - t

    def keep(self, **values: Kept) -> None:
        """Set attributes that the metric keeps, with NumPy scalars converted to Python's."""
        self._names = {**self._names, **dict.fromkeys(values)}
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
        self.total += float(np.count_nonzero(values) if values.dtype == bool else np.add.reduce(values, axis=None))

    def compute(self) -> float:
        return self.total / self.count if self.count else math.nan
