"""Training steps as numbers: all that layers, loss and optimizer compute, in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from specnet import registry
from specnet.formula import formula_of
from specnet.layers.base import Layer
from specnet.network.wrapping import wrapped
from specnet.optimizers.base import all_state_names
from specnet.training.batches import Batch
from specnet.training.folding import FoldedArray
from specnet.training.trainer import Trainer

TRACED = 10_000
"""Numbers of an array that are kept at most; of larger ones only the corners."""


class TraceRow(NamedTuple):
    """Numbers of a step: those called `name`, such as "dy", at a place, such as "layers.0".

    `phase` is settings, forward, loss, backward or update, `type` and `formula` are those of the component.
    """

    step: int
    phase: str
    place: str
    type: str
    name: str
    formula: str
    numbers: FoldedArray


class Tracer:
    """Follows the steps of a trainer inside `following`, and keeps their numbers in `rows`.

    `wanted` decides which places are kept. Layers compute dx even where a run would not.
    """

    def __init__(self, trainer: Trainer, wanted: Callable[[str], bool] = lambda place: True) -> None:
        self.trainer, self.wanted = trainer, wanted
        self.network = trainer.model.network
        self.rows: list[TraceRow] = []
        self._looking = False  # an optimizer may run the network again

    def _add(self, phase: str, place: str, component: Any, **arrays: Any) -> None:
        if self.wanted(place):
            kind = registry.name_of(component.group, type(component)) if component else ""
            formula = _formula(component) if component else ""
            step = self.trainer.step + 1
            for name, array in arrays.items():
                numbers = array if isinstance(array, FoldedArray) else FoldedArray(array, TRACED)
                self.rows.append(TraceRow(step, phase, place, kind, name, formula, numbers))

    @contextmanager
    def following(self) -> Iterator[None]:
        """Inside the `with`, keep the numbers of each step. Methods of the trainer stay replaced afterwards."""
        trainer, loss = self.trainer, self.trainer.model.loss
        self._slots = all_state_names(trainer.optimizer)  # a schedule may set a momentum to 0 later
        self._replace(trainer, "prepare_step", self._begin)
        self._replace(trainer.model, "loss_of", self._loss)
        self._replace(loss, "backward", self._loss_backward)
        self._replace(trainer, "clip", self._clip)
        self._replace(trainer, "update", self._update)
        self.network.stack.set_needs_dx(not self.network.whole)
        with wrapped(self.network, self._watch):
            yield

    def _replace(self, owner: Any, name: str, method: Callable[..., Any]) -> None:
        """Call a method of this tracer instead of another one, which is its first argument."""
        setattr(owner, name, partial(method, getattr(owner, name)))

    def _begin(self, call: Callable[..., None], batch: Batch) -> None:
        call(batch)
        self._looking = True
        self._before, self._states = _copies(self.network.params), _copies(self.network.state)
        self._penalties = {**self.trainer.regularization.sums}
        optimizer = self.trainer.optimizer
        numbers = {name: getattr(optimizer, name) for name in type(optimizer).model_fields}
        self._add("settings", "optimizer", optimizer, **{name: x for name, x in numbers.items() if _is_number(x)})
        for place, value in self.trainer.scheduled.values(self.trainer.step).items():
            owner, _, name = place.rpartition(".")
            if owner != "optimizer":
                self._add("settings", owner, None, **{name: value})

    def _watch(self, name: str, layer: Layer, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def forward(x: np.ndarray, training: bool) -> np.ndarray:
            if not self._looking:
                return call(x, training)
            given = FoldedArray(x, TRACED)
            y: np.ndarray = call(x, training)
            mask = {} if layer.mask_out() is None else {"mask": layer.mask_out()}
            own = {name: getattr(layer, name) for name in _parameter_names(layer)}
            self._add("forward", name, layer, x=given, **own, y=y, **mask)
            return y

        def backward(dy: np.ndarray) -> Any:
            if not self._looking:
                return call(dy)
            given = FoldedArray(dy, TRACED)
            dx = call(dy)
            own = {f"d{name}": getattr(layer.grad, name) for name in _parameter_names(layer)}
            self._add("backward", name, layer, dy=given, **own, **({} if dx is None else {"dx": dx}))
            return dx

        return forward if method == "forward" else backward

    def _loss(self, call: Callable[..., float], y: np.ndarray, batch: Batch) -> float:
        value = call(y, batch)
        if self._looking:
            weight = {} if batch.weight is None else {"weight": batch.weight}
            self._add("loss", "loss", self.trainer.model.loss, y=y, target=batch.targets, **weight, loss=value)
        return value

    def _loss_backward(self, call: Callable[[], np.ndarray]) -> np.ndarray:
        dy = call()
        if self._looking:
            self._add("loss", "loss", self.trainer.model.loss, dy=dy)
        return dy

    def _clip(self, call: Callable[[], None]) -> None:
        self._looking = False
        trainer = self.trainer
        if penalties := trainer.regularization.sums:
            added = {name: total - self._penalties[name] for name, total in penalties.items()}
            self._add("loss", "loss", trainer.model.loss, **added)
        self._gradients = _copies(self.network.grads)
        call()
        training = trainer.training
        clips = (training.clip_norm, training.clip_value, training.clip_norm_per_weight)
        self._clipped = _copies(self.network.grads) if any(clips) else {}

    def _update(self, call: Callable[[], None]) -> None:
        call()
        trainer, optimizer = self.trainer, self.trainer.optimizer
        for slot in self.network.params.slots:
            if self.network.named[slot.layer].frozen:
                continue
            arrays: dict[str, Any] = {"before": self._before[slot.name], "gradient": self._gradients[slot.name]}
            if slot.name in self._clipped:
                arrays["clipped gradient"] = self._clipped[slot.name]
            for name, row in zip(self._slots, trainer.slots, strict=True):
                arrays[name] = row[slot.part].reshape(slot.shape)
            arrays["after"] = self.network.params[slot.name]
            if trainer.averaging:
                arrays["average"] = trainer.averaging.average[slot.part].reshape(slot.shape)
            self._add("update", slot.name, optimizer, **arrays)
        for name, before in self._states.items():
            self._add("update", name, None, before=before, after=self.network.state[name])


def _formula(component: Any) -> str:
    """Return the formula of a component, with those of the heads of a loss."""
    heads = component.heads if component.group == "losses" else ()
    parts = [f"L_{number}: {formula_of(head)}" for number, head in enumerate(heads, 1)] if len(heads) > 1 else []
    return " ".join([formula_of(component), *parts])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _parameter_names(layer: Layer) -> list[str]:
    return [*(each.name for each in layer.parameters), *(each.name for each in layer.shared)]


def _copies(arrays: Mapping[str, np.ndarray]) -> dict[str, FoldedArray]:
    return {name: FoldedArray(array, TRACED) for name, array in arrays.items()}
