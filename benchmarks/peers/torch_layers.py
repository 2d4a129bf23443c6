"""Layers of PyTorch with the parameters of ours.

`python -m benchmarks.peers.torch_layers` compares outputs and gradients of layers with PyTorch's in float64, over
strides, padding, dilation, groups, axes, directions and heads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

import specnet

if TYPE_CHECKING:
    from benchmarks.layers import LayerWork

CASES: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"type": name, "filters": 4, "kernel_size": 3, **more}, (7, 8, 4)[: rank + 1] if rank == 2 else (9, 4))
    for rank, name in ((1, "conv1d"), (2, "conv2d"))
    for more in (
        {}, {"strides": 2}, {"padding": 1}, {"padding": 2, "dilation_rate": 2}, {"groups": 2},
        {"groups": 4, "strides": 3}, {"padding": 2, "padding_mode": "reflect"},
        {"padding": 2, "padding_mode": "circular", "strides": 2},
    )
] + [
    ({"type": name, "filters": 4, "kernel_size": 3, **more}, shape)
    for name, shape in (("conv1d_transpose", (5, 4)), ("conv2d_transpose", (3, 4, 4)))
    for more in (
        {}, {"strides": 2, "padding": 1, "output_padding": 1}, {"groups": 2, "dilation_rate": 2}, {"strides": 3},
    )
] + [
    ({"type": "max_pool2d"}, (7, 8, 3)),
    ({"type": "max_pool2d", "pool_size": 3, "strides": 2, "padding": 1}, (7, 8, 3)),
    ({"type": "average_pool2d", "pool_size": [2, 3]}, (7, 8, 3)), ({"type": "max_pool1d", "pool_size": 3}, (9, 2)),
    ({"type": "average_pool1d", "pool_size": 3, "strides": 1, "padding": 1}, (9, 2)),
    *(({"type": name, "size": 3, "interpolation": how}, shape)
      for name, shape in (("upsample1d", (4, 2)), ("upsample2d", (3, 4, 2))) for how in ("nearest", "bilinear")),
    ({"type": "batch_norm"}, (5, 4, 3)), ({"type": "batch_norm"}, (3,)), ({"type": "layer_norm"}, (4, 5)),
    *(({"type": name, "units": 3, "return_sequences": whole}, (6, 2))
      for name in ("lstm", "gru") for whole in (False, True)),
    *(({"type": "multi_head_attention", "num_heads": heads, "causal": causal}, (5, 6))
      for heads in (1, 3) for causal in (False, True)),
    ({"type": "embedding", "input_dim": 7, "output_dim": 3}, (4,)),
]  # fmt: skip


def channels_first(layer: Mapping[str, Any], x: torch.Tensor) -> torch.Tensor:
    """Return a batch of ours in the order of axes that PyTorch takes."""
    moved = layer["type"].startswith(("conv", "max_pool", "average_pool", "upsample", "batch_norm"))
    return x.movedim(-1, 1) if moved else x


def parameters_of(layer: Mapping[str, Any], params: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Return parameters, or their gradients, with the axes of PyTorch's, as tensors of its own."""
    found = {name.removeprefix("layers.0."): torch.from_numpy(array.copy()) for name, array in params.items()}
    for name in {"weight", "recurrent_weight", "output_weight"} & {*found}:
        weight = found[name]
        if layer["type"].endswith("transpose"):
            *kernel, inside, filters = weight.shape
            groups = layer.get("groups", 1)
            parts = weight.reshape(*kernel, inside, groups, filters // groups).movedim((-2, -3), (0, 1)).flatten(0, 1)
            found[name] = parts.movedim(-1, 1).contiguous()
        elif layer["type"] != "embedding":
            found[name] = weight.movedim((-1, -2), (0, 1)).contiguous()
    return {name: each.requires_grad_() for name, each in found.items()}


def apply(layer: Mapping[str, Any], x: torch.Tensor, params: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return what a layer, as in a spec, computes; images and sequences of convolutions have channels first."""
    name = layer["type"]
    function = next(each for part, each in FUNCTIONS.items() if part in name)
    found: torch.Tensor = function(layer, x, **params)
    return found


def _pool(layer: Mapping[str, Any], x: torch.Tensor) -> torch.Tensor:
    arguments = layer.get("pool_size", 2), layer.get("strides"), layer.get("padding", 0)
    if layer["type"].startswith("max"):
        return (F.max_pool1d if x.ndim == 3 else F.max_pool2d)(x, *arguments)
    return (F.avg_pool1d if x.ndim == 3 else F.avg_pool2d)(x, *arguments, count_include_pad=False)


def _upsample(layer: Mapping[str, Any], x: torch.Tensor) -> torch.Tensor:
    smooth = layer["interpolation"] == "bilinear"
    mode = ("linear" if x.ndim == 3 else "bilinear") if smooth else "nearest"
    return F.interpolate(x, scale_factor=layer["size"], mode=mode, align_corners=False if smooth else None)


def _batch_norm(layer: Mapping[str, Any], x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
    moving = torch.zeros(x.shape[1], dtype=x.dtype), torch.ones(x.shape[1], dtype=x.dtype)
    return F.batch_norm(x, *moving, gamma, beta, training=True)


def _layer_norm(layer: Mapping[str, Any], x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], gamma, beta)


def _embedding(layer: Mapping[str, Any], x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return F.embedding(x, weight)


def _recurrent(
    layer: Mapping[str, Any],
    x: torch.Tensor,
    weight: torch.Tensor,
    recurrent_weight: torch.Tensor,
    bias: torch.Tensor,
) -> torch.Tensor:
    lstm, zero = layer["type"] == "lstm", x.new_zeros(1, len(x), layer["units"])
    both = (bias, torch.zeros_like(bias)) if lstm else bias
    run, state = (torch.lstm, (zero, zero)) if lstm else (torch.gru, zero)
    y, *_ = run(x, state, [weight, recurrent_weight, *both], True, 1, 0.0, True, False, True)
    return y if layer.get("return_sequences") else y[:, -1]


def _attention(
    layer: Mapping[str, Any],
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    output_weight: torch.Tensor,
    output_bias: torch.Tensor,
) -> torch.Tensor:
    causal = layer.get("causal", False)
    later = torch.nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=x.dtype) if causal else None
    x = x.transpose(0, 1)
    y, _ = F.multi_head_attention_forward(
        x, x, x, x.shape[-1], layer["num_heads"], weight, bias, None, None, False, 0.0, output_weight, output_bias,
        need_weights=False, attn_mask=later, is_causal=causal,
    )  # fmt: skip
    return y.transpose(0, 1)


def _convolution(layer: Mapping[str, Any], x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    padding, rank = layer.get("padding", 0), x.ndim - 2
    options = {
        "stride": layer.get("strides", 1), "dilation": layer.get("dilation_rate", 1), "groups": layer.get("groups", 1),
    }  # fmt: skip
    if layer["type"].endswith("transpose"):
        function = F.conv_transpose1d if rank == 1 else F.conv_transpose2d
        return function(x, weight, bias, padding=padding, output_padding=layer.get("output_padding", 0), **options)
    if (mode := layer.get("padding_mode", "zeros")) != "zeros":
        x, padding = F.pad(x, [padding] * 2 * rank, mode=mode), 0
    return (F.conv1d if rank == 1 else F.conv2d)(x, weight, bias, padding=padding, **options)


FUNCTIONS = {
    "pool": _pool, "upsample": _upsample, "batch_norm": _batch_norm, "layer_norm": _layer_norm, "lstm": _recurrent,
    "gru": _recurrent, "embedding": _embedding, "attention": _attention, "conv": _convolution,
}  # fmt: skip
"""By a part of the layer's name."""


def check_layer(layer: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Compare outputs and gradients in float64.

    Raises:
        AssertionError: if they differ by more than 1e-12.
    """
    rng = np.random.default_rng(0)
    for kernels in ("textbook", "numpy"):
        network = specnet.build_network([layer], shape, "float64", kernels=kernels)
        network.params.flat[...] = rng.normal(0, 0.1, size=network.params.flat.shape)
        x = rng.integers(layer["input_dim"], size=(3, *shape)) if network.whole else rng.normal(size=(3, *shape))
        y = network.forward(x, training=True).copy()
        upstream = rng.normal(size=y.shape)
        dx = network.backward(upstream.copy())
        inputs = torch.from_numpy(x).requires_grad_(not network.whole)
        params = parameters_of(layer, network.params)
        outputs = apply(layer, channels_first(layer, inputs), params)
        outputs.backward(channels_first(layer, torch.from_numpy(upstream)))
        grads = parameters_of(layer, network.grads)
        pairs = [(channels_first(layer, torch.from_numpy(y)), outputs)]
        pairs += [] if inputs.grad is None else [(torch.from_numpy(dx), inputs.grad)]
        pairs += [(grads[name], each.grad) for name, each in params.items()]
        for found, expected in pairs:
            a, b = found.detach().numpy(), expected.detach().numpy()
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12, err_msg=f"{layer} {kernels}")


def theirs(work: LayerWork) -> Callable[[], object]:
    """Return what goes forward and backward through a layer of PyTorch."""
    torch.set_num_threads(1)
    network = specnet.build_network([work.layer], work.shape, "float32")
    params = parameters_of(work.layer, network.params)
    x = channels_first(work.layer, torch.from_numpy(work.batch())).contiguous().requires_grad_(not work.first)
    upstream = torch.randn_like(apply(work.layer, x, params))

    def call() -> None:
        x.grad = None
        for each in params.values():
            each.grad = None
        apply(work.layer, x, params).backward(upstream)

    return call


if __name__ == "__main__":
    for case, size in CASES:
        check_layer(case, size)
    print(f"{len(CASES)} layers agree with PyTorch {torch.__version__}")
