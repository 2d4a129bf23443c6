"""Where a number that is not finite comes from: a computation is repeated with every layer watched."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import numpy as np

from specnet.layers.base import Layer
from specnet.training.network import Network
from specnet.training.parameters import FlatVector


class Origin(NamedTuple):
    """The layer that was the first to compute a number that is not finite.

    `name` is its name in the network, such as "layers.2.layers.0"; `what` says in words for a message which of its
    numbers: "its outputs", "the gradient of its weight" or "the gradient it hands down".
    """

    name: str
    layer: Layer
    what: str


def all_finite(values: np.ndarray) -> bool:
    """Tell whether all numbers of an array of any shape and size are finite."""
    with np.errstate(all="ignore"):
        return are_finite(values)


def are_finite(values: np.ndarray) -> bool:
    """Do the same where the caller has switched off NumPy's warnings, which takes as long as a small array."""
    flat = values.ravel()
    # The sum of squares is finite only if all numbers are, and takes one pass. Squares of finite ones may overflow.
    return math.isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())


def find_parameter(vector: FlatVector) -> str | None:
    """Return the name of the first parameter in a flat vector that is not finite; None if all are."""
    return next((name for name, values in vector.items() if not all_finite(values)), None)


def find_slot(vector: FlatVector, slots: np.ndarray) -> str:
    """Return the name of the first parameter with a number that is not finite in one of its slots (count, size)."""
    column = int(np.flatnonzero(~np.isfinite(slots).all(axis=0))[0])
    return next(place.name for place in reversed(vector.slots) if place.offset <= column)


def find_origin(network: Network, attempt: Callable[[], object]) -> Origin | None:
    """Return the first layer that makes numbers that are not finite of finite ones while `attempt` runs.

    `attempt` is called once: a forward pass of the network, or one forward and backward. What overflows in it gives
    no warning. A layer is looked at as soon as it is done, so one inside another before that other: at its outputs
    after `forward`, at the gradients of its own parameters and at dx after `backward`. None if there is no such
    layer: what is not finite has then come from outside, from the network's inputs or from the loss.

    Random numbers and running state go on as in any pass; who needs the same ones again restores them.

    Raises:
        Exception: what `attempt` raises before a layer is found. After that it is a consequence, and dropped.
    """
    found: list[Origin] = []
    with ExitStack() as watches, np.errstate(all="ignore"):
        for name, layer in network.named.items():
            watches.enter_context(_watched(layer, name, found))
        try:
            attempt()
        except Exception:
            if not found:
                raise
    return found[0] if found else None


@contextmanager
def _watched(layer: Layer, name: str, found: list[Origin]) -> Iterator[None]:
    """Shadow a layer's methods on the instance by ones that add to `found` what is not finite."""
    forward, backward, backward_parameters = layer.forward, layer.backward, layer.backward_parameters

    def look(what: str, values: np.ndarray) -> None:
        if not all_finite(values):
            found.append(Origin(name, layer, what))

    def look_at_gradients() -> None:
        for parameter in layer.parameters:
            look(f"the gradient of its {parameter.name}", getattr(layer.grad, parameter.name))

    # What a layer is given is looked at before, as it may overwrite it.
    def watched_forward(x: np.ndarray, training: bool) -> np.ndarray:
        finite = all_finite(x)
        y = forward(x, training)
        if finite:
            look("its outputs", y)
        return y

    def watched_backward(dy: np.ndarray) -> np.ndarray:
        finite = all_finite(dy)
        dx = backward(dy)
        if finite:
            look_at_gradients()
            look("the gradient it hands down", dx)
        return dx

    def watched_backward_parameters(dy: np.ndarray) -> None:
        finite = all_finite(dy)
        backward_parameters(dy)
        if finite:
            look_at_gradients()

    shadows = {
        "forward": watched_forward,
        "backward": watched_backward,
        "backward_parameters": watched_backward_parameters,
    }
    own = {method: vars(layer)[method] for method in shadows if method in vars(layer)}
    vars(layer).update(shadows)
    try:
        yield
    finally:
        for method in shadows:
            del vars(layer)[method]
        vars(layer).update(own)
