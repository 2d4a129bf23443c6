"""Layers of the plugin against their formulas."""

from itertools import product

import numpy as np
import pytest

import specnet
import specnet.testing
from specnet.errors import ShapeError


def test_pixel_shuffle_moves_channels_to_positions():
    network = specnet.build_network([{"type": "pixel_shuffle", "factor": 2}], (2, 3, 8), "float64")
    x = np.random.default_rng(0).normal(size=(2, 2, 3, 8))
    y = network.forward(x, training=True)
    assert y.shape == (2, 4, 6, 2)
    for i, j, k, a, b in product(range(2), range(3), range(2), range(2), range(2)):
        np.testing.assert_array_equal(y[:, 2 * i + a, 2 * j + b, k], x[:, i, j, (k * 2 + a) * 2 + b])
    np.testing.assert_array_equal(network.backward(y.copy()), x)
    specnet.testing.check_layer({"type": "pixel_shuffle", "factor": 2}, [(1, 2, 4)])


def test_channels_that_the_factor_does_not_divide_are_a_located_error():
    with pytest.raises(ShapeError, match="makes 3 x 3 positions of as many channels, which do not divide 8") as caught:
        specnet.build_network([{"type": "pixel_shuffle", "factor": 3}], (2, 3, 8))
    assert caught.value.pointer == ("layers", 0, "factor")


def test_celu_has_the_value_and_the_slope_of_its_formula():
    network = specnet.build_network([{"type": "celu", "alpha": 2.0}], (3,), "float64")
    y = network.forward(np.array([[-1.0, 0.0, 3.0]]), training=True)
    np.testing.assert_allclose(y, [[2 * np.exp(-0.5) - 2, 0, 3]])
    np.testing.assert_allclose(network.backward(np.ones((1, 3))), [[np.exp(-0.5), 1, 1]])


def test_alpha_dropout_keeps_mean_and_variance():
    network = specnet.build_network([{"type": "alpha_dropout", "rate": 0.3}], (100_000,), "float64")
    x = np.random.default_rng(0).normal(size=(1, 100_000))
    y = network.forward(x, training=True)
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.02
    values, counts = np.unique(y, return_counts=True)
    assert abs(counts.max() / y.size - 0.3) < 0.01  # dropped inputs are one number
    slope = 1 / np.sqrt(0.7 * (1 + 0.3 * 1.7580993408473766**2))
    expected = np.where(y == values[counts.argmax()], 0, slope)
    np.testing.assert_allclose(network.backward(np.ones_like(x)), expected)


def test_maxout_is_the_largest_of_its_pieces():
    network = specnet.build_network([{"type": "maxout", "units": 2, "pieces": 3}], (4, 5), "float64")
    weight, bias = network.params["layers.0.weight"], network.params["layers.0.bias"]
    rng = np.random.default_rng(0)
    bias[...] = rng.normal(size=6)
    x, dy = rng.normal(size=(7, 4, 5)), rng.normal(size=(7, 4, 2))
    y = network.forward(x, training=True)
    dx, expected = network.backward(dy.copy()), np.zeros_like(x)
    for place in np.ndindex(7, 4, 2):
        *row, unit = place
        pieces = [x[*row] @ weight[:, 3 * unit + k] + bias[3 * unit + k] for k in range(3)]
        np.testing.assert_allclose(y[place], max(pieces))
        expected[*row] += dy[place] * weight[:, 3 * unit + np.argmax(pieces)]
    np.testing.assert_allclose(dx, expected)
