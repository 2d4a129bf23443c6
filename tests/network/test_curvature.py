"""The largest eigenvalues of a Hessian, against closed forms and dense eigenvalues."""

import numpy as np
import pytest

from specnet.network.curvature import largest_curvatures

RNG = np.random.default_rng(5)


def quadratic(values):
    """Return the gradient of x H x / 2 for a random H with these eigenvalues."""
    q, _ = np.linalg.qr(RNG.normal(size=(len(values), len(values))))
    hessian = q * values @ q.T
    return lambda w: hessian @ w


@pytest.mark.parametrize(
    "values",
    [
        [3.0, 2.0, 1.0],
        [-9.0, 2.0, 1.0, 0.5],
        [-1.0, -2.0, -3.0],
        [0.0, 0.0, 0.0, 0.0],
        [4.0, 4.0, 4.0, 1.0, 1.0],
        np.linspace(0, 1, 30) ** 3,
        np.concatenate([np.zeros(100), [1e6, 10.0, 1e-6]]),
    ],
    ids=["distinct", "negative", "all negative", "zero", "repeated", "dense", "of all sizes"],
)
def test_eigenvalues_of_a_quadratic_are_found(values):
    expected = np.sort(values)[::-1][:3]
    found = largest_curvatures(quadratic(np.array(values)), RNG.normal(size=len(values)), 3)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(values).max() + 1e-9)


def test_what_is_not_trained_has_no_curvature():
    gradient = quadratic(np.array([5.0, 4.0, 3.0, 2.0]))
    hessian = np.stack([gradient(column) for column in np.eye(4)])
    trained = np.array([True, False, True, True])
    expected = np.linalg.eigvalsh(hessian[np.ix_(trained, trained)])[::-1]
    found = largest_curvatures(lambda w: gradient(w) * trained, np.ones(4), 3, trained)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_there_are_no_more_curvatures_than_parameters():
    assert largest_curvatures(lambda w: 2 * w, np.ones(2), 3) == pytest.approx([2.0, 2.0])
    assert len(largest_curvatures(lambda w: w, np.empty(0), 3)) == 0


def test_a_gradient_that_is_not_finite_has_no_curvature():
    assert np.isnan(largest_curvatures(lambda w: w * np.nan, np.ones(3), 2)).all()


def test_the_same_point_has_the_same_bytes():
    gradient, w = quadratic(np.linspace(1, 2, 40)), RNG.normal(size=40)
    assert largest_curvatures(gradient, w, 3).tobytes() == largest_curvatures(gradient, w, 3).tobytes()
