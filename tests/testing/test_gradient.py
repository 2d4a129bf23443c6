"""What central differences find, and what they let pass."""

import math

import numpy as np
import pytest

from specnet.testing.gradient import ARRAY_PARTS, Mismatch, find_mismatch


def found(f, x, gradient, terms=10.0):
    return find_mismatch(lambda: float(f(x)), x, gradient, terms, np.random.default_rng(0))


@pytest.mark.parametrize("size", [1, ARRAY_PARTS, ARRAY_PARTS + 1, 5000])
def test_a_right_gradient_passes_and_numbers_are_put_back(size):
    x = np.random.default_rng(1).normal(size=size)
    kept = x.copy()
    assert found(lambda x: np.sum(np.sin(x)), x, np.cos(x)) is None
    assert x.tobytes() == kept.tobytes()


@pytest.mark.parametrize("size", [1, ARRAY_PARTS, ARRAY_PARTS + 1, 5000])
def test_one_number_of_a_wrong_sign_is_found_wherever_it_is(size):
    x = np.random.default_rng(1).normal(size=size)
    for place in {0, size // 3, size - 1}:
        gradient = np.cos(x)
        gradient[place] *= -1
        mismatch = found(lambda x: np.sum(np.sin(x)), x, gradient)
        assert mismatch.place == (place,)
        assert (mismatch.analytic, mismatch.numeric) == pytest.approx((gradient[place], np.cos(x[place])), rel=1e-6)


def test_a_gradient_of_all_zeros_or_of_no_numbers_is_found():
    x = np.ones((2, 3))
    for wrong in (np.zeros((2, 3)), np.full((2, 3), np.nan), np.full((2, 3), np.inf)):
        assert found(np.sum, x, wrong).place == (0, 0)
    assert found(lambda x: 3.0, x, np.zeros((2, 3))) is None


def test_a_slope_of_either_side_of_a_kink_passes_and_no_other():
    x = np.zeros(3)
    for slope, right in [(0.0, True), (0.5, True), (1.0, True), (-1.0, False), (1.5, False)]:
        assert (found(lambda x: np.sum(np.maximum(x, 0)), x, np.full(3, slope)) is None) == right


def test_curves_that_bend_much_pass():
    x = np.random.default_rng(2).uniform(0.01, 1.0, 20)
    assert found(lambda x: np.sum(np.log(x)), x, 1 / x, 100.0) is None
    assert found(lambda x: np.sum(np.exp(30 * x)), x, 30 * np.exp(30 * x), 1e13) is None


@pytest.mark.parametrize(
    ("analytic", "numeric", "told"),
    [
        (-0.3121, 0.3121, "weight[2, 1]: backward says -0.3121, central differences say 0.3121: the sign is wrong"),
        (0.0, 1.0, "is it written at all?"),
        (0.2, 1.0, "it is divided by 5, the samples of the batch"),
        (5.0, 1.0, "it is multiplied by 5, the samples of the batch"),
        (-2.0, 1.0, "it is multiplied by -2"),
        (1.5, 1.0, "central differences say 1"),
        (float("nan"), 1.0, "backward says nan, central differences say 1"),
        (1.0, 0.0, "central differences say 0"),
    ],
)  # fmt: skip
def test_a_mismatch_names_the_place_both_values_and_what_it_looks_like(analytic, numeric, told):
    assert Mismatch((2, 1), analytic, numeric).show("weight", 5).endswith(told)


@pytest.mark.parametrize("numeric", [0.0, 1e-320, 1e300, math.inf, math.nan])
@pytest.mark.parametrize("analytic", [1e-320, 1e300, math.inf, -math.inf, math.nan])
def test_a_mismatch_of_extreme_numbers_is_told(analytic, numeric):
    assert Mismatch((0,), analytic, numeric).show("x", 3).startswith("gradient of x[0]: backward says ")
