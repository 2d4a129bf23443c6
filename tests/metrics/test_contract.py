"""What every metric of specnet does besides what `specnet.testing` checks of it."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from helpers import built_in, in_one_test

import specnet
from specnet.component import find_class

rng = np.random.default_rng(5)
NUMBERS = [*rng.normal(size=(2, 60, 3))]
"""Predictions and targets of three numbers each."""
CLASSES = (rng.dirichlet(np.ones(4), 60), rng.integers(4, size=60))
YES_OR_NO = (rng.random((60, 1)), rng.integers(2, size=60))
OF_CLASSES = [
    "accuracy", "top_k_accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity", "jaccard", "roc_auc",
    "average_precision", "log_loss", "brier_score", "ece", "matthews_corrcoef", "cohen_kappa", "hamming_loss",
    "perplexity", "bits_per_character",
]  # fmt: skip
OF_NUMBERS = [
    "mse", "rmse", "mae", "median_absolute_error", "mape", "smape", "r2", "explained_variance", "nrmse", "pearson",
    "spearman", "pinball_loss",
]  # fmt: skip
CASES = {name: [CLASSES, YES_OR_NO] for name in OF_CLASSES} | {name: [NUMBERS] for name in OF_NUMBERS}
CASES["coverage"] = [(rng.normal(size=(60, 2)), rng.normal(size=60))]
every_metric = pytest.mark.parametrize(
    ("name", "prediction", "target"),
    [
        (each, *case)
        for name, cases in CASES.items()
        for case in cases
        for each in (name, *({"type": name, **fields} for fields in find_class("metrics", name).examples))
    ],
)
DIVISIONS = [[0, 1, 3, 60], [0, 30, 60], [*range(61)]]


def test_every_built_in_metric_is_in_the_table():
    assert sorted(CASES) == built_in("metrics")


def accumulated(metric, prediction, target, ends, weight=None):
    """The metric after an update for each part."""
    metric.reset()
    for start, end in pairwise(ends):
        weights = [] if weight is None else [weight[start:end]]
        metric.update(prediction[start:end], target[start:end], *weights)
    return metric


@in_one_test
@every_metric
def test_however_samples_are_divided_the_metric_is_the_same(name, prediction, target):
    metric = specnet.build("metrics", name)
    weight = rng.uniform(0, 2, 60)
    for ends in DIVISIONS:
        assert accumulated(metric, prediction, target, ends).compute() == pytest.approx(
            metric(prediction, target), rel=1e-12
        )
        weighted = accumulated(metric, prediction, target, ends, weight).compute()
        assert weighted == pytest.approx(metric(prediction, target, weight), rel=1e-12)


@in_one_test
@every_metric
def test_shards_that_are_merged_have_the_metric_of_all(name, prediction, target):
    shards = [specnet.build("metrics", name) for _ in range(4)]
    for number, shard in enumerate(shards[:3]):  # the last one has no samples
        shard.update(prediction[number::3], target[number::3])
    for other in shards[1:]:
        shards[0].merge(other)
    assert shards[0].compute() == pytest.approx(shards[0](prediction, target), rel=1e-12)


@in_one_test
@every_metric
def test_what_is_kept_goes_through_json_and_ends_in_the_same_bits(name, prediction, target):
    metric, restored = specnet.build("metrics", name), specnet.build("metrics", name)
    metric.update(prediction[:17], target[:17])
    kept = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in metric.kept.items()}
    restored.restore(json.loads(json.dumps(kept, allow_nan=False)))
    for each in (metric, restored):
        each.update(prediction[17:], target[17:])
    assert restored.compute() == metric.compute()


@in_one_test
@every_metric
def test_what_another_metric_kept_is_refused(name, prediction, target):
    metric = specnet.build("metrics", name)
    first = next(iter(metric.kept))
    for wrong in ({}, {**metric.kept, "more": 1}, {**metric.kept, first: "x"}, {**metric.kept, first: [[[[1.0]]]]}):
        with pytest.raises(ValueError, match=r"keep|could not convert"):
            metric.restore(wrong)


@in_one_test
@every_metric
def test_without_samples_there_is_no_number(name, prediction, target):
    metric = specnet.build("metrics", name)
    for weight in (None, np.zeros(60)):
        if weight is not None:
            metric.update(prediction, target, weight)
        found = metric.compute()
        assert not any(found.values()) if isinstance(found, dict) else math.isnan(found)


@in_one_test
@every_metric
def test_calling_a_metric_leaves_what_it_has_accumulated(name, prediction, target):
    metric = accumulated(specnet.build("metrics", name), prediction, target, [0, 60])
    before = metric.compute()
    metric(prediction[:7], target[:7])
    assert metric.compute() == before


@pytest.mark.parametrize("shift", [0.0, 1e8, -1e12])
@pytest.mark.parametrize("ends", DIVISIONS)
def test_r2_of_targets_far_from_0_loses_no_digits(shift, ends):
    """Both are whole numbers, so that moving them changes nothing."""
    prediction, target = rng.integers(-1000, 1000, (2, 60, 2)).astype(float)
    metric = specnet.build("metrics", "r2")
    expected = metric(prediction, target)
    assert accumulated(metric, prediction + shift, target + shift, ends).compute() == pytest.approx(expected, rel=1e-12)


def test_r2_of_equal_targets_is_that_of_equal_targets_however_they_are_divided():
    metric, target = specnet.build("metrics", "r2"), np.full((60, 1), 0.1)
    assert accumulated(metric, target, target, DIVISIONS[0]).compute() == 1
    assert accumulated(metric, target + 1e-9, target, DIVISIONS[0]).compute() == 0


def test_each_output_may_have_its_own_weight():
    prediction, target = NUMBERS
    weight = np.ones((60, 3))
    weight[:, 2] = 0
    weight[:30, 0] = 0
    for name in ("mse", "mae"):
        metric = specnet.build("metrics", name)
        one = metric(prediction[30:, 0], target[30:, 0])
        other = metric(prediction[:, 1], target[:, 1])
        assert metric(prediction, target, weight) == pytest.approx((30 * one + 60 * other) / 90)
