"""The optimizer's step on all parameters of a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from specnet.network.network import Network
from specnet.optimizers.base import Objective, Optimizer, decaying, named_state


def updater(
    network: Network, optimizer: Optimizer, slots: np.ndarray, objective: Objective | None = None
) -> Callable[[int], None]:
    """Return a function that takes an optimizer's step on all parameters; `slots` are the rows of its state."""
    w, g, state = network.params, network.grads, named_state(optimizer, slots)
    optimizer.bind({name: array.shape for name, array in w.items()}, objective)
    if states := list(decaying(optimizer, state)):
        mask = decay_mask(network)
        for each in states:
            each.decay = mask
    pieces = optimizer.pieces(w.flat, g.flat, state)

    def update(step: int) -> None:
        for piece in pieces:
            optimizer.update(*piece, step)

    return update


def decay_mask(network: Network) -> np.ndarray:
    """Return the flat vector that is 1 where a parameter decays, as its layer has declared, else 0."""
    mask = np.zeros_like(network.params.flat)
    for slot in network.params.slots:
        place, _, name = slot.name.rpartition(".")
        mask[slot.part] = next(each.decay for each in network.named[place].parameters if each.name == name)
    return mask


def clip_norm(gradient: np.ndarray, limit: float) -> None:
    """Scale a gradient in place so that its Euclidean norm is at most `limit`. Pascanu et al., 2013."""
    # In float64, as the square of a float32 above 1e19 overflows.
    norm = float(np.linalg.norm(gradient.astype(np.float64)))
    if norm > limit:
        gradient *= limit / norm
