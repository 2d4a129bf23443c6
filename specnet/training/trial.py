"""One step on a few samples before training, to check what layers and loss return."""

from __future__ import annotations

import numpy as np

from specnet.faults import guarded
from specnet.layers.base import Layer
from specnet.network.wrapping import Call, check_array, check_result, wrapped
from specnet.randomness import restore_stream, save_stream
from specnet.training.batches import PreparedSplit
from specnet.training.model import ROWS, Model


def try_step(model: Model, split: PreparedSplit, batch_size: int | None) -> None:
    """Run a step without an update on the first samples, and check everything that layers and loss return.

    Running state and random numbers are restored afterwards.

    Raises:
        BrokenComponentError: naming the first component that does not return an array of the right shape and dtype.
    """
    network, loss = model.network, model.loss
    piece = next(iter(split.pieces()))
    rows = min(batch_size or ROWS, ROWS)
    batch = piece.select(slice(rows))
    state = network.state.flat.copy()
    streams = {place: save_stream(layer.rng) for place, layer in network.named.items()}

    def watch(name: str, layer: Layer, method: str, call: Call) -> Call:
        return lambda x, *rest: check_result(layer, method, x, call(x, *rest))

    try:
        # Numbers that are not finite are left to the first step.
        with network.singly(), wrapped(network, watch), np.errstate(all="ignore"):
            y, batch = model.forward(model.randomized(batch, np.random.default_rng(0)))
            with guarded(loss, ("loss",), "forward"):
                model.loss_of(y, batch)
            dy = check_array(loss, ("loss",), "backward", loss.backward(), y.shape, network.dtype)
            network.backpropagate(dy)
    finally:
        for place, layer in network.named.items():
            restore_stream(layer.rng, streams[place])
        network.state.flat[...] = state
