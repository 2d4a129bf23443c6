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


class ActivityPenalty:
    """c sum |y| + d sum y^2 of a layer's outputs y in a batch, over `divisor`; it wraps the layer's methods."""

    def __init__(self, layer: Any) -> None:
        self.layer, self.inner = layer, (layer.forward, layer.backward)
        layer.forward, layer.backward = self.forward, self.backward
        layer.disposable = False  # y is needed in `backward`
        self.total, self.divisor = 0.0, 1.0

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.y = self.inner[0](x, training)
        return self.y

    def backward(self, dy: np.ndarray) -> Any:
        y, l1, l2 = self.y, self.layer.activity_l1 / self.divisor, self.layer.activity_l2 / self.divisor
        self.total += l1 * float(np.abs(y).sum()) + l2 * float(np.vdot(y, y))
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
        scheduled = {id(field.component) for field in network.scheduled.fields if field.name in ("l1", "l2")}
        self.penalized = [
            (layer, w, g)
            for layer in trained
            if id(layer) in scheduled
            or any(getattr(layer, name, None) not in (None, 0) or getattr(training, name) for name in ("l1", "l2"))
            for w, g in _weights(layer)
        ]
        self.limited = [(layer, w) for layer in trained if _is_limited(layer) for w, _ in _weights(layer)]
        active: list[Any] = [*network.named.values()]
        self.activities = [
            ActivityPenalty(layer)
            for layer in active
            if getattr(layer, "activity_l1", 0) or getattr(layer, "activity_l2", 0)
        ]
        network.stack.set_singly(False)
        self.exists = bool(self.penalized or self.activities)

    @property
    def active(self) -> np.ndarray:
        """The penalties of outputs since the last step, of each layer that has one."""
        return np.array([each.total for each in self.activities])

    @active.setter
    def active(self, totals: np.ndarray) -> None:
        for each, total in zip(self.activities, totals.tolist(), strict=True):
            each.total = total

    def divide(self, weight: float) -> None:
        """Prepare `backward` of a batch of this weight; shards are divided when they are added."""
        for activity in self.activities:
            activity.divisor = weight if self.mean and self.shards == 1 and weight else 1.0

    def add(self, weight: float) -> float:
        """Add the gradient of the penalty of weights, and return the whole penalty of a batch of this weight."""
        total = 0.0
        for activity in self.activities:
            total += activity.total / (weight if self.mean and self.shards > 1 and weight else 1.0)
            activity.total = 0.0
        for layer, w, g in self.penalized:
            l1, l2 = (_own(layer, name, getattr(self.training, name)) for name in ("l1", "l2"))
            if l1:
                total += l1 * float(np.abs(w).sum())
                np.add(g, l1 * np.sign(w), out=g)
            if l2:
                total += l2 * float(np.vdot(w, w))
                np.add(g, 2 * l2 * w, out=g)
        return total

    def penalize(self, weight: float) -> None:
        """Add the gradient of penalties to that of a batch of this weight, and count the penalty."""
        if self.exists:
            self.sum += self.add(weight)
            self.count += 1

    def reset(self) -> None:
        """Begin an epoch."""
        self.sum, self.count = 0.0, 0

    def measure(self) -> dict[str, float]:
        """Return the mean penalty of the epoch's batches, if there is any, by its name in the history."""
        return {"penalty": self.sum / self.count} if self.exists else {}

    def save(self, state: TrainingState) -> None:
        """Add what is counted to a state."""
        if self.exists:
            state.put("penalty", {"sum": self.sum, "count": self.count})

    def restore(self, state: TrainingState) -> None:
        """Continue from a state."""
        if self.exists:
            vars(self).update(state.take("penalty"))

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


def _own(layer: Any, name: str, default: float) -> float:
    own = getattr(layer, name, None)
    return default if own is None else own


def _is_limited(layer: Any) -> bool:
    return bool(getattr(layer, "non_negative", False) or getattr(layer, "unit_norm", False)) or (
        getattr(layer, "max_norm", None) is not None
    )


def _norms(w: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(w).sum(axis=tuple(range(w.ndim - 1)), keepdims=True))
