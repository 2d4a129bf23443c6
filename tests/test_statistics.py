"""Intervals and tests against scipy, and how many seeds a test needs against its power."""

import math

import numpy as np
import pytest

from specnet.statistics import (
    BOOTSTRAP_DRAWS,
    bootstrap_interval,
    holm,
    needed_in_each,
    paired_test,
    pairs_needed,
    unpaired_test,
)

stats = pytest.importorskip("scipy.stats")
A = np.array([0.81, 0.84, 0.79, 0.9, 0.86, 0.83, 0.88])
B = np.array([0.78, 0.85, 0.75, 0.84, 0.8, 0.83, 0.82])


def mean_difference(x, y, axis):
    return np.mean(x, axis=axis) - np.mean(y, axis=axis)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_p_values_of_few_numbers_are_scipys(size):
    a, b = A[:size], B[:size]
    for kind, test in {"samples": paired_test, "independent": unpaired_test}.items():
        found = stats.permutation_test(
            (a, b), mean_difference, permutation_type=kind, vectorized=True, n_resamples=np.inf
        )
        assert test(a, b) == pytest.approx(found.pvalue, abs=1e-12)
        assert test(b, a) == test(a, b)


def test_p_values_of_many_numbers_are_near_those_of_student():
    rng = np.random.default_rng(1)
    a = rng.normal(size=40)
    b = a + rng.normal(0.1, 0.5, 40)
    rounding = 4 * math.sqrt(0.25 / BOOTSTRAP_DRAWS)
    assert paired_test(a, b) == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=rounding)
    assert unpaired_test(a, b[:30]) == pytest.approx(stats.ttest_ind(a, b[:30]).pvalue, abs=rounding)
    assert paired_test(a, a) == unpaired_test(a, a) == 1.0
    assert paired_test(a, a + 1 + 0.1 * b) <= 2 / BOOTSTRAP_DRAWS


def test_a_test_by_signs_needs_six_pairs():
    assert paired_test(np.arange(5.0) + 1, np.zeros(5)) == 2 / 2**5 > 0.05
    assert paired_test(np.arange(6.0) + 1, np.zeros(6)) == 2 / 2**6 < 0.05


def test_the_interval_of_a_mean_is_scipys():
    found = stats.bootstrap((A,), np.mean, method="percentile", n_resamples=50_000, rng=0).confidence_interval
    assert bootstrap_interval(A) == pytest.approx(tuple(found), abs=1e-3)
    assert all(map(math.isnan, bootstrap_interval([1.0])))
    assert bootstrap_interval([2.0, 2.0]) == (2.0, 2.0)


def test_several_p_values_are_corrected_as_holm_has_it():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.02]) == [0.6, 0.04]


@pytest.mark.parametrize("effect", [0.4, 0.7, 1.0, 1.5])
def test_the_number_of_seeds_has_a_power_of_80_percent(effect):
    def power(n, paired):
        df, shift = (n - 1, effect * math.sqrt(n)) if paired else (2 * n - 2, effect * math.sqrt(n / 2))
        limit = stats.t.ppf(0.975, df)
        return stats.nct.sf(limit, df, shift) + stats.nct.cdf(-limit, df, shift)

    for needed, paired in ((pairs_needed, True), (needed_in_each, False)):
        n = math.ceil(needed(effect, 1.0))
        assert power(n + 1, paired) > 0.8 > power(n - 2, paired)
        assert needed(-2 * effect, 2.0) == pytest.approx(needed(effect, 1.0))
    assert pairs_needed(0.0, 1.0) == math.inf
