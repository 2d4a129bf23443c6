"""Checks of metrics: the contract of `specnet.metrics.base.Metric`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.metrics.base import Metric
from specnet.testing.comparison import DType, Results, overwritten
from specnet.testing.core import Problems, attempt, checker, examine_situations
from specnet.testing.outcome import Outcome
from specnet.testing.pairs import Weighing, pairs

METRIC = "the metric"


@dataclass(frozen=True)
class MetricChecks(Weighing[Metric]):
    """A metric of predictions and targets of one kind; `right` are the best predictions, if they are known."""

    right: np.ndarray | None = None
    accepted = "it takes predictions, and refuses others by a SpecnetError"
    first = 2
    method = "update"

    def accept(self) -> object:
        return self.trial().step()

    def arrays(self, dtype: DType) -> tuple[np.ndarray, np.ndarray]:
        return self.y.astype(dtype if self.y.dtype.kind == "f" else self.y.dtype), self.target.copy()

    def compute(
        self, component: Any, rows: np.ndarray, batch: tuple[np.ndarray, ...], between: Callable[[], object]
    ) -> Results:
        component.reset()
        component.update(*batch)
        between()
        return _numbers(component)

    def least(self, name: str) -> float:
        return 1.0

    def applies(self, claim: str) -> bool:
        return super().applies(claim) and claim != "a_batch_is_computed_as_by_a_fresh_component"  # but after a reset

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

    def predictions_and_targets_are_left_alone(self) -> Problems:
        """`update` and `compute` do not write to their arguments."""
        metric, arrays = self.fresh(), {"predictions": self.y.copy(), "targets": self.target.copy()}
        yield from overwritten("update or compute", arrays, lambda: (metric.update(*arrays.values()), metric.compute()))

    def reset_forgets_everything(self) -> Problems:
        """After a reset, a metric is the same as a fresh one."""
        yield from self.a_batch_is_computed_as_by_a_fresh_component()

    def computing_changes_nothing(self) -> Problems:
        """The metric so far may be computed after each batch."""
        asked = self.fresh()
        for batch in self.batches(1):
            self.of(batch, metric=asked).compute()
        expected = _numbers(self.of(*self.batches(1)))
        yield from self.compare("computed after each sample", _numbers(asked), expected, 0.0)

    def batches_do_not_matter(self) -> Problems:
        """Samples in several updates, or in metrics that are merged, have the same metric as in one update."""
        whole = self.trial().step()
        for size in (1, 2, 5):
            merged, batches = self.fresh(), self.batches(size)
            for other in (*(self.of(batch) for batch in batches), self.fresh()):
                merged.merge(other)
            for found, how in ((self.of(*batches), "in"), (merged, "merged from")):
                yield from self.compare(f"{how} batches of {size} against one update", _numbers(found), whole, 1e-12)

    def a_metric_remembers_only_what_it_keeps(self) -> Problems:
        """A metric that is restored from `kept`, through JSON, continues exactly."""
        (first, second), rest = self.batches(half := len(self.target) // 2)[:2], self.batches(half)[2:]
        metric = self.of(first)
        for name, value in metric.kept.items():
            number = isinstance(value, (int, float, np.generic, np.ndarray))
            if not number or np.asarray(value).dtype.kind not in "biuf":
                yield f"it keeps {name}, which is neither a number nor an array of numbers"
        kept = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in metric.kept.items()}
        restored = self.of((self.y[::-1], self.target))
        restored.restore(json.loads(json.dumps(kept)))
        expected = _numbers(self.of(second, *rest, metric=metric))
        told = f"restored after {half} samples, which needs something that is not kept,"
        yield from self.compare(told, _numbers(self.of(second, *rest, metric=restored)), expected, 0.0)

    def keeps_samples_is_declared(self) -> Problems:
        """The size of what is kept does not depend on the number of samples, unless `keeps_samples` is True."""
        repeated = np.concatenate([self.y] * 50), np.concatenate([self.target] * 50)
        few, many = (sum(map(np.size, self.of(x).kept.values())) for x in ((self.y, self.target), repeated))
        if many > few and not self.component.keeps_samples:
            yield f"of 50 times as many samples it keeps {many} numbers, not {few}; keeps_samples should be True"

    def right_predictions_are_the_best(self) -> Problems:
        """Predictions that equal the targets are not worse than others, in the sense of `higher_is_better`."""
        if self.right is None or self.right.shape != self.y.shape:
            return
        best, others = _numbers(self.of((self.right, self.target))), self.trial().step()
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
                yield from self.compare("of targets of shape (n,) against shape (n, 1)", self.trial().step(), column)


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
    yield from examine_situations(tried)
