"""Time of each layer in a step of training."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from specnet.layers.base import Layer
from specnet.network.network import Network
from specnet.network.wrapping import wrapped
from specnet.optimizers.base import Optimizer, all_needs, all_state_names
from specnet.plugin_code import staying
from specnet.schedules.scheduled import ScheduledFields
from specnet.training.objective import BatchObjective
from specnet.training.update import Updater

ROUNDS = 5
"""Number of measurements of a step; the shortest counts, as disturbances only add time."""


@staying()
def time_step(network: Network, optimizer: Optimizer, batch: int) -> list[float]:
    """Return the seconds of each layer in a step on random inputs, and last those of the optimizer.

    The step is that of training without the loss: nothing is computed below the lowest trained layer.
    """
    rng = np.random.default_rng(0)
    shape = (batch, *network.input_shape)
    x = rng.integers(2, size=shape) if network.whole else rng.random(shape).astype(network.dtype)
    optimizer = network.kernels.instantiate(optimizer)
    ScheduledFields({"optimizer": optimizer}).set(0)
    slots = np.zeros((len(all_state_names(optimizer)), network.params.flat.size), network.dtype)

    def outputs() -> np.ndarray:
        return network.propagate(x, training=True)

    def gradient() -> float:
        y = outputs()
        network.backpropagate(np.full_like(y, 1 / y.size))
        return 0.0

    generators = [layer.rng for layer in network.named.values()]
    objective = BatchObjective(network, generators, gradient, outputs) if all_needs(optimizer) else None
    update = Updater(network, optimizer, slots, objective)
    least = np.full(len(network.layers) + 1, np.inf)
    for step in range(ROUNDS):
        if objective:
            objective.begin()
        with network.singly(), np.errstate(over="ignore", invalid="ignore"):  # as in training
            least = np.minimum(least, _timed_step(network, x, update, step))
    return least.tolist()


def _timed_step(network: Network, x: np.ndarray, update: Callable[[int], None], step: int) -> np.ndarray:
    seconds = np.zeros(len(network.layers) + 1)

    def timed(number: int, call: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        result = call(*arguments)
        seconds[number] += time.perf_counter() - start
        return result

    def watch(name: str, layer: Layer, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        return partial(timed, numbers[layer.place], call) if layer.place in numbers else call

    numbers = {layer.place: number for number, layer in enumerate(network.layers)}
    with wrapped(network, watch):
        y = network.propagate(x, training=True)
        network.backpropagate(np.full_like(y, 1 / y.size))
    timed(-1, update, step)
    return seconds
