"""Temporary wrappers of layers' `forward` and `backward`, to observe their arguments and results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from specnet.component import Component
from specnet.faults import guarded
from specnet.layers.base import Layer
from specnet.network.network import Network
from specnet.words import Pointer

METHODS = ("forward", "backward")
Call = Callable[..., Any]


@contextmanager
def wrapped(network: Network, wrap: Callable[[str, Layer, str, Call], Call]) -> Iterator[None]:
    """Inside the `with`, call `wrap(name, layer, method, call)` instead of each layer's methods, wherever they are."""
    layers = list(network.named.values())
    before = [{method: vars(layer)[method] for method in METHODS if method in vars(layer)} for layer in layers]
    for name, layer in network.named.items():
        for method in METHODS:
            setattr(layer, method, wrap(name, layer, method, getattr(layer, method)))
    try:
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            for method in METHODS:
                delattr(layer, method)
            vars(layer).update(own)


def check_result(layer: Layer, method: str, x: np.ndarray, result: Any) -> Any:
    """Return the result of a layer's method for x, after checking its shape and dtype.

    Raises:
        BrokenComponentError: naming the layer, if they are wrong.
    """
    if result is None and method == "backward" and not layer.needs_dx:
        return None
    shape = layer.output_shape if method == "forward" else layer.input_shape
    return check_array(layer, layer.place, method, result, (len(x), *shape), layer.dtype)


def check_array(
    component: Component, place: Pointer, method: str, result: Any, shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    """Return the result of a component's method, after checking that it is an array of this shape and dtype.

    Raises:
        BrokenComponentError: naming the component, if it is not.
    """
    if isinstance(result, np.ndarray) and (result.shape, result.dtype) == (shape, dtype):
        return result
    found = f"{result.dtype} of shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
    with guarded(component, place, method):
        raise TypeError(f"it returns {found}, not {dtype} of shape {shape}")
