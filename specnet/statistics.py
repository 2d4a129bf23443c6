"""Statistics of few numbers, such as a metric over seeds: intervals, tests, and how many numbers a test needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from specnet.functions import normal_quantile

LEVEL = 0.95
"""Confidence of intervals; a test with p below the rest distinguishes two means."""
POWER = 0.8
"""Probability with which a test should find a difference that is there."""
BOOTSTRAP_DRAWS = 10_000
"""Samples of a bootstrap, and random arrangements of a test."""
EXACT = 2**14
"""Arrangements up to which a test takes all of them."""
LEAST_PAIRS = 6
"""Pairs with which a test by signs can distinguish: all signs alike have p = 2 / 2^n."""
LEAST_UNPAIRED = 4
"""Numbers in each of two groups with which a test by labels can: p = 2 / C(2n, n)."""

Numbers = Sequence[float] | np.ndarray


def bootstrap_interval(values: Numbers) -> tuple[float, float]:
    """Return the interval of the mean of numbers (n,): the percentiles of means of n that are drawn with replacement.

    Not a number for fewer than two. Efron, "Bootstrap methods: another look at the jackknife", 1979.
    """
    x = np.asarray(values, np.float64)
    if len(x) < 2:
        return math.nan, math.nan
    means = x[np.random.default_rng(0).integers(len(x), size=(BOOTSTRAP_DRAWS, len(x)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def paired_test(a: Numbers, b: Numbers) -> float:
    """Return the two-sided p-value for numbers (n,) that belong together in pairs: the means are the same.

    The sign of each difference is as likely to be the other one: p is the share of all signs, or of some at random,
    with a mean difference at least as large. Fisher, "The design of experiments", 1935.
    """
    d = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    if 2 ** len(d) <= EXACT:
        signs = np.array([*product((1, -1), repeat=len(d))])
        return _share(signs @ d, d.sum())
    signs = np.random.default_rng(0).choice((1, -1), (BOOTSTRAP_DRAWS, len(d)))
    return _share(np.append(signs @ d, d.sum()), d.sum())


def unpaired_test(a: Numbers, b: Numbers) -> float:
    """Return the two-sided p-value for two groups of numbers (n,) and (m,): the means are the same.

    p is the share of all ways to form such groups, or of some at random, with a difference at least as large.
    """
    x, n = np.concatenate([a, b]).astype(np.float64), len(a)
    if math.comb(len(x), n) <= EXACT:
        chosen = np.array([*combinations(range(len(x)), n)])
    else:
        rng = np.random.default_rng(0)
        others = [rng.permutation(len(x))[:n] for _ in range(BOOTSTRAP_DRAWS)]
        chosen = np.array([*others, np.arange(n)])
    # With the total fixed, the difference of means grows with the sum of one group.
    return _share(x[chosen].sum(axis=1) - x.sum() * n / len(x), x[:n].sum() - x.sum() * n / len(x))


def _share(statistics: np.ndarray, observed: float) -> float:
    rounding = 1e-12 * max(float(np.abs(statistics).max()), abs(observed))
    return float(np.mean(np.abs(statistics) >= abs(observed) - rounding))


def holm(p: Numbers) -> list[float]:
    """Return p-values of several tests, corrected so that one wrong rejection has a chance of 5 % at most.

    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    order, corrected, worst = np.argsort(p, kind="stable"), [0.0] * len(p), 0.0
    for rank, place in enumerate(order.tolist()):
        worst = max(worst, min(1.0, (len(p) - rank) * float(p[place])))
        corrected[place] = worst
    return corrected


def pairs_needed(difference: float, sd: float) -> float:
    """Return how many pairs tell a mean difference from 0, where differences have the standard deviation `sd`.

    n = (z_0.975 + z_0.8)^2 sd^2 / difference^2 + z_0.975^2 / 2, for a two-sided test at 5 % with a power of 80 %; the
    last term corrects for an estimated sd. Guenther, "Sample size formulas for normal theory t tests", 1981.
    """
    return _needed(difference, sd, 1.0, 2.0)


def needed_in_each(difference: float, sd: float) -> float:
    """Return how many numbers in each of two groups with the standard deviation `sd` tell their means apart.

    n = 2 (z_0.975 + z_0.8)^2 sd^2 / difference^2 + z_0.975^2 / 4, as for pairs.
    """
    return _needed(difference, sd, 2.0, 4.0)


def _needed(difference: float, sd: float, groups: float, correction: float) -> float:
    z = normal_quantile(np.array([(1 + LEVEL) / 2, POWER]))
    if not difference:
        return math.inf
    return float(groups * (z.sum() * sd / difference) ** 2 + z[0] ** 2 / correction)
