"""What every layer of specnet does besides what `specnet.testing` checks of it."""

import json

import numpy as np
import pytest
from helpers import built_in

import specnet
from specnet.network.network import Network

FLAT, ONE, SEQUENCE, IMAGE = (5,), (1,), (4, 3), (3, 5, 2)
ANY = (FLAT, ONE, SEQUENCE, IMAGE)
KEEPS_SHAPE = ["tanh", {"type": "dropout", "rate": 0.3}, "gelu"]
NESTED = [[{"type": "residual", "layers": KEEPS_SHAPE}, {"type": "linear", "units": 3}], [], KEEPS_SHAPE]

# Every built-in layer, in the configurations and with the input shapes that are tested.
CASES = {
    "linear": [({"units": 4}, ANY), ({"units": 1, "use_bias": False}, ANY)],
    "flatten": [({}, (*ANY, ()))],
    "dropout": [({"rate": 0.3}, ANY), ({"rate": 0.0}, (FLAT,))],
    "sigmoid": [({}, ANY)],
    "tanh": [({}, ANY)],
    "relu": [({}, ANY)],
    "leaky_relu": [({}, ANY), ({"negative_slope": 0.3}, (FLAT,))],
    "elu": [({}, ANY), ({"alpha": 0.7}, (FLAT,))],
    "gelu": [({}, ANY), ({"approximate": True}, (FLAT,))],
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
    return (
        network,
        rng.normal(size=(batch, *shape)).astype(dtype),
        rng.normal(size=(batch, *network.output_shape)).astype(dtype),
    )


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


def test_every_built_in_layer_is_in_the_table():
    assert sorted(CASES) == built_in("layers")


@every_layer
def test_a_smaller_last_batch_is_computed_to_the_byte_as_by_a_fresh_layer(name, config, shape):
    used, x, dy = make(name, config, shape, batch=5)
    fresh = make(name, config, shape, batch=5)[0]
    forward = repeatable(used)
    forward(x)
    used.backward(dy)
    assert forward(x[:2]).tobytes() == fresh.forward(x[:2], training=True).tobytes()
    assert used.backward(dy[:2]).tobytes() == fresh.backward(dy[:2]).tobytes()
    assert used.grads.flat.tobytes() == fresh.grads.flat.tobytes()
