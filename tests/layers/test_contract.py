"""The contract of `specnet.layers.base.Layer`, for every layer that is registered."""

import json
import math
import tracemalloc

import numpy as np
import pytest
from helpers import away_from_zero, built_in, gradient_error, numeric_gradient

import specnet
from specnet.layers.base import walk
from specnet.training.network import Network

FLAT, ONE, SEQUENCE, IMAGE = (5,), (1,), (4, 3), (3, 5, 2)
ANY = (FLAT, ONE, SEQUENCE, IMAGE)
KEEPS_SHAPE = ["tanh", {"type": "dropout", "rate": 0.3}, "gelu"]
NESTED = [[{"type": "residual", "layers": KEEPS_SHAPE}, {"type": "linear", "units": 3}], [], KEEPS_SHAPE]

# Every built-in layer, in the configurations and with the input shapes that are tested.
CASES = {
    "linear": [({"units": 4}, ANY), ({"units": 1, "bias": False}, ANY)],
    "flatten": [({}, (*ANY, ()))],
    "dropout": [({"rate": 0.3}, ANY), ({"rate": 0.0}, (FLAT,))],
    "sigmoid": [({}, ANY)],
    "tanh": [({}, ANY)],
    "relu": [({}, ANY)],
    "leaky_relu": [({}, ANY), ({"negative_slope": 0.3}, (FLAT,))],
    "elu": [({}, ANY), ({"alpha": 0.7}, (FLAT,))],
    "gelu": [({}, ANY)],
    "silu": [({}, ANY)],
    "softplus": [({}, ANY)],
    "softmax": [({}, ANY)],
    "residual": [
        ({"layers": KEEPS_SHAPE}, (*ANY, ())),
        ({"layers": [{"type": "linear", "units": 4}, "silu", {"type": "linear", "units": 5}]}, (FLAT,)),
    ],
    "parallel": [
        ({"branches": NESTED, "merge": "concat"}, ANY),
        ({"branches": [KEEPS_SHAPE, [], []], "merge": "add"}, (*ANY, ())),
        ({"branches": [[]], "merge": "add"}, (FLAT,)),
        ({"branches": [["flatten"], ["flatten", {"type": "linear", "units": 2}]]}, (IMAGE, ())),
    ],
    "repeat": [
        ({"times": 3, "layers": KEEPS_SHAPE}, (*ANY, ())),
        ({"times": 2, "layers": [{"type": "parallel", "branches": NESTED}]}, (FLAT, SEQUENCE)),
    ],
}
KINKED = {"relu", "leaky_relu", "elu"}  # at 0, so their inputs are drawn away from it

EVERY = [
    pytest.param(name, config, shape, id=f"{name}-{json.dumps(config)}-{shape}")
    for name, cases in CASES.items()
    for config, shapes in cases
    for shape in shapes
]
every_layer = pytest.mark.parametrize(("name", "config", "shape"), EVERY)


def make(name, config, shape, batch=3, dtype="float64"):
    """Return a network of one layer with random parameters, inputs x and an upstream gradient dy."""
    rng = np.random.default_rng(batch)
    network = specnet.build_network([{"type": name, **config}], shape, dtype, seed=1)
    network.params.flat[...] = rng.normal(size=network.params.flat.size)
    x = away_from_zero(rng, (batch, *shape)) if name in KINKED else rng.normal(size=(batch, *shape))
    return network, x.astype(dtype), rng.normal(size=(batch, *network.output_shape)).astype(dtype)


def repeatable(network: Network):
    """Return the forward pass in training, from the same random numbers and running state at each call."""
    kept, state = generators(network), network.state.flat.copy()

    def forward(x):
        for place, layer in network.named.items():
            layer.rng.bit_generator.state = kept[place]
        network.state.flat[...] = state
        return network.forward(x, training=True)

    return forward


def generators(network: Network):
    """Return the states of the random generators of all layers."""
    return {place: layer.rng.bit_generator.state for place, layer in network.named.items()}


def says(spec, config):
    """Tell whether a resolved spec says what a config says, which leaves defaults out."""
    if isinstance(config, dict):
        return all(name in spec and says(spec[name], value) for name, value in config.items())
    if isinstance(config, list):
        return len(spec) == len(config) and all(map(says, spec, config))
    return spec == config or (isinstance(spec, dict) and spec["type"] == config)


def test_every_built_in_layer_is_in_the_table():
    assert sorted(CASES) == built_in("layers")


@pytest.mark.parametrize("batch", [1, 3])
@every_layer
def test_gradients_are_central_differences(name, config, shape, batch):
    network, x, dy = make(name, config, shape, batch)
    forward = repeatable(network)
    forward(x)
    dx = network.backward(dy).copy()
    grads = network.grads.flat.copy()

    def f():
        return float(np.sum(dy * forward(x)))

    assert gradient_error(dx, numeric_gradient(f, x)) < 1e-6
    if grads.size:
        assert gradient_error(grads, numeric_gradient(f, network.params.flat)) < 1e-6


@every_layer
def test_the_declared_shape_is_the_shape_of_outputs_and_build_allocates_nothing(name, config, shape):
    layer = specnet.build("layers", {"type": name, **config})
    declared = layer.build(shape)
    for _, inner in walk(layer, "layer"):
        assert not any(isinstance(value, np.ndarray) for value in vars(inner).values())
    network, x, _ = make(name, config, shape)
    assert network.forward(x, training=True).shape == (3, *declared) == (3, *network.output_shape)


@every_layer
def test_forward_leaves_x_and_backward_leaves_x_and_parameters_alone(name, config, shape):
    network, x, dy = make(name, config, shape)
    given, params = x.copy(), network.params.flat.copy()
    network.forward(x, training=True)
    assert x.tobytes() == given.tobytes()
    dx = network.layers[0].backward(dy)
    assert dx.shape == x.shape
    assert x.tobytes() == given.tobytes()
    assert network.params.flat.tobytes() == params.tobytes()


@every_layer
def test_a_step_like_the_last_one_makes_no_array_as_large_as_a_batch(name, config, shape):
    rows = 2**15
    network, x, dy = make(name, config, shape, rows, "float32")
    tracemalloc.start()
    try:
        for _ in range(2):  # the second step is the one that counts
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            network.propagate(x, training=True)
            network.layers[0].backward(dy)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    smallest = min(math.prod(shape), math.prod(network.output_shape))
    # Two numbers for each row are less than that, and so is what NumPy takes for itself.
    assert peak - before < 4 * rows * max(2, smallest / 2) + 50_000


@every_layer
def test_backward_overwrites_gradients_and_backward_parameters_gives_the_same(name, config, shape):
    network, x, dy = make(name, config, shape)
    layer, forward, found = network.layers[0], repeatable(network), []
    for backward in (layer.backward, layer.backward, layer.backward_parameters):
        network.grads.flat[...] = 1e9
        forward(x)
        backward(dy.copy())
        found.append(network.grads.flat.copy())
    first, second, alone = found
    assert first.tobytes() == second.tobytes() == alone.tobytes()
    assert not np.any(first == 1e9)


@every_layer
def test_a_smaller_last_batch_is_computed_as_by_a_fresh_layer(name, config, shape):
    used, x, dy = make(name, config, shape, batch=5)
    fresh = make(name, config, shape, batch=5)[0]
    forward = repeatable(used)
    forward(x)
    used.backward(dy)
    assert forward(x[:2]).tobytes() == fresh.forward(x[:2], training=True).tobytes()
    assert used.backward(dy[:2]).tobytes() == fresh.backward(dy[:2]).tobytes()
    assert used.grads.flat.tobytes() == fresh.grads.flat.tobytes()


@every_layer
def test_without_training_outputs_are_deterministic_and_change_no_state(name, config, shape):
    network, x, _ = make(name, config, shape)
    kept, state = generators(network), network.state.flat.copy()
    first = network.forward(x).copy()
    assert network.forward(x).tobytes() == first.tobytes()
    assert generators(network) == kept
    assert network.state.flat.tobytes() == state.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_layer
def test_the_dtype_stays(name, config, shape, dtype):
    network, x, dy = make(name, config, shape, dtype=dtype)
    for training in (False, True):
        assert network.forward(x, training).dtype == dtype
    assert network.backward(dy).dtype == dtype
    assert network.grads.flat.dtype == network.params.flat.dtype == dtype


@every_layer
def test_float32_agrees_with_float64(name, config, shape):
    results = []
    for dtype in ("float32", "float64"):
        network, x, dy = make(name, config, shape, dtype=dtype)
        results.append((network.forward(x), network.backward(dy), network.grads.flat))
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


@every_layer
def test_json_round_trip_gives_the_same_layer(name, config, shape):
    layer = specnet.build("layers", {"type": name, **config})
    spec = json.loads(json.dumps(layer.to_spec()))
    again = specnet.build("layers", spec)
    assert type(again) is type(layer)
    assert again.to_spec() == spec
    assert says(spec, {"type": name, **config})
