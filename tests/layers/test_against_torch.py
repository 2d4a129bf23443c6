"""Layers against PyTorch in float64, to 1e-12: python -m pytest -m long tests/layers/test_against_torch.py."""

import itertools

import numpy as np
import pytest
from helpers import kernel_sets

import specnet

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.long
F = torch.nn.functional


def recurrent(x, p, module, reverse=False, sequences=True):
    """Return the outputs of a recurrent module with our parameters, whose rows are PyTorch's columns."""
    suffixes = {"": p} if "weight" in p else {
        suffix: {name.rpartition(".")[2]: value for name, value in p.items() if f"branches.{branch}." in name}
        for branch, suffix in enumerate(("", "_reverse"))
    }  # fmt: skip
    cell = module(x.shape[-1], len(suffixes[""]["recurrent_weight"]), batch_first=True, bidirectional=len(suffixes) > 1)
    given = {}
    for suffix, own in suffixes.items():
        bias = own.get("bias", torch.zeros(own["weight"].shape[1], dtype=x.dtype))
        biases = bias if bias.ndim == 2 else (bias, torch.zeros_like(bias))
        each = (own["weight"].T, own["recurrent_weight"].T, *biases)
        given |= {f"{name}_l0{suffix}": value for name, value in zip(NAMES, each, strict=True)}
    y = torch.func.functional_call(cell, given, (x.flip(1) if reverse else x,))[0]
    if sequences:
        return y.flip(1) if reverse else y
    units = y.shape[-1] // len(suffixes)
    return torch.cat([y[:, -1, :units], y[:, 0, units:]], dim=-1)


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def attention(x, p, heads, groups=None, causal=False):
    columns = p["output_weight"].shape[0]
    each, groups = columns // heads, groups or heads
    parts = [columns, groups * each, groups * each]
    qkv = (x @ p["weight"] + p.get("bias", 0)).split(parts, -1)
    q, k, v = (part.unflatten(-1, (-1, each)).transpose(1, 2) for part in qkv)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=groups != heads)
    return y.transpose(1, 2).flatten(-2) @ p["output_weight"] + p.get("output_bias", 0)


def batch_norm(x, p):
    return F.batch_norm(x.movedim(-1, 1), None, None, p["gamma"], p["beta"], training=True, eps=1e-5).movedim(1, -1)


def group_norm(x, p, groups):
    return F.group_norm(x.movedim(-1, 1), groups, p["gamma"], p["beta"]).movedim(1, -1)


RNN = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
CASES = [
    *(({"type": "batch_norm"}, shape, batch_norm) for shape in ((1,), (5,), (3, 2), (3, 5, 2))),
    *(({"type": "layer_norm"}, shape, lambda x, p: F.layer_norm(x, x.shape[-1:], p["gamma"], p["beta"]))
      for shape in ((7,), (3, 5))),
    *(({"type": "rms_norm"}, s, lambda x, p: F.rms_norm(x, x.shape[-1:], p["gamma"], 1e-6)) for s in ((1,), (3, 5))),
    *(({"type": "group_norm", "groups": n}, s, lambda x, p, n=n: group_norm(x, p, n))
      for n, s in itertools.product((1, 2, 6), ((3, 6), (2, 3, 6)))),
    *(({"type": name, "units": 3, "return_sequences": sequences, **more}, shape,
       lambda x, p, name=name, more=more, s=sequences: recurrent(
           x, p, RNN[name], reverse="go_backwards" in more, sequences=s))
      for name in RNN for shape in ((1, 2), (5, 1), (7, 4))
      for sequences, more in ((True, {}), (False, {}), (True, {"go_backwards": True}), (True, {"use_bias": False}),
                              (True, {"bidirectional": True}), (False, {"bidirectional": True}))),
    *(({"type": "multi_head_attention", "num_heads": 4, "num_key_value_heads": groups, "causal": causal, **more}, shape,
       lambda x, p, groups=groups, causal=causal: attention(x, p, 4, groups, causal))
      for shape in ((1, 4), (5, 8), (7, 12)) for groups in (4, 2, 1) for causal in (False, True)
      for more in ({}, {"use_bias": False})),
    *(({"type": name}, (3, 5), f) for name, f in {
        "gelu": lambda x, p: F.gelu(x), "silu": lambda x, p: F.silu(x), "mish": lambda x, p: F.mish(x),
        "elu": lambda x, p: F.elu(x), "selu": lambda x, p: F.selu(x), "softplus": lambda x, p: F.softplus(x),
        "hard_sigmoid": lambda x, p: torch.clamp(x / 6 + 0.5, 0, 1),  # theirs has a slope of float32
        "softsign": lambda x, p: F.softsign(x), "relu6": lambda x, p: F.relu6(x),
        "log_softmax": lambda x, p: F.log_softmax(x, -1), "softmax": lambda x, p: F.softmax(x, -1),
    }.items()),
]  # fmt: skip


def compare(layer, shape, theirs, kernels):
    rng = np.random.default_rng(0)
    network = specnet.build_network([layer], shape, "float64", kernels=kernels)
    network.params.flat[...] = rng.normal(size=network.params.flat.shape)
    x = rng.normal(size=(4, *shape))
    y = network.forward(x, training=True).copy()
    upstream = rng.normal(size=y.shape)
    dx = network.backward(upstream.copy())
    inputs = torch.from_numpy(x).requires_grad_()
    params = {
        name.removeprefix("layers.0."): torch.from_numpy(array.copy()).requires_grad_()
        for name, array in network.params.items()
    }
    outputs = theirs(inputs, params)
    outputs.backward(torch.from_numpy(upstream))
    pairs = [(y, outputs.detach()), (dx, inputs.grad)]
    pairs += [(network.grads[f"layers.0.{name}"], each.grad) for name, each in params.items()]
    for found, expected in pairs:
        scale = max(1.0, float(expected.abs().max()))
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-12, atol=1e-12 * scale, err_msg=f"{layer} {shape}")


@pytest.mark.parametrize("kernels", kernel_sets())
def test_outputs_and_gradients_are_those_of_pytorch(kernels):
    torch.set_num_threads(1)
    for layer, shape, theirs in CASES:
        compare(layer, shape, theirs, kernels)


def test_windows_are_those_of_pytorch():
    from benchmarks.peers.torch_layers import CASES as windows
    from benchmarks.peers.torch_layers import check_layer

    for layer, shape in windows:
        check_layer(layer, shape)
