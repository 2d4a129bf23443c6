import numpy as np
import pytest

from specnet.datasets.base import Data, Samples
from specnet.datasets.duplicates import count_duplicates


def split(x, targets, at, other=None):
    """Data whose last samples are for the test."""
    x, targets = np.asarray(x), np.asarray(targets)
    return Data(Samples(x[:at], targets[:at]), other, Samples(x[at:], targets[at:]))


@pytest.mark.parametrize("features", [1, 3, 40])
@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8"])
def test_samples_that_are_training_samples_too_are_counted(features, dtype):
    rng = np.random.default_rng(0)
    x, targets = rng.integers(0, 3, (200, features)), rng.integers(0, 2, 200)
    x[150:160], targets[150:160] = x[10], targets[10]
    rows = [(*row, target) for row, target in zip(x.tolist(), targets.tolist(), strict=True)]
    expected = sum(row in rows[:120] for row in rows[120:])
    assert expected >= 10
    assert count_duplicates(split(x.astype(dtype), targets, 120)) == {"test": expected}


def test_images_are_compared_whole():
    x = np.random.default_rng(0).normal(size=(30, 8, 8, 1))
    x[20:25] = x[:5]
    x[22:25, 0, 0] *= 1.0000001  # in one of 64 pixels
    assert count_duplicates(split(x, np.zeros((30, 1)), 20)) == {"test": 2}


def test_other_targets_make_other_samples():
    x = np.ones((10, 2))
    assert count_duplicates(split(x, np.arange(10), 5)) == {}
    assert count_duplicates(split(x, np.arange(10) % 5, 5)) == {"test": 5}


def test_minus_zero_is_zero():
    assert count_duplicates(split([[0.0], [1.0], [-0.0]], [-0.0, 1.0, 0.0], 2)) == {"test": 1}


def test_each_split_is_counted():
    x, targets = np.arange(20.0)[:, np.newaxis] % 8, np.zeros(20)
    whole = split(x, targets, 10, Samples(x[:3], targets[:3]))
    assert count_duplicates(whole) == {"validation": 3, "test": 10}
    assert count_duplicates(Data(whole.train)) == {}


def test_numbers_whose_squares_overflow_are_compared_as_well():
    x = np.random.default_rng(0).normal(size=(30, 2)) * 1e300
    x[20:25] = x[:5]
    assert count_duplicates(split(x, np.zeros((30, 1)), 20)) == {"test": 5}
