"""Checks of metrics: what `specnet.metrics.base.Metric` promises of every one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.errors import SpecnetError
from specnet.metrics.base import Metric
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes, sift
from specnet.testing.pairs import pairs
from specnet.testing.trial import SINGLE, unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full


def check_metric(
    metric: Metric | str | dict[str, object],
    predictions: np.ndarray | None = None,
    targets: np.ndarray | None = None,
) -> None:
    """Check that a metric keeps its contract, for predictions (n, ...) and targets (n, ...) in a dataset's units.

    Without them several kinds are tried, and those passed over that it refuses.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("metrics", metric, lambda built: examine_metric(built, predictions, targets))


@dataclass(frozen=True)
class MetricSubject:
    """A metric that gets predictions and targets of one kind; `right` are the best predictions, if they are known."""

    component: Metric
    situation: str
    prediction: np.ndarray
    target: np.ndarray
    right: np.ndarray | None = None

    def value(self, prediction: np.ndarray | None = None, target: np.ndarray | None = None) -> float:
        """Return the metric of these, or its own predictions and targets, as a run measures it."""
        prediction = self.prediction.copy() if prediction is None else prediction
        target = self.target.copy() if target is None else target
        return float(self.component.model_copy(deep=True)(prediction, target))


def examine_metric(
    metric: Metric, predictions: np.ndarray | None = None, targets: np.ndarray | None = None
) -> Iterator[Outcome]:
    """Give the outcome of each check of a metric; arguments as in `check_metric`."""
    if predictions is not None and targets is not None:
        tried = [MetricSubject(metric, "", predictions, targets)]
    else:
        tried = [
            MetricSubject(metric, f"{kind}, predictions {y.shape}", y, target, right)
            for outputs in (lambda rng, shape: rng.normal(size=shape) * 2.0, lambda rng, shape: rng.uniform(size=shape))
            for kind, y, target, right in pairs(outputs)
        ]
    what = "it takes predictions, and refuses others by a SpecnetError"
    subjects, outcome = sift(what, tried, lambda subject: subject.value())
    yield outcome
    if subjects:
        yield from outcomes(FIRST, CHECKS, subjects)


def the_metric_is_a_finite_number(subject: MetricSubject) -> Problems:
    """A call returns a number."""
    value = subject.component.model_copy(deep=True)(subject.prediction.copy(), subject.target.copy())
    if not isinstance(value, (float, int, np.number)) or not math.isfinite(value):
        yield f"it returns {value!r}"


def predictions_and_targets_are_left_alone(subject: MetricSubject) -> Problems:
    """A call reads what it gets."""
    arrays = {"predictions": subject.prediction.copy(), "targets": subject.target.copy()}
    kept = {name: array.copy() for name, array in arrays.items()}
    subject.value(arrays["predictions"], arrays["targets"])
    for name, array in arrays.items():
        if text := unequal(array, kept[name], 0.0):
            yield f"{name} are written to: now {text} before"


def nothing_is_remembered(subject: MetricSubject) -> Problems:
    """The metric of a split depends on that split alone."""
    used = subject.component.model_copy(deep=True)
    first = float(used(subject.prediction, subject.target))
    used(subject.prediction[:3][::-1].copy(), subject.target[:3])
    again = float(used(subject.prediction, subject.target))
    if again != first:
        yield f"the same split has {first:.6g} at first and {again:.6g} after another"
    yield from changed_fields(subject.component, used)


def float32_agrees_with_float64(subject: MetricSubject) -> Problems:
    """Predictions come in the network's dtype."""
    if subject.prediction.dtype.kind == "f":
        double, single = subject.value(), subject.value(subject.prediction.astype(np.float32))
        if not math.isclose(single, double, rel_tol=SINGLE, abs_tol=SINGLE):
            yield f"of predictions in float32 it is {single:.6g}, in float64 {double:.6g}"


def an_additive_metric_is_the_mean_of_its_parts(subject: MetricSubject) -> Problems:
    """If it is `additive`, parts of one sample and more add up, each counting as often as it has samples."""
    if not subject.component.additive:
        return
    rows = np.split(np.arange(len(subject.target)), [1, 3])
    parts = [len(part) * subject.value(subject.prediction[part], subject.target[part]) for part in rows if part.size]
    whole, mean = subject.value(), sum(parts) / len(subject.target)
    if not math.isclose(whole, mean, rel_tol=1e-6, abs_tol=1e-9):
        yield f"it says that it is additive, but the whole has {whole:.6g}, its parts on average {mean:.6g}"


def right_predictions_are_the_best(subject: MetricSubject) -> Problems:
    """`higher_is_better` says which way: predictions that equal the targets are not worse than others."""
    if subject.right is None or subject.right.shape != subject.prediction.shape:
        return
    right, others = subject.value(subject.right), subject.value()
    higher = subject.component.higher_is_better
    if (right < others) if higher else (right > others):
        yield f"higher_is_better is {higher}, but right predictions have {right:.6g} and others {others:.6g}"


def a_missing_axis_of_1_changes_nothing(subject: MetricSubject) -> Problems:
    """Predictions (n, 1) against targets (n,), which NumPy would make a table (n, n) of, are those against (n, 1)."""
    if (subject.prediction.shape[1:], subject.target.shape[1:]) != ((1,), ()):
        return
    try:
        column = subject.value(target=subject.target[:, np.newaxis])
    except SpecnetError:
        return
    if not math.isclose(value := subject.value(), column, rel_tol=1e-9, abs_tol=1e-12):
        yield f"against targets of shape (n,) it is {value:.6g}, against the same of shape (n, 1) {column:.6g}"


FIRST: tuple[Check[MetricSubject], ...] = (
    the_metric_is_a_finite_number,
    predictions_and_targets_are_left_alone,
)
CHECKS: tuple[Check[MetricSubject], ...] = (
    nothing_is_remembered,
    float32_agrees_with_float64,
    an_additive_metric_is_the_mean_of_its_parts,
    right_predictions_are_the_best,
    a_missing_axis_of_1_changes_nothing,
    its_JSON_describes_it_in_full,
)
