import math

import numpy as np
import pytest
from helpers import in_one_test

import specnet
from specnet.errors import SpecnetError


def made(spec, shape, dtype="float64"):
    return specnet.build_network([spec], shape, dtype)


def along(f, x, axis):
    """Return what a function of a list makes of the numbers along an axis."""
    return np.apply_along_axis(lambda row: np.array(f(row.tolist())), axis, x)


def of_softmax(row):
    total = math.fsum(map(math.exp, row))
    return [math.exp(value) / total for value in row]


VALUES = {
    "softmax": of_softmax,
    "log_softmax": lambda row: [math.log(value) for value in of_softmax(row)],
    "glu": lambda row: [
        a / (1 + math.exp(-b)) for a, b in zip(row[: len(row) // 2], row[len(row) // 2 :], strict=True)
    ],
    "swiglu": lambda row: [
        a * b / (1 + math.exp(-b)) for a, b in zip(row[: len(row) // 2], row[len(row) // 2 :], strict=True)
    ],
}


@in_one_test
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-13)])
@pytest.mark.parametrize(("shape", "axis"), [((2,), -1), ((6,), 0), ((4, 5), 0), ((3, 4), 1), ((2, 3, 5), -3)])
@pytest.mark.parametrize("name", VALUES)
def test_values_are_those_of_the_formula_along_the_axis(name, shape, axis, dtype, tolerance):
    x = np.random.default_rng(4).normal(scale=2.0, size=(3, *shape)).astype(dtype)
    expected = along(VALUES[name], x, axis if axis < 0 else axis + 1)
    y = made({"type": name, "axis": axis}, shape, dtype).forward(x, training=True)
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)
    assert y.dtype == dtype


def test_a_temperature_divides_the_inputs_of_softmax():
    x = np.array([[1.0, 2.0, -3.0]])
    y = made({"type": "softmax", "temperature": 0.5}, (3,)).forward(x, training=False)
    np.testing.assert_allclose(y, [of_softmax([2.0, 4.0, -6.0])], rtol=1e-14)


@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e4), ("float64", 1e300), ("float32", 1e30)])
def test_softmax_of_extreme_inputs_is_finite(dtype, size):
    network = made("softmax", (3,), dtype)
    y = network.forward(np.array([[-size, 0, size], [-size, -size, -size]], dtype), training=True)
    dx = network.backward(np.array([[1, 2, 3], [1, 2, 3]], dtype))
    np.testing.assert_allclose(y, [[0, 0, 1], [1 / 3] * 3], rtol=1e-6)
    np.testing.assert_allclose(dx, [[0, 0, 0], [-1 / 3, 0, 1 / 3]], rtol=1e-6, atol=1e-7)


def test_log_softmax_of_extreme_inputs_is_finite():
    y = made("log_softmax", (2,)).forward(np.array([[0.0, 1e300], [-1e4, -1e4]]), training=True)
    np.testing.assert_allclose(y, [[-1e300, 0], [-math.log(2)] * 2])


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ("softmax", (), r"layers\.0 .*axis -1"),
        ({"type": "softmax", "axis": 2}, (4, 3), r"layers\.0 .*axis 2"),
        ("glu", (5,), r"layers\.0 divides axis -1 into halves, but its length is 5"),
    ],
)
def test_an_axis_that_does_not_fit_is_refused(spec, shape, message):
    with pytest.raises(SpecnetError, match=message):
        made(spec, shape)


def test_an_axis_of_time_takes_no_masks():
    network = made({"type": "softmax", "axis": 0}, (4, 3))
    with pytest.raises(SpecnetError, match="masked positions"):
        network.propagate(np.zeros((2, 4, 3)), training=False, mask=np.ones((2, 4), bool))
