"""Checks of metrics: the contract of `specnet.metrics.base.Metric`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.metrics.base import Metric
from specnet.testing.base import MethodCall, Problems
from specnet.testing.comparison import DType, Results
from specnet.testing.examination import checker, examine_all
from specnet.testing.outcomes import Outcome
from specnet.testing.predictions import PairSetup, Weighing, pairs
from specnet.testing.surroundings import attempt

METRIC = "the metric"


class MetricSetup(PairSetup[Metric]):
    """A metric with predictions and targets."""

    done = 0
    """How many thirds of the samples it has taken."""

    def compute(self, rows: np.ndarray, between: Callable[[], object], *batch: np.ndarray) -> Results:
        self.component.reset()
        self.component.update(*batch)
        between()
        return _numbers(self.component)

    def proceed(self) -> Results:
        """Return the metric after the next third of the samples."""
        rows = np.array_split(np.arange(self.rows), 3)[self.done]
        self.done += 1
        if len(rows):
            self.component.update(*self.batch(None, rows))
        return _numbers(self.component)

    def save(self) -> dict[str, Any]:
        return {"done": self.done, **self.component.kept}

    def restore(self, saved: dict[str, Any]) -> None:
        self.done = saved.pop("done")
        self.component.restore(saved)


@dataclass(frozen=True)
class MetricChecks(Weighing[Metric]):
    """A metric of predictions and targets of one kind; `right` are the best predictions, if they are known."""

    right: np.ndarray | None = None
    accepted = "it takes predictions, and refuses others by a SpecnetError"
    method = "update"
    saved_after = (1, 2)
    until = 3

    def accept(self) -> object:
        return self.setup().step()

    def arrays(self, dtype: DType) -> tuple[np.ndarray, np.ndarray]:
        return self.y.astype(dtype if self.y.dtype.kind == "f" else self.y.dtype), self.target.copy()

    def setup(self, dtype: DType = "float64", rows: int = 0, **fields: Any) -> MetricSetup:
        return MetricSetup(self, dtype)

    def least(self, name: str) -> float:
        return 1.0

    def calls(self) -> Iterator[MethodCall]:
        metric, arrays = self.fresh(), {"predictions": self.y.copy(), "targets": self.target.copy()}
        yield "update or compute", arrays, lambda: (metric.update(*arrays.values()), metric.compute())

    def of(self, *batches: tuple[np.ndarray, ...], metric: Metric | None = None) -> Metric:
        """Return a metric, by default an unused one, after batches of predictions and targets."""
        metric = metric or self.fresh()
        for batch in batches:
            metric.update(*(array.copy() for array in batch))
        return metric

    def batches(self, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the samples in batches."""
        starts = range(0, len(self.target), size)
        return [(self.y[start : start + size], self.target[start : start + size]) for start in starts]

    def the_metric_is_a_finite_number(self) -> Problems:
        """`compute` returns a number, or a dict of numbers by name."""
        value = self.of((self.y, self.target)).compute()
        for each in value.values() if isinstance(value, dict) else [value]:
            if not isinstance(each, (float, int, np.number)) or not math.isfinite(each):
                yield f"compute returns {each!r}"

    def computing_changes_nothing(self) -> Problems:
        """The metric so far may be computed after each batch."""
        metric = self.fresh()
        for batch in self.batches(1):
            self.of(batch, metric=metric).compute()
        expected = _numbers(self.of(*self.batches(1)))
        yield from self.compare("computed after each sample", _numbers(metric), expected, 0.0)

    def batches_do_not_matter(self) -> Problems:
        """Samples in several updates, or in metrics that are merged, have the same metric as in one update."""
        whole = self.setup().step()
        for size in (1, 2, 5):
            merged, batches = self.fresh(), self.batches(size)
            for other in (*(self.of(batch) for batch in batches), self.fresh()):
                merged.merge(other)
            for found, how in ((self.of(*batches), "in"), (merged, "merged from")):
                yield from self.compare(f"{how} batches of {size} against one update", _numbers(found), whole, 1e-12)

    def keeps_samples_is_declared(self) -> Problems:
        """The size of what is kept does not depend on the number of samples, unless `keeps_samples` is True."""
        for name, value in self.of((self.y, self.target)).kept.items():
            if np.asarray(value).dtype.kind not in "biuf":
                yield f"it keeps {name}, which is neither a number nor an array of numbers"
        repeated = np.concatenate([self.y] * 50), np.concatenate([self.target] * 50)
        few, many = (sum(map(np.size, self.of(x).kept.values())) for x in ((self.y, self.target), repeated))
        if many > few and not self.component.keeps_samples:
            yield f"of 50 times as many samples it keeps {many} numbers, not {few}; keeps_samples should be True"

    def right_predictions_are_the_best(self) -> Problems:
        """Predictions that equal the targets are not worse than others, in the sense of `higher_is_better`."""
        if self.right is None or self.right.shape != self.y.shape:
            return
        best, others = _numbers(self.of((self.right, self.target))), self.setup().step()
        if [*best] != [METRIC]:
            return
        higher, found, other = self.component.higher_is_better, best[METRIC], others[METRIC]
        if found < other if higher else found > other:
            yield f"higher_is_better is {higher}, but right predictions have {found:.6g} and others {other:.6g}"

    def a_missing_axis_of_1_changes_nothing(self) -> Problems:
        """Targets (n,) of predictions (n, 1), which NumPy would broadcast to (n, n), are the same as (n, 1)."""
        if (self.y.shape[1:], self.target.shape[1:]) == ((1,), ()):
            column = attempt(lambda: _numbers(self.of((self.y, self.target[:, np.newaxis]))))
            if isinstance(column, dict):  # else it refuses them
                yield from self.compare("of targets of shape (n,) against shape (n, 1)", self.setup().step(), column)


def _numbers(metric: Metric) -> dict[str, float]:
    """Return the numbers that a metric computes, by name."""
    value = metric.compute()
    named = value.items() if isinstance(value, dict) else [("", value)]
    return {f"{METRIC} {name}".rstrip(): float(each) for name, each in named}


@checker("metrics")
def check_metric(
    metric: Metric, predictions: np.ndarray | None = None, targets: np.ndarray | None = None
) -> Iterator[Outcome]:
    """Check a metric, for predictions (n, ...) and targets (n, ...) in a dataset's units.

    Without them several kinds are tried, and those skipped that it refuses.
    """
    if predictions is not None and targets is not None:
        tried = [MetricChecks(metric, "", predictions, targets)]
    else:
        tried = [
            MetricChecks(metric, f"{kind}, predictions {y.shape}", y, target, right)
            for outputs in (lambda rng, shape: rng.normal(size=shape) * 2.0, lambda rng, shape: rng.uniform(size=shape))
            for kind, y, target, right in pairs(outputs)
        ]
    yield from examine_all(tried)
