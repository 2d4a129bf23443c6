"""Numbers that are not finite: find them, and where they come from.

To find the origin, a computation is repeated with every layer watched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specnet.component import Component
from specnet.errors import DivergenceError
from specnet.faults import definition_name, plugin_of
from specnet.functions import all_finite, are_finite
from specnet.layers.base import Layer
from specnet.network.network import Network
from specnet.network.parameters import FlatVector
from specnet.network.wrapping import Call, wrapped
from specnet.training.batches import Batch
from specnet.words import Pointer, show_pointer

if TYPE_CHECKING:
    from specnet.training.trainer import Trainer


class Origin(NamedTuple):
    """The layer that was the first to compute a number that is not finite.

    `name` is its name in the network, such as "layers.2.layers.0"; `what` describes the numbers in a message: "its
    outputs", "the gradient of its weight" or "the gradient of its inputs".
    """

    name: str
    layer: Layer
    what: str


def find_parameter(vector: FlatVector) -> str | None:
    """Return the name of the first parameter in a flat vector that is not finite; None if all are."""
    return next((name for name, values in vector.items() if not all_finite(values)), None)


def find_slot(vector: FlatVector, slots: np.ndarray) -> str:
    """Return the name of the first parameter with a number that is not finite in one of its slots (count, size)."""
    column = int(np.flatnonzero(~np.isfinite(slots).all(axis=0))[0])
    return next(place.name for place in reversed(vector.slots) if place.offset <= column)


def find_origin(network: Network, attempt: Callable[[], object]) -> Origin | None:
    """Return the first layer that computes numbers that are not finite from finite ones while `attempt` runs.

    `attempt` is called once: a forward pass of the network, or one forward and backward, without warnings of overflow.
    A layer is checked as soon as it is done, so a nested layer before its parent: its outputs after `forward`, the
    gradients of its own parameters and dx after `backward`. None if there is no such layer: numbers that are not
    finite then come from the network's inputs or from the loss.

    Random numbers and running state advance as in any pass; the caller restores them if needed.

    Raises:
        Exception: what `attempt` raises before a layer is found. Later ones are consequences, and dropped.
    """
    found: list[Origin] = []

    def watch(name: str, layer: Layer, method: str, call: Call) -> Call:
        def watched(x: np.ndarray, *rest: bool) -> np.ndarray:
            finite = all_finite(x)  # checked before, as x may be overwritten
            result = call(x, *rest)
            if finite:
                found.extend(
                    Origin(name, layer, what)
                    for what, values in _results(layer, method, result).items()
                    if not all_finite(values)
                )
            return result

        return watched

    with np.errstate(all="ignore"), network.singly(), wrapped(network, watch):
        try:
            attempt()
        except Exception:
            if not found:
                raise
    return found[0] if found else None


def _results(layer: Layer, method: str, result: Any) -> dict[str, np.ndarray]:
    """Return the results of a layer's method, by their names in messages."""
    if method == "forward":
        return {"its outputs": result}
    gradients = {f"the gradient of its {name}": gradient for name, gradient in vars(layer.grad).items()}
    return gradients if result is None else gradients | {"the gradient of its inputs": result}


def check_finite_loss(trainer: Trainer, value: float, batch: Batch) -> None:
    """Raise a `DivergenceError` unless the loss of a batch, as the network took it, is finite."""
    if not math.isfinite(value):
        check_parameters(trainer)
        forward = partial(trainer.model.network.propagate, batch.inputs, training=True, mask=batch.mask)
        raise _diverged(trainer, f"the loss is {value} {_now(trainer)}", forward)


def check_gradients(trainer: Trainer, batch: Batch) -> None:
    """Raise a `DivergenceError` unless the gradient of a batch is finite."""
    if not are_finite(trainer.model.network.grads.flat):
        check_parameters(trainer)
        doubtful = _doubtful(trainer.model.network)
        raise _diverged(trainer, f"a gradient is not finite {_now(trainer)}", lambda: trainer.repeat(batch), doubtful)


def check_parameters(trainer: Trainer) -> None:
    """Raise a `DivergenceError` unless all parameters are finite.

    This is checked after an epoch, before they are saved, and if their loss is not finite. Checking in each step would
    waste time: a parameter that is not finite usually makes the next loss so.
    """
    params = trainer.model.network.params
    if not are_finite(params.flat):
        message = f"a parameter is not finite by step {trainer.step}, in epoch {trainer.epoch + 1}"
        raise _parameter_error(trainer, message, find_parameter(params) or "")


def check_values(trainer: Trainer, values: Mapping[str, float]) -> None:
    """Raise a `DivergenceError` unless the loss and metrics of an epoch are finite."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise _undefined(trainer, name, value)


def check_state(trainer: Trainer) -> None:
    """Raise a `DivergenceError` unless everything that a checkpoint saves is finite."""
    network = trainer.model.network
    with np.errstate(over="ignore", invalid="ignore"):
        check_parameters(trainer)
        if not are_finite(trainer.slots):
            name = find_slot(network.params, trainer.slots)
            raise _parameter_error(trainer, f"a slot of the optimizer is not finite by step {trainer.step}", name)
        if not are_finite(network.state.flat):
            name = find_parameter(network.state) or ""
            raise _parameter_error(trainer, f"running state is not finite by step {trainer.step}", name)


def _now(trainer: Trainer) -> str:
    return f"in step {trainer.step + 1}, in epoch {trainer.epoch + 1}"


def _diverged(
    trainer: Trainer, message: str, attempt: Callable[[], object], doubtful: Layer | None = None
) -> DivergenceError:
    """Return the error for a number that is not finite, with the layer where it begins when computed again.

    If all layers compute finite numbers then, it begins in a `doubtful` layer, or in the loss (or, with the next
    dropout mask, it is unknown).
    """
    if origin := find_origin(trainer.model.network, attempt):
        return _error(message, origin.layer.place, origin.layer, f", in {origin.what}")
    if doubtful:
        return _error(message, doubtful.place, doubtful, ", in its backward, though not when that is repeated")
    return _error(message, ("loss",), trainer.model.loss)


def _doubtful(network: Network) -> Layer | None:
    """Return a plugin's layer that may have spoilt the gradients: the nearest to the loss, before any finite ones.

    Layers of specnet compute the same again, and are found by repeating them.
    """
    suspects: list[Layer] = []
    for layer in reversed(network.named.values()):
        gradients = vars(layer.grad).values()
        finite = all(map(all_finite, gradients))
        if gradients and finite:  # so are those that it was given
            suspects = []
        if plugin_of(layer):
            suspects.append(layer)
        if not finite:
            break
    return suspects[0] if suspects else None


def _undefined(trainer: Trainer, name: str, value: float) -> DivergenceError:
    """Return the error for a value of an epoch that is not finite."""
    model = trainer.model
    message = f"{name} is {value} after step {trainer.step}, in epoch {trainer.epoch + 1}"
    split, _, metric = name.partition("/")
    metric = metric.partition("/")[0]

    def are_outputs_finite() -> bool:
        pieces = trainer.splits[split.removesuffix("_after")].pieces()
        return all(all_finite(model.outputs(piece.inputs, piece.mask)[0]) for piece in pieces)

    with nullcontext() if split == "train" else trainer.evaluation_weights():
        if metric in model.metrics and are_outputs_finite():
            return _error(message, ("metrics", list(model.metrics).index(metric)), model.metrics[metric])
        return _diverged(trainer, message, are_outputs_finite)


def _parameter_error(trainer: Trainer, message: str, name: str) -> DivergenceError:
    place, _, parameter = name.rpartition(".")
    layer = trainer.model.network.named[place]
    return _error(message, layer.place, layer, f", in its {parameter}")


def _error(message: str, place: Pointer, component: Component, part: str = "") -> DivergenceError:
    return DivergenceError(
        f"{message}: it begins in {show_pointer(place)} ({definition_name(component)}){part}",
        pointer=place,
        help="in a new run, try a smaller optimizer.learning_rate, or training.clip_norm",
    )
