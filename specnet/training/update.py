"""The optimizer's step on all parameters of a network."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable

import numpy as np

from specnet.network.network import Network
from specnet.network.parameters import FlatVector
from specnet.optimizers.base import Objective, Optimizer, decaying, named_state
from specnet.training.ranks import Ranks
from specnet.training.settings import Training


class Updater:
    """Takes an optimizer's steps on all parameters; `slots` are the rows of its state.

    Ranks share the parts that an elementwise rule is applied to, and send each other the parameters. Slots stay where
    they were changed until `collect`.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        slots: np.ndarray,
        objective: Objective | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        w, g, state = network.params, network.grads, named_state(optimizer, slots)
        optimizer.bind({name: array.shape for name, array in w.items()}, objective)
        if states := list(decaying(optimizer, state)):
            mask = decay_mask(network)
            for each in states:
                each.decay = mask
        self.w, self.slots, self.ranks = w.flat, slots, ranks or Ranks()
        self.steps, ranges = optimizer.steps(w.flat, g.flat, state), optimizer.ranges
        elementwise = type(optimizer).weights_for_evaluation is Optimizer.weights_for_evaluation
        self.shared = self.ranks.count > 1 and elementwise and len(self.steps) == len(ranges) > 1
        self.scattered = False
        if self.shared:
            starts = [part.start for part in ranges]
            first = [bisect_left(starts, cut.start) for cut in self.ranks.cuts(len(self.w))] + [len(starts)]
            bounds = [0, *([*starts, len(self.w)][number] for number in first[1:])]
            self.cuts = [slice(*pair) for pair in itertools.pairwise(bounds)]
            self.steps = self.steps[first[self.ranks.rank] : first[self.ranks.rank + 1]]

    def __call__(self, step: int) -> None:
        """Take a step."""
        for each in self.steps:
            each(step)
        if self.shared:
            self.ranks.join(self.w, self.cuts)
            self.scattered = True

    def collect(self) -> None:
        """Send the slots of all parameters to all ranks, which call this together."""
        if self.scattered:
            for row in self.slots:
                self.ranks.join(row, self.cuts)
            self.scattered = False


def decay_mask(network: Network) -> np.ndarray:
    """Return the flat vector that is 1 where a trained parameter decays, as its layer has declared, else 0."""
    mask = np.zeros_like(network.params.flat)
    for slot in network.params.slots:
        declared = {f"{slot.layer}.{each.name}": each.decay for each in network.named[slot.layer].parameters}
        mask[slot.part] = declared[slot.name]
    return mask * trained_mask(network)


def trained_mask(network: Network) -> np.ndarray:
    """Return bool (n,), True where a parameter of the flat vector is trained."""
    mask = np.ones(network.params.flat.size, bool)
    for slot in network.params.slots:
        mask[slot.part] = not network.named[slot.layer].frozen
    return mask


def clipper(gradients: FlatVector, training: Training) -> Callable[[], None]:
    """Return a function that limits gradients: by value, then by the norm of each parameter, then by that of all."""

    def clip() -> None:
        if training.clip_value is not None:
            np.clip(gradients.flat, -training.clip_value, training.clip_value, out=gradients.flat)
        if training.clip_norm_per_weight is not None:
            for gradient in gradients.values():
                clip_norm(gradient, training.clip_norm_per_weight)
        if training.clip_norm is not None:
            clip_norm(gradients.flat, training.clip_norm)

    return clip


def clip_norm(gradient: np.ndarray, limit: float) -> None:
    """Scale a gradient in place so that its Euclidean norm is at most `limit`. Pascanu et al., 2013."""
    # In float64, as the square of a float32 above 1e19 overflows.
    norm = float(np.linalg.norm(gradient.astype(np.float64)))
    if norm > limit:
        gradient *= limit / norm
