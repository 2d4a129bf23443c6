"""Norms of the weights, gradients and steps of each layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from specnet.network.network import Network

Norms = dict[str, list[float]]
"""By name, `gradient_norms` and `update_norms`, one number for each layer that has parameters."""


def layers_with_parameters(network: Network) -> list[str]:
    """Return the names of the layers that have parameters, in the order of these."""
    return [name for name, layer in network.named.items() if layer.parameters]


def layer_norms(network: Network, vector: np.ndarray) -> list[float]:
    """Return the Euclidean norm of the part of each layer with parameters, in a vector like `network.params.flat`."""
    sizes = [
        sum(math.prod(parameter.shape) for parameter in network.named[name].parameters)
        for name in layers_with_parameters(network)
    ]
    parts = np.split(vector.astype(np.float64), np.cumsum(sizes)[:-1]) if sizes else []
    with np.errstate(over="ignore"):  # an overflow becomes the largest number
        return [float(np.nan_to_num(np.linalg.norm(part))) for part in parts]


def step_norms(network: Network, before: np.ndarray) -> Norms:
    """Return the norms of the gradients of the step just taken, and of the change of parameters since `before`."""
    return {
        "gradient_norms": layer_norms(network, network.grads.flat),
        "update_norms": layer_norms(network, network.params.flat - before),
    }


def check_norms(network: Network, norms: dict[str, Sequence[float]]) -> None:
    """Raise a ValueError if norms are not those of a step of this network."""
    count = len(layers_with_parameters(network))
    if any(len(norms.get(name, ())) != count for name in ("gradient_norms", "update_norms")):
        raise ValueError("the norms of its last step do not match its layers")
