import math

import numpy as np
import pytest
from helpers import in_one_test

import specnet


def huber(delta):
    return lambda e: e * e / 2 if abs(e) <= delta else delta * (abs(e) - delta / 2)


FORMULAS = [
    ({"type": "mse"}, lambda e: e * e),
    ({"type": "mae"}, abs),
    ({"type": "huber"}, huber(1.0)),
    ({"type": "huber", "delta": 0.3}, huber(0.3)),
    ({"type": "log_cosh"}, lambda e: abs(e) + math.log1p(math.exp(-2 * abs(e))) - math.log(2)),
]
every_loss = pytest.mark.parametrize(("spec", "formula"), FORMULAS)


@in_one_test
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-13)])
@pytest.mark.parametrize("shape", [(1, 1), (7,), (5, 3), (2, 3, 5)])
@every_loss
def test_values_are_those_of_the_formula(spec, formula, shape, dtype, tolerance):
    y, target = np.random.default_rng(2).normal(size=(2, *shape)).astype(dtype)
    elements = [formula(float(a) - float(b)) for a, b in zip(y.flat, target.flat, strict=True)]
    value = specnet.build("losses", spec).forward(y, target)
    assert value == pytest.approx(math.fsum(elements) / len(elements), rel=tolerance)


@every_loss
def test_an_exact_prediction_has_no_loss_and_no_gradient(spec, formula):
    loss, y = specnet.build("losses", spec), np.array([[1.5, -2.0]])
    assert loss.forward(y, y.copy()) == 0
    assert loss.backward().tolist() == [[0, 0]]


@in_one_test
@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e4), ("float64", 1e30), ("float32", 1e4), ("float32", 1e15)])
@every_loss
def test_large_errors_are_finite(spec, formula, dtype, size):
    loss = specnet.build("losses", spec)
    y = np.array([[-size, size]], dtype)
    assert loss.forward(y, np.zeros_like(y)) == pytest.approx(formula(size), rel=1e-6)
    assert np.isfinite(loss.backward()).all()
    np.testing.assert_array_equal(np.sign(loss.backward()), [[-1, 1]])
