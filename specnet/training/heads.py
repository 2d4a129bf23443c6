"""Losses and metrics of a network with several heads: of each head, and of each that they can measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.component import fresh_copy
from specnet.errors import ShapeError
from specnet.losses.base import Loss
from specnet.metrics.base import Kept, Metric
from specnet.task import Task, TaskPart


def by_head(metric: Metric, task: Task) -> Metric:
    """Return a metric for a task: the same, or one that measures each head separately."""
    if len(task.parts) > 1 and not isinstance(metric, MetricByHead):
        metric = MetricByHead(metric=metric, name=metric.label)
    metric.task = task  # type: ignore[misc]
    metric.reset()
    return metric


def measurable(metric: Metric, task: Task) -> list[TaskPart] | ShapeError:
    """Return the parts of a task that a metric can measure, or why it can measure no part.

    Of several parts, those of numbers are measured by metrics of numbers, those of classes by metrics of classes.
    """
    numbers = "regression" in metric.tasks and not metric.is_share
    found, kind = list[TaskPart](), "numbers" if numbers else "classes"
    refused = ShapeError(f"{metric.label} is a metric of {kind}, but no head learns {kind}", help="leave it out")
    for part in task.parts:
        if len(task.parts) > 1 and (part.kind == "regression") != numbers:
            continue
        try:
            metric.check_task(Task((part,)))
            found.append(part)
        except ShapeError as error:
            refused = error
    return found or refused


class MetricByHead(Metric):
    """A metric of each head that it can measure, in the order of the task's parts."""

    metric: Metric

    def model_post_init(self, context: Any) -> None:
        for name in ("higher_is_better", "is_share", "keeps_samples", "needs_probabilities"):
            vars(self)[name] = getattr(self.metric, name)
        super().model_post_init(context)

    def reset(self) -> None:
        parts = measurable(self.metric, self.task) if self.task else []
        assert isinstance(parts, list)
        self.heads = [(part, fresh_copy(self.metric)) for part in parts]
        for part, metric in self.heads:
            metric.task = Task((part,))  # type: ignore[misc]
            metric.reset()

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        assert self.task
        for part, metric in self.heads:
            chosen = self.task.select(part, prediction, target)
            metric.update(*chosen, *([] if weight is None else [weight]))

    def compute(self) -> dict[str, float]:
        values: dict[str, float] = {}
        for part, metric in self.heads:
            value = metric.compute()
            if isinstance(value, Mapping):
                values |= {f"{part.name}/{name}": number for name, number in value.items()}
            else:
                values[part.name] = value
        return values

    def merge(self, other: Metric) -> None:
        assert isinstance(other, MetricByHead)
        for (_, mine), (_, theirs) in zip(self.heads, other.heads, strict=True):
            mine.merge(theirs)

    def keep(self, **values: Kept) -> None:
        for number, (_, metric) in enumerate(self.heads):
            metric.keep(**_of(number, values))

    @property
    def kept(self) -> dict[str, Any]:
        return {f"{n}.{name}": value for n, (_, metric) in enumerate(self.heads) for name, value in metric.kept.items()}

    def restore(self, kept: Mapping[str, Any]) -> None:
        self.reset()
        for number, (_, metric) in enumerate(self.heads):
            metric.restore(_of(number, kept))


class HeadLosses(Metric):
    """The loss of each head of a sum, without its weight, as the last `forward` of the sum has found it."""

    loss: Loss

    def reset(self) -> None:
        self.keep(sums=np.zeros(len(self.loss.head_sums)), count=0.0)

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        self.sums += [*self.loss.head_sums.values()]
        self.count += self.loss.counted

    def compute(self) -> dict[str, float]:
        divisor = (self.count or math.nan) if self.loss.reduction == "mean" else 1.0
        return dict(zip(self.loss.head_sums, (self.sums / divisor).tolist(), strict=True))


def _of(number: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a head, by their names in its metric."""
    prefix = f"{number}."
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
