"""What every layer of specnet does besides what `specnet.testing` checks of it."""

import json

import numpy as np
import pytest
from helpers import built_in, in_one_test

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
    "reshape": [({"target_shape": [2, -1]}, (SEQUENCE, IMAGE))],
    "permute": [({"dims": [1, 0]}, (SEQUENCE,)), ({"dims": [2, 0, 1]}, (IMAGE,))],
    "repeat_vector": [({"n": 3}, (FLAT,))],
    "identity": [({}, (FLAT,))],
    "slice": [({"start": 1, "step": 2}, (FLAT, IMAGE))],
    "reverse": [({}, (FLAT, IMAGE))],
    "shift": [({"steps": -2}, (FLAT, IMAGE))],
    "zero_pad": [({"padding": 2}, (SEQUENCE, IMAGE))],
    "crop": [({"cropping": 1}, (SEQUENCE, IMAGE))],
    "conv1d": [({"filters": 2, "kernel_size": 3, "padding": "same"}, (SEQUENCE,))],
    "conv2d": [({"filters": 2, "kernel_size": 2, "strides": 2, "padding": 1}, (IMAGE,))],
    "depthwise_conv2d": [({"kernel_size": 2, "depth_multiplier": 2}, (IMAGE,))],
    "separable_conv2d": [({"filters": 3, "kernel_size": 2}, (IMAGE,))],
    "locally_connected2d": [({"filters": 3, "kernel_size": 2}, (IMAGE,))],
    "conv1d_transpose": [({"filters": 2, "kernel_size": 3, "strides": 2}, (SEQUENCE,))],
    "conv2d_transpose": [({"filters": 2, "kernel_size": 3, "padding": "same"}, (IMAGE,))],
    "max_pool1d": [({"pool_size": 3, "padding": "same"}, (SEQUENCE,))],
    "max_pool2d": [({}, (IMAGE,)), ({"pool_size": 3, "strides": 2, "padding": 1}, (IMAGE,))],
    "average_pool1d": [({"pool_size": 3, "padding": "same"}, (SEQUENCE,))],
    "average_pool2d": [({}, (IMAGE,)), ({"pool_size": 3, "strides": 2, "padding": 1}, (IMAGE,))],
    "global_average_pool": [({}, (SEQUENCE, IMAGE))],
    "global_max_pool": [({"keepdims": True}, (SEQUENCE, IMAGE))],
    "upsample1d": [({"interpolation": "bilinear"}, (SEQUENCE,))],
    "upsample2d": [({"size": [1, 3]}, (IMAGE,))],
    "dropout": [({"rate": 0.3}, ANY), ({"rate": 0.0}, (FLAT,))],
    "sigmoid": [({}, ANY)],
    "tanh": [({}, ANY)],
    "relu": [({}, ANY)],
    "leaky_relu": [({}, ANY), ({"negative_slope": 0.3}, (FLAT,))],
    "elu": [({}, ANY), ({"alpha": 0.7}, (FLAT,))],
    "gelu": [({}, ANY), ({"approximate": True}, (FLAT,))],
    "silu": [({}, ANY)],
    "softplus": [({}, ANY)],
    "softmax": [({}, ANY), ({"axis": 0, "temperature": 0.5}, (SEQUENCE,))],
    "log_softmax": [({}, ANY), ({"axis": 0}, (SEQUENCE,))],
    "glu": [({"axis": 0}, (SEQUENCE,)), ({}, (IMAGE,))],
    "swiglu": [({"axis": 0}, (SEQUENCE,)), ({}, (IMAGE,))],
    "relu6": [({}, ANY)],
    "selu": [({}, ANY)],
    "mish": [({}, ANY)],
    "hard_sigmoid": [({}, ANY)],
    "hard_silu": [({}, ANY)],
    "softsign": [({}, ANY)],
    "sine": [({}, ANY)],
    "square": [({}, ANY)],
    "gaussian": [({}, ANY)],
    "prelu": [({}, ANY), ({"shared_axes": [0, 1]}, (IMAGE,))],
    "batch_norm": [({}, ANY), ({"scale": False, "momentum": 0.5}, (SEQUENCE,))],
    "layer_norm": [({}, ANY), ({"center": False}, (SEQUENCE,))],
    "rms_norm": [({}, ANY), ({"center": True}, (SEQUENCE,))],
    "group_norm": [({"groups": 1}, ANY), ({"groups": 2, "center": False, "scale": False}, (IMAGE,))],
    "embedding": [({"input_dim": 5, "output_dim": 2}, (*ANY, ()))],
    "positional_encoding": [({}, (SEQUENCE,)), ({"kind": "learned", "max_length": 6}, (SEQUENCE,))],
    "masking": [({}, (SEQUENCE,))],
    "rnn": [({"units": 2, "return_sequences": True}, (SEQUENCE,))],
    "gru": [({"units": 2, "bidirectional": True}, (SEQUENCE,))],
    "lstm": [({"units": 2, "dropout": 0.3, "recurrent_dropout": 0.3}, (SEQUENCE,))],
    "multi_head_attention": [({"num_heads": 3, "dropout": 0.3, "causal": True}, (SEQUENCE,))],
    "time_distributed": [({"layers": ["flatten", {"type": "linear", "units": 2}]}, (SEQUENCE, IMAGE))],
    "spatial_dropout": [({"rate": 0.3}, ANY)],
    "drop_path": [({"rate": 0.3}, ANY)],
    "gaussian_noise": [({"std": 0.3}, ANY)],
    "residual": [
        ({"layers": KEEPS_SHAPE}, (*ANY, ())),
        ({"layers": [{"type": "linear", "units": 4}, "silu", {"type": "linear", "units": 5}]}, (FLAT,)),
        ({"layers": [{"type": "linear", "units": 4}], "projection": {"type": "linear", "units": 4}}, (FLAT, IMAGE)),
    ],
    "concat": [({"from": ["input", "input"]}, ANY), ({"from": ["input", "input"], "axis": 0}, (SEQUENCE,))],
    **{name: [({"from": ["input", "input", "input"]}, ANY)] for name in ("add", "average", "multiply", "maximum")},
    "sequential": [({"layers": [*KEEPS_SHAPE, {"type": "linear", "units": 3}]}, (FLAT, SEQUENCE))],
    "parallel": [
        ({"branches": NESTED, "merge": "concat"}, ANY),
        ({"branches": [KEEPS_SHAPE, [], []], "merge": "add"}, (*ANY, ())),
        ({"branches": [[]], "merge": "add"}, (FLAT,)),
        ({"branches": [KEEPS_SHAPE, ["sine"], []], "merge": "average"}, (FLAT, ())),
        ({"branches": [KEEPS_SHAPE, ["sine"], []], "merge": "multiply"}, (FLAT, SEQUENCE)),
        ({"branches": [["tanh"], ["sine"], []], "merge": "maximum"}, (FLAT, IMAGE)),
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
        network.layers[0].example_inputs(rng, (batch, *shape)).astype(dtype),
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


@in_one_test
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
