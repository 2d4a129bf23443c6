import numpy as np
import pytest

import specnet
from specnet.errors import ShapeError, SpecError


def rows(array):
    return array.reshape(-1, array.shape[-1]).tolist()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-13)])
@pytest.mark.parametrize("shape", [(3,), (1,), (5, 2), (3, 1, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_loops(shape, bias, dtype, tolerance):
    rng = np.random.default_rng(5)
    network = specnet.build_network([{"type": "linear", "units": 4, "use_bias": bias}], shape, dtype)
    network.params.flat[...] = rng.normal(size=network.params.flat.size)
    x, dy = (rng.normal(size=(3, *size)).astype(dtype) for size in (shape, (*shape[:-1], 4)))
    weight = network.params["layers.0.weight"].tolist()
    offset = network.params["layers.0.bias"].tolist() if bias else [0.0] * 4
    inputs, units = range(shape[-1]), range(4)
    y = [[offset[j] + sum(row[i] * weight[i][j] for i in inputs) for j in units] for row in rows(x)]
    dx = [[sum(row[j] * weight[i][j] for j in units) for i in inputs] for row in rows(dy)]
    pairs = list(zip(rows(x), rows(dy), strict=True))
    np.testing.assert_allclose(rows(network.forward(x, training=True)), y, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(rows(network.backward(dy)), dx, rtol=tolerance, atol=tolerance)
    dweight = [[sum(a[i] * b[j] for a, b in pairs) for j in units] for i in inputs]
    np.testing.assert_allclose(network.grads["layers.0.weight"], dweight, rtol=tolerance, atol=tolerance)
    assert ("layers.0.bias" in network.grads) == bias
    if bias:
        dbias = [sum(b[j] for _, b in pairs) for j in units]
        np.testing.assert_allclose(network.grads["layers.0.bias"], dbias, rtol=tolerance, atol=tolerance)


def test_arrays_that_are_not_contiguous_are_taken():
    rng = np.random.default_rng(6)
    network = specnet.build_network([{"type": "linear", "units": 2}], (3, 5), "float64")
    x, dy = rng.normal(size=(4, 5, 3)).swapaxes(1, 2), rng.normal(size=(2, 3, 4)).T
    y = network.forward(x).copy()
    dx, grads = network.backward(dy).copy(), network.grads.flat.copy()
    np.testing.assert_allclose(network.forward(x.copy()), y, rtol=1e-12)
    np.testing.assert_allclose(network.backward(dy.copy()), dx, rtol=1e-12)
    np.testing.assert_allclose(network.grads.flat, grads, rtol=1e-12)


def test_initializers_are_those_of_the_spec():
    constant = {"type": "constant", "value": 0.25}
    layer = {"type": "linear", "units": 2, "weight_init": constant, "bias_init": {"type": "constant", "value": -3}}
    params = specnet.build_network([layer], (3,)).params
    assert params["layers.0.weight"].tolist() == [[0.25, 0.25]] * 3
    assert params["layers.0.bias"].tolist() == [-3, -3]


@pytest.mark.parametrize("units", [0, -1, 1.5, "3", True])
def test_units_that_are_no_count_are_refused(units):
    with pytest.raises(SpecError) as caught:
        specnet.build("layers", {"type": "linear", "units": units})
    assert caught.value.diagnostics[0].pointer == ("units",)


def test_units_left_out_are_asked_for_outside_of_a_spec():
    with pytest.raises(ShapeError, match='has no "units"'):
        specnet.build_network(["linear"], (3,))


def test_an_input_without_features_is_refused():
    with pytest.raises(ShapeError, match=r"axes \(..., features\); its input has shape \(\)"):
        specnet.build_network([{"type": "linear", "units": 3}], ())
