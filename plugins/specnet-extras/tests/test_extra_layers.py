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
