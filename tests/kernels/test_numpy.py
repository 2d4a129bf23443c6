"""The default kernels where the examples of components do not lead: several blocks, many repetitions, large windows."""

import numpy as np
import pytest

from specnet import build_network
from specnet.kernels.numpy import blocks

LAYERS = [
    ({"type": "layer_norm"}, (5, 3)),
    ({"type": "rms_norm", "center": True}, (7,)),
    ({"type": "batch_norm"}, (3, 5, 2)),
    ({"type": "batch_norm", "center": False, "scale": False}, (4,)),
    ({"type": "max_pool2d", "pool_size": 3, "strides": 2, "padding": "same"}, (7, 6, 2)),
    ({"type": "max_pool2d"}, (5, 4, 3)),
    ({"type": "max_pool1d", "pool_size": 300}, (301, 1)),
    ({"type": "average_pool2d", "pool_size": [2, 3], "strides": 1}, (5, 4, 2)),
    ({"type": "average_pool1d", "pool_size": 2, "strides": 3}, (8, 2)),
    ({"type": "conv2d", "filters": 3, "kernel_size": 2, "strides": 2}, (5, 5, 5)),
    ({"type": "conv2d_transpose", "filters": 6, "kernel_size": 3, "strides": 2, "padding": 1, "groups": 2}, (3, 4, 4)),
    ({"type": "multi_head_attention", "num_heads": 4, "num_key_value_heads": 2, "causal": True}, (6, 8)),
    ({"type": "embedding", "input_dim": 3, "output_dim": 2}, (40,)),
    ({"type": "embedding", "input_dim": 70_000, "output_dim": 1}, (9,)),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_batches_of_several_blocks_give_what_the_definitions_give(dtype, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 2**9)
    for layer, shape in LAYERS:
        rng, found = np.random.default_rng(0), {}
        whole = layer["type"] == "embedding"
        x = rng.integers(3, size=(11, *shape)) if whole else rng.normal(size=(11, *shape)).astype(dtype).round(1)
        for kernels in ("textbook", "numpy"):
            network = build_network([layer], shape, dtype, kernels=kernels)
            network.params.flat[...] = np.random.default_rng(1).normal(size=network.params.flat.shape)
            y = network.forward(x, training=True)
            dx = network.backward(np.random.default_rng(2).normal(size=y.shape))
            found[kernels] = [y, dx, network.grads.flat, network.state.flat]
        for result, expected in zip(found["numpy"], found["textbook"], strict=True):
            scale = max(1.0, np.abs(expected).max(initial=0.0))
            limit = (1e-12 if dtype == "float64" else 1e-5) * scale
            np.testing.assert_allclose(result, expected, rtol=0, atol=limit, err_msg=f"{layer}")
