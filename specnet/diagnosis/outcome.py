"""Findings in the results of a run: what was learned, beside baselines, and how it holds for other samples."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from specnet.component import type_name
from specnet.diagnosis.data import larger_share
from specnet.diagnosis.evidence import Evidence
from specnet.diagnosis.symptom import LOSS, SCORES, Cure, Symptom
from specnet.functions import format_number, wilson
from specnet.metrics.base import Metric
from specnet.spec.model import Spec

_NOTHING = 0.02
"""Share of the loss of a constant prediction that a network should at least have removed."""
_COMPARED = ("accuracy", "balanced_accuracy", "mse", "rmse", "mae", "r2")
"""Metrics of which no constant prediction is good by definition, as for the recall of the commonest class."""
_WORSE = 0.1
"""Share by which the loss has to be above that of a constant prediction, and of the initial weights, for a network that
went too far."""
_LARGE_STEP = 0.1
"""Median length of a step beside the weights from which it goes too far."""
_FEW_STEPS = 100
"""Steps up to which a network that has learned nothing may just have had too few."""
ADAM = {"type": "adam", "learning_rate": 0.01}
"""An optimizer that fits most small networks."""
_GAP = 0.5
"""Share of what was learned that does not hold for validation samples, from which it is told."""
_WIDE = 0.15
"""Width of the interval of a share from which it hides most differences: 100 samples with 84 % right have 0.144."""


def no_gain(evidence: Evidence) -> Iterator[Symptom]:
    """The training loss is no better than that of a constant prediction."""
    learned, constant = evidence.learned, evidence.constant_loss
    if evidence.history and learned is not None and learned < _NOTHING and evidence.run.status != "diverged":
        loss = evidence.run.metrics["train"]["loss"]
        assert constant is not None
        where = "above" if loss > constant else "hardly below"
        level = f"{where} that of a constant prediction, {format_number(constant)}"
        message = f"the training loss is {format_number(loss)}, {level}"
        numbers = {"training loss": loss, "constant prediction": constant}
        worst = max(constant, evidence.initial_loss)
        if loss > (1 + _WORSE) * worst or max(evidence.usual_step.values(), default=0.0) > _LARGE_STEP:
            cure = evidence.with_rate(0.1, "to take smaller steps")
        elif evidence.history["step"][-1] < _FEW_STEPS:
            cure = Cure("to train longer", (f"training.epochs={10 * evidence.spec.training.epochs}",))
        elif type_name(evidence.spec.optimizer) == "adam":
            cure = evidence.with_rate(10, "to take larger steps")
        else:
            cure = Cure("for steps whose length does not depend on the gradient", (f"optimizer={json.dumps(ADAM)}",))
        yield Symptom("no-gain", message, numbers, evidence.rate_place, cure)


def below_baseline(evidence: Evidence) -> Iterator[Symptom]:
    """A metric of samples that were not trained on is not better than that of a constant or of a linear prediction."""
    run = evidence.run
    split = list(run.metrics)[-1]
    if split == "train" or not evidence.history or _knows_nothing(evidence):
        return
    found = [("below-baseline", "constant", run.baselines), ("below-linear", "linear", run.linear_baselines)]
    for code, what, baselines in found:
        for metric in compared_metrics(evidence.spec):
            value, other = run.metrics[split].get(metric.label), baselines.get(split, {}).get(metric.label)
            if value is None or other is None or _better(metric, value, other):
                continue
            own, theirs = run.metrics["train"][metric.label], baselines["train"][metric.label]
            limit = f"not better than that of a {what} prediction, {format_number(other)}"
            message = f"the {split} {metric.label} is {format_number(value)}, {limit}"
            cure = Cure("to train longer", (f"training.epochs={3 * evidence.spec.training.epochs}",))
            if _better(metric, own, theirs):  # learned, but of the training samples alone
                cure = _penalty(evidence)
            yield Symptom(code, message, {split: value, what: other, "train": own}, ("training",), cure, SCORES)
            return


def gap(evidence: Evidence) -> Iterator[Symptom]:
    """Much of what was learned holds for the training samples alone."""
    scores, constant, learned = evidence.run.metrics, evidence.constant_loss, evidence.learned
    if "validation" not in scores or constant is None or learned is None or learned < 2 * _NOTHING:
        return
    own, other = scores["train"]["loss"], scores["validation"]["loss"]
    if (lost := (other - own) / (constant - own)) > _GAP:
        message = (
            f"{lost:.0%} of what was learned does not hold for validation samples: "
            f"their loss is {format_number(other)}, compared with {format_number(own)} for training samples"
        )
        numbers = {"train": own, "validation": other, "constant prediction": constant, "lost": lost}
        yield Symptom("gap", message, numbers, ("training", "l2"), _penalty(evidence), LOSS)


def wide_interval(evidence: Evidence) -> Iterator[Symptom]:
    """The interval of a share of the validation samples contains all its values of the second half of training."""
    data, scores = evidence.run.data, evidence.run.metrics.get("validation", {})
    few = any(found.code == "few-validation-samples" for found in evidence.run.data_symptoms)
    if few or data.validation is None or _knows_nothing(evidence):
        return
    n = len(data.validation.inputs)
    for metric in evidence.spec.metrics:
        values = evidence.history.get(f"validation/{metric.label}")
        if metric.is_share and values is not None and metric.label in scores:
            low, high = (float(limit) for limit in wilson(np.array(n), np.array(scores[metric.label])))
            late = values[len(values) // 2 :]
            if high - low > _WIDE and low <= late.min() and late.max() <= high:
                message = (
                    f"{n} validation samples are too few to compare epochs: the 95 % interval of the {metric.label} "
                    f"of {format_number(scores[metric.label])} is {format_number(low)} to {format_number(high)}"
                )
                numbers = {"samples": n, "lower limit": low, "upper limit": high}
                share = evidence.spec.split.validation
                cure = larger_share(share, min(0.5, round(2 * share, 2)))
                yield Symptom("wide-interval", message, numbers, ("split", "validation"), cure, SCORES)
                return


def _knows_nothing(evidence: Evidence) -> bool:
    return evidence.learned is not None and evidence.learned < _NOTHING


def compared_metrics(spec: Spec) -> list[Metric]:
    """Return the metrics of a spec of which no constant prediction is good by definition."""
    return [each for each in spec.metrics if type_name(each) in _COMPARED]


def _better(metric: Metric, value: float, other: float) -> bool:
    return value > other if metric.higher_is_better else value < other


def _penalty(evidence: Evidence) -> Cure:
    l2 = evidence.spec.training.l2
    return Cure("for smaller weights", (f"training.l2={10 * l2:g}" if l2 else "training.l2=0.001",))
