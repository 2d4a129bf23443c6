import numpy as np
import pytest

import specnet
from specnet.network.norms import check_norms, layer_norms, layers_with_parameters, step_norms

NESTED = {"type": "residual", "layers": [{"type": "linear", "units": 3}, "tanh"]}


@pytest.fixture(params=["float32", "float64"])
def network(request):
    return specnet.build_network(["tanh", {"type": "linear", "units": 3}, NESTED], (4,), request.param)


def test_norms_are_those_of_each_layer_that_has_parameters(network):
    assert layers_with_parameters(network) == ["layers.1", "layers.2.layers.0"]
    network.grads.flat[:] = np.random.default_rng(0).normal(size=network.grads.flat.size)
    for vector in (network.params, network.grads):
        expected = [
            np.sqrt(sum(np.sum(np.square(vector[f"{name}.{each}"], dtype=np.float64)) for each in ("weight", "bias")))
            for name in layers_with_parameters(network)
        ]
        np.testing.assert_allclose(layer_norms(network, vector.flat), expected, rtol=1e-12)


def test_a_step_is_measured_by_what_it_changes(network):
    network.grads.flat[:] = 2.0
    before = network.params.flat.copy()
    network.params["layers.1.bias"][:] += [3.0, 0.0, 4.0]
    norms = step_norms(network, before)
    np.testing.assert_allclose(norms["update_norms"], [5.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(norms["gradient_norms"], [2 * np.sqrt(15), 2 * np.sqrt(12)])


def test_a_norm_is_a_number_even_where_its_square_is_none():
    network = specnet.build_network([{"type": "linear", "units": 3}], (4,), "float64")
    network.params.flat[:] = 1e200
    assert np.isfinite(layer_norms(network, network.params.flat)).all()


def test_a_network_without_parameters_has_no_norms():
    network = specnet.build_network(["tanh"], (4,))
    assert layer_norms(network, network.params.flat) == []


@pytest.mark.parametrize("norms", [{}, {"gradient_norms": [1.0, 2.0], "update_norms": [1.0]}])
def test_norms_of_other_layers_are_refused(network, norms):
    with pytest.raises(ValueError, match="do not match its layers"):
        check_norms(network, norms)
