"""Penalties that are added to the loss, and limits of weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.layers.base import Layer
from specnet.losses.base import Loss
from specnet.network.network import Network
from specnet.training.settings import Training
from specnet.training.state import TrainingState

PENALTIES = ("l1", "l2", "activity_l1", "activity_l2")
"""Names of penalties: of their fields, and of their columns in the history."""
WEIGHT_LIMITS = ("non_negative", "max_norm", "unit_norm")
"""Names of the fields of limits."""


class ActivityPenalty:
    """c sum |y| + d sum y^2 of a layer's outputs y in a batch, over `divisor`; it wraps the layer's methods."""

    def __init__(self, layer: Any) -> None:
        self.layer, self.inner = layer, (layer.forward, layer.backward)
        layer.forward, layer.backward = self.forward, self.backward
        layer.disposable = False  # y is needed in `backward`
        self.sums, self.divisor = {"activity_l1": 0.0, "activity_l2": 0.0}, 1.0

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = self.inner[0](x, training)
        return self.y

    def backward(self, dy: np.ndarray) -> Any:
        y, l1, l2 = self.y, self.layer.activity_l1 / self.divisor, self.layer.activity_l2 / self.divisor
        self.sums["activity_l1"] += l1 * float(np.abs(y).sum())
        self.sums["activity_l2"] += l2 * float(np.vdot(y, y))
        dy += l1 * np.sign(y) + 2 * l2 * y
        return self.inner[1](dy)


class Regularization:
    """The penalties and limits of a network's layers.

    The weights w of a layer add l1 sum |w| + l2 sum w^2 to the loss; its own l1 and l2 take precedence over those of
    `training`. Its outputs add `activity_l1` sum |y| + `activity_l2` sum y^2, averaged over samples as the loss is.
    """

    def __init__(self, network: Network, training: Training, loss: Loss, shards: int) -> None:
        self.training, self.mean, self.shards = training, loss.reduction == "mean", shards
        trained = [layer for layer in network.named.values() if not layer.frozen]
        scheduled = {(id(field.component), field.name) for field in network.scheduled.fields}

        def has(layer: Any, name: str) -> bool:
            return (id(layer), name) in scheduled or self._coefficient(layer, name) != 0

        self.penalized = [
            (layer, w, g) for layer in trained if has(layer, "l1") or has(layer, "l2") for w, g in _weights(layer)
        ]
        limited = [layer for layer in trained if any(getattr(layer, limit, None) for limit in WEIGHT_LIMITS)]
        self.limited = [(layer, w) for layer in limited for w, _ in _weights(layer)]
        active = [layer for layer in network.named.values() if has(layer, "activity_l1") or has(layer, "activity_l2")]
        self.activities = [ActivityPenalty(layer) for layer in active]
        network.stack.set_singly(False)
        penalized = [*(layer for layer, _, _ in self.penalized), *active]
        self.names = [name for name in PENALTIES if any(has(layer, name) for layer in penalized)]

    @property
    def activity_sums(self) -> np.ndarray:
        """The penalties (layers, 2) of outputs since the last step, of each layer that has one."""
        return np.array([[*each.sums.values()] for each in self.activities])

    @activity_sums.setter
    def activity_sums(self, totals: np.ndarray) -> None:
        for each, sums in zip(self.activities, totals.tolist(), strict=True):
            each.sums = dict(zip(each.sums, sums, strict=True))

    def divide(self, weight: float) -> None:
        """Prepare `backward` of a batch of this weight; shards are divided when they are added."""
        for activity in self.activities:
            activity.divisor = weight if self.mean and self.shards == 1 and weight else 1.0

    def add(self, weight: float) -> dict[str, float]:
        """Add the gradient of the penalties of weights, and return every penalty of a batch of this weight, by name."""
        found = dict.fromkeys(self.names, 0.0)
        for activity in self.activities:
            for name in found.keys() & activity.sums:
                found[name] += activity.sums[name] / (weight if self.mean and self.shards > 1 and weight else 1.0)
                activity.sums[name] = 0.0
        for layer, w, g in self.penalized:
            if l1 := self._coefficient(layer, "l1"):
                found["l1"] += l1 * float(np.abs(w).sum())
                np.add(g, l1 * np.sign(w), out=g)
            if l2 := self._coefficient(layer, "l2"):
                found["l2"] += l2 * float(np.vdot(w, w))
                np.add(g, 2 * l2 * w, out=g)
        return found

    def _coefficient(self, layer: Any, name: str) -> float:
        """Return the layer's own coefficient of a penalty, else that of `training`."""
        own = getattr(layer, name, None)
        return getattr(self.training, name, 0.0) if own is None else own

    def penalize(self, weight: float) -> None:
        """Add the gradient of penalties to that of a batch of this weight, and count the penalties."""
        if self.names:
            for name, penalty in self.add(weight).items():
                self.sums[name] += penalty
            self.count += 1

    def reset(self) -> None:
        """Begin an epoch."""
        self.sums, self.count = dict.fromkeys(self.names, 0.0), 0

    def measure(self) -> dict[str, float]:
        """Return the mean of each penalty in the epoch's batches, by its name in the history."""
        return {name: total / self.count for name, total in self.sums.items()}

    def save(self, state: TrainingState) -> None:
        """Add what is counted to a state."""
        if self.names:
            state.put("penalties", {"sums": self.sums, "count": self.count})

    def restore(self, state: TrainingState) -> None:
        """Continue from a state."""
        if self.names:
            vars(self).update(state.take("penalties"))

    def limit(self) -> None:
        """Bring weights back into their limits, after a step. The weights of a unit are those of its last index."""
        for layer, w in self.limited:
            if layer.non_negative:
                np.maximum(w, 0, out=w)
            if layer.max_norm is not None:
                np.multiply(w, layer.max_norm / np.maximum(_norms(w), layer.max_norm), out=w)
            if layer.unit_norm:
                norms = _norms(w)
                np.divide(w, norms, out=w, where=norms > 0)


def _weights(layer: Layer) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the weights of a layer with their gradients: its parameters that decay."""
    for parameter in layer.parameters:
        if parameter.decay:
            yield getattr(layer, parameter.name), getattr(layer.grad, parameter.name)


def _norms(w: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(w).sum(axis=tuple(range(w.ndim - 1)), keepdims=True))
