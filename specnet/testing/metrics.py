"""Checks of metrics: what `specnet.metrics.base.Metric` promises of every one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.errors import SpecnetError
from specnet.metrics.base import Metric
from specnet.testing.loss_weights import COUNTS
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes, sift
from specnet.testing.pairs import pairs
from specnet.testing.trial import SINGLE, unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full
from specnet.weights import takes_weight


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

    def fresh(self) -> Metric:
        """Return a metric that has seen nothing yet."""
        metric = self.component.model_copy(deep=True)
        metric.reset()
        return metric

    def value(
        self,
        prediction: np.ndarray | None = None,
        target: np.ndarray | None = None,
        weight: np.ndarray | None = None,
    ) -> dict[str, float]:
        """Return the metric of these, or of its own predictions and targets, as a run measures it."""
        prediction = self.prediction.copy() if prediction is None else prediction
        target = self.target.copy() if target is None else target
        metric = self.fresh()
        feed(metric, prediction, target, weight)
        return result(metric)

    @property
    def weighs(self) -> bool:
        """Whether the metric takes weights."""
        return takes_weight(self.component, "update")


def feed(metric: Metric, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
    """Update a metric, with weights where there are some."""
    if weight is None:
        metric.update(prediction, target)
    else:
        metric.update(prediction, target, weight)


def result(metric: Metric) -> dict[str, float]:
    """Return what a metric computes, by name; one number has no name."""
    value = metric.compute()
    return (
        {f" of {name}": float(each) for name, each in value.items()} if isinstance(value, dict) else {"": float(value)}
    )


def differing(found: dict[str, float], expected: dict[str, float], tolerance: float = 1e-12) -> str | None:
    """Return in words where two results differ; None if nowhere."""
    if found.keys() != expected.keys():
        return f"the names {', '.join(found)} against {', '.join(expected)}"
    for name, value in found.items():
        if not math.isclose(value, expected[name], rel_tol=tolerance, abs_tol=tolerance):
            return f"{value:.6g} against {expected[name]:.6g}{name}"
    return None


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
    """`compute` returns a number, or a dict of numbers by name."""
    metric = subject.fresh()
    metric.update(subject.prediction.copy(), subject.target.copy())
    value = metric.compute()
    for each in value.values() if isinstance(value, dict) else [value]:
        if not isinstance(each, (float, int, np.number)) or not math.isfinite(each):
            yield f"compute returns {each!r}"


def predictions_and_targets_are_left_alone(subject: MetricSubject) -> Problems:
    """An update reads what it gets."""
    arrays = {"predictions": subject.prediction.copy(), "targets": subject.target.copy()}
    kept = {name: array.copy() for name, array in arrays.items()}
    subject.value(arrays["predictions"], arrays["targets"])
    for name, array in arrays.items():
        if text := unequal(array, kept[name], 0.0):
            yield f"{name} are written to: now {text} before"


def reset_forgets_everything(subject: MetricSubject) -> Problems:
    """The metric after a reset depends on what comes then alone."""
    used = subject.fresh()
    used.update(subject.prediction[:3][::-1].copy(), subject.target[:3])
    used.compute()
    used.reset()
    used.update(subject.prediction, subject.target)
    if text := differing(result(used), subject.value(), 0.0):
        yield f"after other samples and a reset it is {text} by a fresh metric"
    yield from changed_fields(subject.component, used)


def computing_changes_nothing(subject: MetricSubject) -> Problems:
    """The metric so far can be asked for after each batch."""
    asked, other = subject.fresh(), subject.fresh()
    for row in range(len(subject.target)):
        for metric in (asked, other):
            metric.update(subject.prediction[row : row + 1], subject.target[row : row + 1])
        asked.compute()
    if text := differing(result(asked), result(other), 0.0):
        yield f"computed after each sample it ends at {text} otherwise"


def batches_do_not_matter(subject: MetricSubject) -> Problems:
    """Samples in several updates, or in metrics that are merged, have the same metric as all of them in one."""
    count, whole = len(subject.target), subject.value()
    for step in (1, 2, 5):
        metric, merged = subject.fresh(), subject.fresh()
        for start in range(0, count, step):
            part = subject.prediction[start : start + step], subject.target[start : start + step]
            metric.update(*part)
            other = subject.fresh()
            other.update(*part)
            merged.merge(other)
        merged.merge(subject.fresh())
        for found, how in ((metric, f"in batches of {step}"), (merged, f"merged from batches of {step}")):
            if text := differing(result(found), whole):
                yield f"{how} it is {text} at once"
                return


def what_is_kept_is_all_that_is_remembered(subject: MetricSubject) -> Problems:
    """A metric that is restored from `kept`, through JSON, continues exactly."""
    half = len(subject.target) // 2
    metric, restored = subject.fresh(), subject.fresh()
    metric.update(subject.prediction[:half], subject.target[:half])
    for name, value in metric.kept.items():
        if not isinstance(value, (int, float)) and not (isinstance(value, np.ndarray) and value.dtype.kind in "biuf"):
            yield f"it keeps {name}, which is no number and no array of numbers"
            return
    told = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in metric.kept.items()}
    restored.update(subject.prediction[::-1].copy(), subject.target)
    restored.restore(json.loads(json.dumps(told)))
    for each in (metric, restored):
        each.update(subject.prediction[half:], subject.target[half:])
    if text := differing(result(restored), result(metric), 0.0):
        yield f"restored after {half} samples it ends at {text}; is something remembered that is not kept?"


def what_grows_with_samples_is_said(subject: MetricSubject) -> Problems:
    """What is kept stays small, but in a metric that says `keeps_samples`."""
    sizes = []
    for times in (1, 50):
        metric = subject.fresh()
        metric.update(*(np.concatenate([x] * times) for x in (subject.prediction, subject.target)))
        sizes.append(sum(np.size(value) for value in metric.kept.values()))
    if sizes[1] > sizes[0] and not subject.component.keeps_samples:
        yield f"of 50 times as many samples it keeps {sizes[1]} numbers, not {sizes[0]}; keeps_samples should be True"


def weights_count_as_repetitions(subject: MetricSubject) -> Problems:
    """A sample of weight 2 counts as two equal samples."""
    if subject.weighs:
        weight = np.resize(COUNTS, len(subject.target))
        rows = np.repeat(np.arange(len(weight)), weight.astype(int))
        repeated = subject.value(subject.prediction[rows], subject.target[rows])
        if text := differing(subject.value(weight=weight), repeated, 1e-9):
            yield f"with weights it is {text} with rows repeated"


def a_weight_of_0_leaves_a_sample_out(subject: MetricSubject) -> Problems:
    """What has weight 0 changes nothing, however large the prediction is."""
    if subject.weighs and len(subject.target) > 1:
        weight, prediction = np.ones(len(subject.target)), subject.prediction.copy()
        weight[0] = 0.0
        for factor in (1, 1e200) if prediction.dtype.kind == "f" else (1,):
            prediction[0] *= factor
            expected = subject.value(subject.prediction[1:], subject.target[1:])
            if text := differing(subject.value(prediction, weight=weight), expected, 1e-9):
                yield f"it is {text} without the sample"
                return


def float32_agrees_with_float64(subject: MetricSubject) -> Problems:
    """Predictions come in the network's dtype."""
    if subject.prediction.dtype.kind == "f":
        double, single = subject.value(), subject.value(subject.prediction.astype(np.float32))
        if text := differing(single, double, SINGLE):
            yield f"of predictions in float32 it is {text} in float64"


def right_predictions_are_the_best(subject: MetricSubject) -> Problems:
    """`higher_is_better` says which way: predictions that equal the targets are not worse than others."""
    if subject.right is None or subject.right.shape != subject.prediction.shape:
        return
    found = [subject.value(subject.right), subject.value()]
    if list(found[0]) != [""]:  # several numbers have no order
        return
    right, others = (each[""] for each in found)
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
    if text := differing(subject.value(), column, 1e-9):
        yield f"of targets of shape (n,) against the same of shape (n, 1) it is {text}"


FIRST: tuple[Check[MetricSubject], ...] = (
    the_metric_is_a_finite_number,
    predictions_and_targets_are_left_alone,
)
CHECKS: tuple[Check[MetricSubject], ...] = (
    reset_forgets_everything,
    computing_changes_nothing,
    batches_do_not_matter,
    what_is_kept_is_all_that_is_remembered,
    what_grows_with_samples_is_said,
    weights_count_as_repetitions,
    a_weight_of_0_leaves_a_sample_out,
    float32_agrees_with_float64,
    right_predictions_are_the_best,
    a_missing_axis_of_1_changes_nothing,
    its_JSON_describes_it_in_full,
)
