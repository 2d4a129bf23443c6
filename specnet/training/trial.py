"""One step on a few samples before training, to see whether layers and loss return what they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from specnet.component import Component, guarded
from specnet.errors import Pointer
from specnet.layers.base import Layer
from specnet.randomness import restore_stream, save_stream
from specnet.training.batches import PreparedSplit
from specnet.training.model import ROWS, Model


def try_out(model: Model, split: PreparedSplit, batch_size: int | None) -> None:
    """Let a model take a step without an update on the first samples, and look at all that layers and loss return.

    What it computes is undone: running state and random numbers are as before.

    Raises:
        BrokenComponentError: naming the first component that returns no array of the shape and dtype it should.
    """
    network, loss = model.network, model.loss
    piece = next(iter(split.pieces()))
    rows = min(batch_size or ROWS, ROWS)
    batch = piece.select(slice(rows))
    x = batch.inputs
    state = network.state.flat.copy()
    streams = {place: save_stream(layer.rng) for place, layer in network.named.items()}
    try:
        for layer in network.named.values():
            _watch(layer, len(x), network.dtype)
        with network.singly(), np.errstate(all="ignore"):  # what is not finite is for the first step to tell
            x = model.inputs.randomize(x, np.random.default_rng(0))
            y = network.propagate(x, training=True, mask=batch.mask)
            with guarded(loss, ("loss",), "forward"):
                model.loss_of(y, batch)
            dy = checked(loss, ("loss",), "backward", loss.backward(), y.shape, network.dtype)
            network.backpropagate(dy)
    finally:
        for place, layer in network.named.items():
            for method in ("forward", "backward"):
                vars(layer).pop(method, None)
            restore_stream(layer.rng, streams[place])
        network.state.flat[...] = state


def _watch(layer: Layer, rows: int, dtype: np.dtype) -> None:
    """Let a layer, wherever it is called from, check what it returns."""

    def watched(method: str, shape: tuple[int, ...]) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(layer, method)

        def watch(*arguments: Any, **named: Any) -> Any:
            result = call(*arguments, **named)
            if result is None and method == "backward" and not layer.needs_dx:
                return None
            return checked(layer, layer.place, method, result, shape, dtype)

        return watch

    layer.forward = watched("forward", (rows, *layer.output_shape))  # type: ignore[method-assign]
    layer.backward = watched("backward", (rows, *layer.input_shape))  # type: ignore[method-assign]


def checked(
    component: Component, place: Pointer, method: str, result: Any, shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    """Return what a method of a component has returned, if it is an array of this shape and dtype.

    Raises:
        BrokenComponentError: naming the component, if it is not.
    """
    if isinstance(result, np.ndarray) and (result.shape, result.dtype) == (shape, dtype):
        return result
    found = f"{result.dtype} of shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
    with guarded(component, place, method):
        raise TypeError(f"it returns {found}, not {dtype} of shape {shape}")
