"""Where parameters are found among those of PyTorch and Keras, and how their arrays are turned."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from specnet.component import type_name
from specnet.layers.base import Layer


class Rule(NamedTuple):
    """Names of the arrays that a parameter is made of, below the name of their layer, and how it is made of them."""

    names: Sequence[str]
    make: Callable[..., np.ndarray] = lambda array: array


RuleOf = Callable[[Any, Sequence[Layer]], Rule]
"""Returns the rule for a layer, given the layers before it in its list."""


def find_rule(layout: str, layer: Layer, parameter: str, before: Sequence[Layer]) -> Rule:
    """Return the rule of a layer's parameter in a layout; `before` are the layers before it in its list."""
    if layout == "specnet":
        return Rule([parameter])
    rules, names = {"torch": (TORCH, _TORCH_NAMES), "keras": (KERAS, _KERAS_NAMES)}[layout]
    found = rules.get((type_name(layer), parameter))
    return found(layer, before) if found else Rule([names.get(parameter, parameter)])


def source_name(layout: str, source: str, below: str, name: str) -> str:
    """Return the name of an array of a layer: `below` is the layer's place in the one that is called `source`."""
    if layout == "torch" and (direction := _BOTH.search(below)):
        return f"{source}{below[: direction.start()]}.{name}{'_reverse' if direction[1] == '1' else ''}"
    return f"{source}{below}{'/' if layout == 'keras' else '.'}{name}"


_BOTH = re.compile(r"\.both\.0\.branches\.([01])\.0$")
"""Place of one direction of a layer that has both."""


def _same(*names: str, make: Callable[..., np.ndarray] = lambda array: array) -> RuleOf:
    """Return a rule that is the same for each layer."""
    return lambda layer, before: Rule(names, make)


def _kernel_first(w: np.ndarray) -> np.ndarray:
    """Return W (out, in, *kernel) as (*kernel, in, out)."""
    return w.transpose(*range(2, w.ndim), 1, 0)


def _from_groups(w: np.ndarray, groups: int) -> np.ndarray:
    """Return W (groups in, out, *kernel) of a transposed convolution as (*kernel, in, groups out)."""
    inside, out, *kernel = w.shape
    parts = w.reshape(groups, inside // groups, out, *kernel)
    return np.moveaxis(parts, (1, 0, 2), (-3, -2, -1)).reshape(*kernel, inside // groups, groups * out)


def _channels_last(w: np.ndarray, before: Sequence[Any]) -> np.ndarray:
    """Return W (inputs, units) with its rows in the order of a flattened image whose channels come last.

    In PyTorch they come first, also those of sequences that a convolution returns.
    """
    flattened: tuple[int, ...] = ()
    for number in reversed(range(len(before))):
        layer = before[number]
        if type_name(layer) == "flatten":
            convolved = any(type_name(each).startswith("conv1d") for each in before[:number])
            flattened = layer.input_shape if len(layer.input_shape) == 3 or convolved else ()
            break
        if layer.parameters or layer.input_shape != layer.output_shape:
            break
    if len(flattened) < 2 or np.prod(flattened) != len(w):
        return w
    *places, channels = flattened
    rows: np.ndarray = np.moveaxis(w.reshape(channels, *places, -1), 0, -2)
    return rows.reshape(w.shape)


def _reset_first(w: np.ndarray) -> np.ndarray:
    """Return the columns of a GRU, of the gates update, reset and value, with reset first."""
    update, reset, value = np.split(w, 3, axis=-1)
    return np.concatenate([reset, update, value], axis=-1)


def _fill(w: np.ndarray, layer: Any) -> np.ndarray:
    """Return the slopes of a layer, given as many or a single one."""
    return np.full(layer.alpha.shape, w) if w.size == 1 else w.reshape(layer.alpha.shape)


def _joined(ending: str) -> RuleOf:
    """Return the rule of the weights or biases of Q, K and V, which Keras keeps apart, with an axis for the heads."""

    def rule(layer: Any, before: Sequence[Layer]) -> Rule:
        rows = (layer.input_shape[-1], -1) if ending == "kernel" else (-1,)
        names = [f"{part}/{ending}" for part in ("query", "key", "value")]
        return Rule(names, lambda *each: np.concatenate([w.reshape(rows) for w in each], axis=-1))

    return rule


_CONVOLUTIONS = ("conv1d", "conv2d", "depthwise_conv2d")
_TRANSPOSED = ("conv1d_transpose", "conv2d_transpose")
_ATTENTION = "multi_head_attention"

TORCH: dict[tuple[str, str], RuleOf] = {
    ("linear", "weight"): lambda layer, before: Rule(["weight"], lambda w: _channels_last(w.T, before)),
    ("prelu", "alpha"): lambda layer, before: Rule(["weight"], lambda w: _fill(w, layer)),
    ("gru", "bias"): lambda layer, before: Rule(
        ["bias_ih_l0", "bias_hh_l0"], lambda x, h: np.stack([x, h]) if layer.reset_after else x + h
    ),
    (_ATTENTION, "weight"): _same("in_proj_weight", make=np.transpose),
    (_ATTENTION, "bias"): _same("in_proj_bias"),
    (_ATTENTION, "output_weight"): _same("out_proj.weight", make=np.transpose),
    (_ATTENTION, "output_bias"): _same("out_proj.bias"),
    **{(kind, "weight"): _same("weight", make=_kernel_first) for kind in _CONVOLUTIONS},
    **{
        (kind, "weight"): lambda layer, before: Rule(["weight"], lambda w: _from_groups(w, layer.groups))
        for kind in _TRANSPOSED
    },
    **{(kind, "bias"): _same("bias_ih_l0", "bias_hh_l0", make=np.add) for kind in ("rnn", "lstm")},
    **{(kind, "weight"): _same("weight_ih_l0", make=np.transpose) for kind in ("rnn", "lstm", "gru")},
    **{(kind, "recurrent_weight"): _same("weight_hh_l0", make=np.transpose) for kind in ("rnn", "lstm", "gru")},
}
"""Rules of PyTorch by layer and parameter: filters are (out, in, *kernel), and recurrent layers have two biases."""
_TORCH_NAMES = {"moving_mean": "running_mean", "moving_variance": "running_var", "gamma": "weight", "beta": "bias"}

KERAS: dict[tuple[str, str], RuleOf] = {
    ("embedding", "weight"): _same("embeddings"),
    ("rms_norm", "gamma"): _same("scale"),
    ("depthwise_conv2d", "weight"): _same("kernel", make=lambda w: w.reshape(*w.shape[:-2], 1, -1)),
    ("separable_conv2d", "weight"): _same("depthwise_kernel", make=lambda w: w.reshape(*w.shape[:-2], 1, -1)),
    ("separable_conv2d", "pointwise_weight"): _same("pointwise_kernel", make=lambda w: w.reshape(w.shape[-2:])),
    **{(kind, "weight"): _same("kernel", make=lambda w: np.swapaxes(w, -1, -2)) for kind in _TRANSPOSED},
    ("gru", "weight"): _same("kernel", make=_reset_first),
    ("gru", "recurrent_weight"): _same("recurrent_kernel", make=_reset_first),
    ("gru", "bias"): _same("bias", make=_reset_first),
    (_ATTENTION, "weight"): _joined("kernel"),
    (_ATTENTION, "bias"): _joined("bias"),
    (_ATTENTION, "output_weight"): _same("attention_output/kernel", make=lambda w: w.reshape(-1, w.shape[-1])),
    (_ATTENTION, "output_bias"): _same("attention_output/bias"),
}
"""Rules of Keras: the GRU has the gates update, reset, value; transposed filters are (*kernel, out, in)."""
_KERAS_NAMES = {"weight": "kernel", "recurrent_weight": "recurrent_kernel"}
