"""What each layer of a network costs: parameters, memory, operations, time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from specnet.errors import Pointer
from specnet.layers.base import Layer, Shape, walk
from specnet.optimizers.base import Optimizer
from specnet.training.network import Network

ROUNDS = 5
"""Times that a step is measured; the least counts, as only what disturbs makes it longer."""


@dataclass
class Cost:
    """What one layer of a spec costs, layers inside it apart; of a repeated layer, all copies together.

    `parameters` are numbers that are trained, `activations` numbers kept for each sample: outputs and their
    gradients. `flops` are the operations of a forward pass for one sample.
    """

    place: Pointer
    layer: Layer
    output_shape: Shape
    copies: int = 0
    parameters: int = 0
    activations: int = 0
    flops: int = 0


def layer_costs(layers: Sequence[Layer]) -> list[Cost]:
    """Return what built layers cost, and each layer inside them, in the order of the spec."""
    costs: dict[Pointer, Cost] = {}
    for layer in layers:
        for _, inner in walk(layer, ""):
            cost = costs.setdefault(inner.place, Cost(inner.place, inner, inner.output_shape))
            cost.copies += 1
            cost.parameters += sum(math.prod(parameter.shape) for parameter in inner.parameters)
            cost.activations += inner.activations()
            cost.flops += inner.flops()
    return list(costs.values())


def time_step(network: Network, optimizer: Optimizer, batch: int) -> list[float]:
    """Return the seconds that each layer takes in a step on random inputs, and last those of the optimizer."""
    rng = np.random.default_rng(0)
    x = rng.random((batch, *network.input_shape)).astype(network.dtype)
    slots = np.zeros((len(optimizer.slot_names), network.params.flat.size), network.dtype)
    least = np.full(len(network.layers) + 1, np.inf)
    for step in range(ROUNDS):
        seconds, y = np.zeros_like(least), x
        for number, layer in enumerate(network.layers):
            start = time.perf_counter()
            y = layer.forward(y, True)
            seconds[number] += time.perf_counter() - start
        dy = np.ones_like(y)
        for number in reversed(range(len(network.layers))):
            start = time.perf_counter()
            dy = network.layers[number].backward(dy)
            seconds[number] += time.perf_counter() - start
        start = time.perf_counter()
        optimizer.apply(network.params.flat, network.grads.flat, slots, step)
        seconds[-1] = time.perf_counter() - start
        least = np.minimum(least, seconds)
    return least.tolist()
