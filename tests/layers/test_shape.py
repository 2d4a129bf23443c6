import numpy as np
import pytest

import specnet


@pytest.mark.parametrize(("shape", "features"), [((), 1), ((4,), 4), ((3, 5), 15), ((3, 1, 2), 6)])
def test_flatten_lists_each_sample_in_row_major_order(shape, features):
    network = specnet.build_network(["flatten"], shape, "float64")
    x = np.random.default_rng(1).normal(size=(3, *shape))
    assert network.output_shape == (features,)
    y = network.forward(x)
    assert y.tolist() == [list(sample.flat) for sample in x]
    np.testing.assert_array_equal(network.backward(y), x)
