import numpy as np
import pytest

import specnet
from specnet.errors import SpecnetError

X = np.random.default_rng(6).normal(size=(5, 4, 3))


@pytest.mark.parametrize(("shared", "shape"), [([], (4, 3)), ([0], (1, 3)), ([0, 1], (1, 1))])
def test_prelu_learns_the_slope_below_zero_of_each_feature_or_of_several(shared, shape):
    network = specnet.build_network([{"type": "prelu", "shared_axes": shared}], (4, 3), "float64")
    alpha = network.params["layers.0.alpha"]
    assert alpha.shape == shape and (alpha == 0.25).all()
    alpha[...] = np.arange(alpha.size).reshape(shape) / 10
    expected = [[[v if v > 0 else alpha[min(i, shape[0] - 1), min(j, shape[1] - 1)] * v for j, v in enumerate(row)]
                 for i, row in enumerate(sample)] for sample in X]  # fmt: skip
    np.testing.assert_allclose(network.forward(X, training=True), expected)


def test_an_axis_that_the_input_lacks_is_refused():
    with pytest.raises(SpecnetError, match=r"layers\.0 has the shared axes \[2\]"):
        specnet.build_network([{"type": "prelu", "shared_axes": [2]}], (4, 3))
