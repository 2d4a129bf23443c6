import math
from statistics import NormalDist

import numpy as np
import pytest
from helpers import in_one_test

from specnet.functions import evenly_spaced, finite_json, normal_cdf, normal_quantile, sigmoid, softmax, summarize

precisions = pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])


@precisions
@pytest.mark.parametrize("shape", [(1,), (7,), (2, 3, 5)])
def test_sigmoid_is_its_formula_in_a_new_array(shape, dtype, tolerance):
    x = np.random.default_rng(1).normal(scale=5, size=shape).astype(dtype)
    given = x.copy()
    y = sigmoid(x)
    expected = [1 / (1 + math.exp(-value)) for value in x.ravel().tolist()]
    np.testing.assert_allclose(np.ravel(y), expected, rtol=0, atol=tolerance)
    assert y.dtype == dtype
    np.testing.assert_array_equal(x, given)


@precisions
def test_softmax_is_its_formula_in_a_new_array(dtype, tolerance):
    x = np.random.default_rng(1).normal(scale=5, size=(4, 3, 5)).astype(dtype)
    given = x.copy()
    y = softmax(x)
    for row, found in zip(x.reshape(-1, 5).tolist(), y.reshape(-1, 5), strict=True):
        total = math.fsum(map(math.exp, row))
        np.testing.assert_allclose(found, [math.exp(value) / total for value in row], rtol=0, atol=tolerance)
    assert y.dtype == dtype
    np.testing.assert_array_equal(x, given)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes_do_not_overflow(dtype):
    big = np.finfo(dtype).max / 4
    assert sigmoid(np.array([-big, -1e4, 1e4, big], dtype)).tolist() == [0, 0, 1, 1]
    assert softmax(np.array([[-big, big], [big, big]], dtype)).tolist() == [[0, 1], [0.5, 0.5]]


@in_one_test
@pytest.mark.parametrize("axis", [0, None])
@pytest.mark.parametrize("parts", [[], [1], [40, 41, 300]])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
def test_a_summary_of_pieces_is_that_of_the_whole(dtype, parts, axis):
    x = np.random.default_rng(6).normal(30, 9, (500, 3)).astype(dtype)
    found = summarize((piece.astype(np.float64) for piece in np.split(x, parts)), axis)
    exact = x.astype(np.float64)
    np.testing.assert_array_equal((found.least, found.most), (exact.min(axis), exact.max(axis)))
    assert found.size == (500 if axis == 0 else 1500)
    np.testing.assert_allclose((found.mean, found.std), (exact.mean(axis), exact.std(axis)), rtol=1e-13)
    if not parts:  # to the last bit, so that runs stay as they were
        np.testing.assert_array_equal((found.mean, found.std), (exact.mean(axis), exact.std(axis)))


def test_numbers_far_from_zero_lose_no_digits_to_their_pieces():
    x = 1e9 + np.arange(1000.0)
    assert summarize(np.split(x, 100)).std == pytest.approx(np.arange(1000.0).std(), rel=1e-12)


@in_one_test
@pytest.mark.parametrize("count", [1, 2, 3, 10, 99, 100, 101])
@pytest.mark.parametrize("length", [1, 2, 3, 7, 100, 1001])
def test_chosen_numbers_are_even_and_hold_both_ends(length, count):
    found = evenly_spaced(length, count)
    assert len(found) == min(length, count)
    assert found[0] == 0
    assert count == 1 or found[-1] == length - 1
    gaps = np.diff(found)
    assert not len(gaps) or 0 < gaps.max() <= gaps.min() + 2
    if count >= length:
        assert found.tolist() == list(range(length))


def test_json_has_nothing_in_place_of_numbers_that_are_not_finite():
    assert finite_json([1, [0.5, math.nan], -math.inf, "inf", None]) == [1, [0.5, None], None, "inf", None]


def test_of_nothing_nothing_is_chosen():
    assert evenly_spaced(0, 5).tolist() == []


def test_normal_quantile_is_the_inverse_of_the_normal_distribution():
    p = np.concatenate([np.linspace(1e-3, 1 - 1e-3, 999), [1e-300, 1e-20, 1e-7, 1 - 1e-7]])
    expected = [NormalDist().inv_cdf(each) for each in p.tolist()]
    np.testing.assert_allclose(normal_quantile(p), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(normal_cdf(normal_quantile(p)), p, rtol=1e-12)
