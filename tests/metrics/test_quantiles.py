"""Intervals contain what they should, in each form of outputs."""

import numpy as np
import pytest

import specnet
from specnet.errors import ShapeError

rng = np.random.default_rng(6)


def coverage(**fields):
    return specnet.build("metrics", {"type": "coverage", **fields})


def test_coverage_is_the_share_of_targets_between_the_outermost_quantiles():
    t, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([[0, 1, 2], [0, 1, 2], [4, 5, 4], [5, 0, 3.0]])
    assert coverage()(y, t) == coverage()(y, t[:, None]) == 0.75
    assert coverage()(y, t, np.array([1, 1, 2, 0])) == 0.5


def test_coverage_of_a_normal_distribution_is_its_level():
    mean, log_variance = rng.normal(size=(2, 200_000))
    t = mean + np.exp(log_variance / 2) * rng.normal(size=200_000)
    for level in (0.5, 0.9):
        assert coverage(level=level)(np.stack([mean, log_variance], 1), t) == pytest.approx(level, abs=0.005)


def test_coverage_of_several_targets_takes_their_bounds_one_after_the_other():
    t = np.array([[1.0, 10.0], [2.0, 20.0]])
    low, high = np.array([[0.0, 9.0], [1.0, 25.0]]), np.array([[2.0, 11.0], [3.0, 30.0]])
    y = np.concatenate([low, high], 1)
    assert coverage()(y, t) == 0.75
    assert coverage(average="none")(y, t) == {"0": 1, "1": 0.5}


@pytest.mark.parametrize(("columns", "targets"), [(1, 1), (2, 2), (3, 2)])
def test_coverage_needs_bounds(columns, targets):
    for fields in ({}, {"level": 0.9}):
        with pytest.raises(ShapeError, match="for each target"):
            coverage(**fields)(np.zeros((5, columns)), np.zeros((5, targets)))


def test_the_pinball_loss_of_the_median_is_half_the_mean_absolute_error():
    y, t = rng.normal(size=(2, 30, 2))
    mae = specnet.build("metrics", "mae")(y, t)
    assert specnet.build("metrics", "pinball_loss")(y, t) == pytest.approx(mae / 2)
