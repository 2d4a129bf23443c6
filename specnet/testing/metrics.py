"""Checks of metrics: what `specnet.metrics.base.Metric` promises of every one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.errors import SpecnetError
from specnet.metrics.base import Metric
from specnet.testing.checks import Checks, Problems, checker, outcomes, sift
from specnet.testing.comparison import CLOSE, SINGLE, unequal, written
from specnet.testing.losses import COUNTS
from specnet.testing.outcome import Outcome
from specnet.testing.pairs import pairs
from specnet.weights import takes_weight


@dataclass(frozen=True)
class MetricChecks(Checks[Metric]):
    """A metric with predictions and targets of one kind; `right` are the best predictions, if known."""

    prediction: np.ndarray
    target: np.ndarray
    right: np.ndarray | None = None
    first = 2

    def applies(self, check: str) -> bool:
        return takes_weight(self.component, "update") or "weight" not in check

    def of(self, *batches: tuple[np.ndarray, ...], metric: Metric | None = None) -> Metric:
        """Return a metric, by default an unused one, after batches of predictions, targets and optional weights."""
        metric = metric or self.fresh()
        for batch in batches:
            metric.update(*batch)
        return metric

    def whole(self) -> Metric:
        """Return the metric of all samples."""
        return self.of((self.prediction.copy(), self.target.copy()))

    def batches(self, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the samples in batches."""
        starts = range(0, len(self.target), size)
        return [(self.prediction[start : start + size], self.target[start : start + size]) for start in starts]

    def the_metric_is_a_finite_number(self) -> Problems:
        """`compute` returns a number, or a dict of numbers by name."""
        value = self.whole().compute()
        for each in value.values() if isinstance(value, dict) else [value]:
            if not isinstance(each, (float, int, np.number)) or not math.isfinite(each):
                yield f"compute returns {each!r}"

    def predictions_and_targets_are_left_alone(self) -> Problems:
        """An update does not write to its arguments."""
        arrays = {"predictions": self.prediction.copy(), "targets": self.target.copy()}
        yield from written("update or compute", arrays, lambda: numbers(self.of((*arrays.values(),))))

    def reset_forgets_everything(self) -> Problems:
        """The metric after a reset depends only on later samples."""
        used = self.of((self.prediction[:3][::-1].copy(), self.target[:3]))
        used.compute()
        used.reset()
        self.of((self.prediction, self.target), metric=used)
        if text := unlike(used, self.whole(), 0.0):
            yield f"after other samples and a reset it is {text} by a fresh metric"
        yield from self.changed_fields(used)

    def computing_changes_nothing(self) -> Problems:
        """The metric so far can be computed after each batch."""
        asked = self.fresh()
        for batch in self.batches(1):
            self.of(batch, metric=asked).compute()
        if text := unlike(asked, self.of(*self.batches(1)), 0.0):
            yield f"computed after each sample it ends at {text} otherwise"

    def batches_do_not_matter(self) -> Problems:
        """Samples in several updates, or in merged metrics, have the same metric as in one update."""
        for size in (1, 2, 5):
            merged, batches = self.fresh(), self.batches(size)
            for other in (*(self.of(batch) for batch in batches), self.fresh()):
                merged.merge(other)
            for found, how in ((self.of(*batches), "in"), (merged, "merged from")):
                if text := unlike(found, self.whole(), 1e-12):
                    yield f"{how} batches of {size} it is {text} at once"

    def what_is_kept_is_all_that_is_remembered(self) -> Problems:
        """A metric that is restored from `kept`, through JSON, continues exactly."""
        half = len(self.target) // 2
        metric = self.of((self.prediction[:half], self.target[:half]))
        for name, value in metric.kept.items():
            number = isinstance(value, (int, float, np.generic, np.ndarray))
            if not number or np.asarray(value).dtype.kind not in "biuf":
                yield f"it keeps {name}, which is no number and no array of numbers"
        told = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in metric.kept.items()}
        restored = self.of((self.prediction[::-1].copy(), self.target))
        restored.restore(json.loads(json.dumps(told)))
        rest = self.prediction[half:], self.target[half:]
        if text := unlike(self.of(rest, metric=restored), self.of(rest, metric=metric), 0.0):
            yield f"restored after {half} samples it ends at {text}; is something remembered that is not kept?"

    def what_grows_with_samples_is_said(self) -> Problems:
        """What is kept stays small, except in a metric with `keeps_samples`."""
        repeated = (np.concatenate([self.prediction] * 50), np.concatenate([self.target] * 50))
        few, many = (sum(map(np.size, metric.kept.values())) for metric in (self.whole(), self.of(repeated)))
        if many > few and not self.component.keeps_samples:
            yield f"of 50 times as many samples it keeps {many} numbers, not {few}; keeps_samples should be True"

    def weights_count_as_repetitions(self) -> Problems:
        """A sample of weight 2 counts as two equal samples."""
        weight = np.resize(COUNTS, len(self.target))
        rows = np.repeat(np.arange(len(weight)), weight.astype(int))
        weighted = self.of((self.prediction.copy(), self.target.copy(), weight))
        if text := unlike(weighted, self.of((self.prediction[rows], self.target[rows]))):
            yield f"with weights it is {text} with rows repeated"

    def a_weight_of_0_leaves_a_sample_out(self) -> Problems:
        """A sample of weight 0 changes nothing, however large the prediction is."""
        if len(self.target) > 1:
            weight, prediction = np.array([0.0, *np.ones(len(self.target) - 1)]), self.prediction.copy()
            for factor in (1, 1e200) if prediction.dtype.kind == "f" else (1,):
                prediction[0] *= factor
                rest = self.of((self.prediction[1:], self.target[1:]))
                if text := unlike(self.of((prediction, self.target.copy(), weight)), rest):
                    yield f"it is {text} without the sample"

    def float32_agrees_with_float64(self) -> Problems:
        """Predictions come in the network's dtype."""
        if self.prediction.dtype.kind == "f":
            single = self.of((self.prediction.astype(np.float32), self.target.copy()))
            if text := unlike(single, self.whole(), SINGLE):
                yield f"of predictions in float32 it is {text} in float64"

    def right_predictions_are_the_best(self) -> Problems:
        """`higher_is_better` says which way: predictions that equal the targets are not worse than others."""
        if self.right is None or self.right.shape != self.prediction.shape:
            return
        best, others = (numbers(each) for each in (self.of((self.right, self.target.copy())), self.whole()))
        higher = self.component.higher_is_better
        if [*best] == [""] and ((best[""] < others[""]) if higher else (best[""] > others[""])):
            yield f"higher_is_better is {higher}, but right predictions have {best['']:.6g} and others {others['']:.6g}"

    def a_missing_axis_of_1_changes_nothing(self) -> Problems:
        """Predictions (n, 1) against targets (n,), of which NumPy would make a table (n, n), are like (n, 1)."""
        if (self.prediction.shape[1:], self.target.shape[1:]) == ((1,), ()):
            try:
                column = self.of((self.prediction.copy(), self.target[:, np.newaxis].copy()))
            except SpecnetError:
                return
            if text := unlike(self.whole(), column):
                yield f"of targets of shape (n,) against the same of shape (n, 1) it is {text}"


def numbers(metric: Metric) -> dict[str, float]:
    """Return what a metric computes, by name; one number has no name."""
    value = metric.compute()
    return {name: float(each) for name, each in (value.items() if isinstance(value, dict) else [("", value)])}


def unlike(one: Metric, other: Metric, tolerance: float = CLOSE) -> str | None:
    """Return in words where two metrics differ; None if nowhere."""
    found, expected = numbers(one), numbers(other)
    if found.keys() != expected.keys():
        return f"the names {', '.join(found)} against {', '.join(expected)}"
    for name, value in found.items():
        if text := unequal(value, expected[name], tolerance, least=1.0):
            return f"{text} of {name}" if name else text
    return None


@checker("metrics")
def check_metric(
    metric: Metric, predictions: np.ndarray | None = None, targets: np.ndarray | None = None
) -> Iterator[Outcome]:
    """Check a metric, for predictions (n, ...) and targets (n, ...) in a dataset's units.

    Without them several kinds are tried, except those that it refuses.
    """
    if predictions is not None and targets is not None:
        tried = [MetricChecks(metric, "", predictions, targets)]
    else:
        tried = [
            MetricChecks(metric, f"{kind}, predictions {y.shape}", y, target, right)
            for outputs in (lambda rng, shape: rng.normal(size=shape) * 2.0, lambda rng, shape: rng.uniform(size=shape))
            for kind, y, target, right in pairs(outputs)
        ]
    what = "it takes predictions, and refuses others by a SpecnetError"
    yield from outcomes((yield from sift(what, tried, lambda each: numbers(each.whole()))))
