"""`build_network`: a network of layers as a spec describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from specnet.component import build
from specnet.errors import SpecnetError, UsageError
from specnet.kernels.base import DEFAULT, find_kernels
from specnet.layers.base import Layer
from specnet.network.network import Network


def build_network(
    layers: Sequence[Any],
    input_shape: Sequence[int],
    dtype: Literal["float32", "float64"] = "float32",
    seed: int = 0,
    kernels: str = DEFAULT,
) -> Network:
    """Return a network of layers given as in a spec: names, objects with `"type"`, or instances.

    `kernels` names the set of kernels, "textbook" for the definitions themselves.
    For example `build_network([{"type": "linear", "units": 3}, "tanh"], input_shape=(4,), dtype="float64")`.

    Raises:
        SpecnetError: if a layer is wrong or does not fit, or there is no such set of kernels.
        UsageError: if `layers` is not a list, `input_shape` not that of a sample, or `dtype` or `seed` another value.
    """
    if not isinstance(layers, (list, tuple)):
        raise UsageError(f"layers is a list of layers, not {layers!r}", help=f"[{layers!r}]")
    if not isinstance(input_shape, (tuple, list)) or not all(_is_whole(size, 1) for size in input_shape):
        raise UsageError(f"input_shape is the shape of a sample, such as (4,), not {input_shape!r}")
    if dtype not in ("float32", "float64"):
        raise UsageError(f"dtype is float32 or float64, not {dtype!r}")
    if not _is_whole(seed, 0):
        raise UsageError(f"seed is a whole number from 0, not {seed!r}")
    built = []
    for number, layer in enumerate(layers):
        try:
            component = build("layers", layer)
        except SpecnetError as error:
            raise error.at("layers", number) from None
        assert isinstance(component, Layer)
        built.append(component)
    return Network(built, tuple(map(int, input_shape)), dtype, seed, find_kernels(kernels))


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)
