"""`Trainer`: the step, the epoch, and everything that a run must remember to go on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from specnet.component import Section
from specnet.errors import DivergenceError
from specnet.optimizers.base import Optimizer
from specnet.schedules.base import value_at
from specnet.training.model import Model, Prepared
from specnet.training.network import Network
from specnet.training.randomness import restore_stream, save_stream, stream
from specnet.training.stopping import EarlyStopping


class Training(Section):
    """How long and in what portions the network is trained."""

    epochs: PositiveInt = Field(default=100, description="passes over the training split")
    batch_size: PositiveInt | None = Field(default=32, description="samples in a step; null: all of them")
    shuffle: bool = Field(default=True, description="whether batches are drawn in a new order each epoch")
    clip_norm: PositiveFloat | None = Field(default=None, description="largest norm that a gradient may have")
    early_stopping: EarlyStopping | None = Field(default=None, description="when to stop before the last epoch")


@dataclass(frozen=True)
class Snapshot:
    """A trainer's whole state between two epochs, in arrays of its own."""

    params: np.ndarray
    slots: np.ndarray
    state: np.ndarray
    progress: dict[str, Any]


class Trainer:
    """Trains a model on its prepared splits, an epoch at a time.

    After as many epochs from the same seed two trainers hold the same bytes, as does one that was given the
    snapshot of the other. `measured` names the splits besides train whose loss and metrics the history tells.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        training: Training,
        splits: Mapping[str, Prepared],
        seed: int,
        measured: Sequence[str] = ("validation",),
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.training = training
        self.splits = splits
        self.measured = [split for split in measured if split in splits]
        network = model.network
        self.slots = np.zeros((len(optimizer.slot_names), network.params.flat.size), network.dtype)
        self.shuffling = stream(seed, "shuffle")
        self.epoch = 0
        self.step = 0

    def run_epoch(self) -> dict[str, Any]:
        """Train for one epoch and return its line of the history.

        `train/…` values are those that each batch had before its update: the loss is averaged over batches, each
        counting as many times as it has samples, or added up where the loss is a sum. Other splits are measured
        after the epoch.

        Raises:
            DivergenceError: if the loss, a parameter or a metric is no longer a finite number.
        """
        start = time.perf_counter()
        # What overflows shows as a number that is not finite, and ends the run; a warning would only come first.
        with np.errstate(over="ignore", invalid="ignore"):
            values = {f"train/{name}": value for name, value in self._train().items()}
            self.epoch += 1
            if not np.isfinite(self.model.network.params.flat).all():
                raise self._diverged("a parameter is not finite", self.epoch)
            for split in self.measured:
                values |= {f"{split}/{name}": value for name, value in self.model.score(self.splits[split]).items()}
        for name, value in values.items():
            if not math.isfinite(value):
                raise self._diverged(f"{name} is {value}", self.epoch)
        return {
            "epoch": self.epoch,
            "step": self.step,
            **values,
            "learning_rate": value_at(self.optimizer.learning_rate, self.step - 1),
            "seconds": round(time.perf_counter() - start, 6),
        }

    def _train(self) -> dict[str, float]:
        """Take the steps of one epoch; return loss and metrics of the outputs that batches had before updates."""
        model, train = self.model, self.splits["train"]
        count, done, total = len(train.x), 0, 0.0
        mean = model.loss.reduction == "mean"
        order = self._order(count)
        # Metrics need not add up over batches, so they get the outputs of the whole epoch at once.
        outputs = np.empty((count, *model.network.output_shape), model.network.dtype) if model.metrics else None
        for x, target in self._batches(train, order):
            value, y = self._step(x, target)
            total += value * (len(x) / count) if mean else value
            if outputs is not None:
                outputs[done : done + len(x)] = y
            done += len(x)
        metrics = {}
        if outputs is not None:
            metrics = model.measure(outputs, train.truth if order is None else train.truth[order])
        return {"loss": total, **metrics}

    def _order(self, count: int) -> np.ndarray | None:
        """The epoch's order of samples; none where one batch holds them all, as order then does not matter."""
        size = self.training.batch_size
        if not self.training.shuffle or size is None or size >= count:
            return None
        return self.shuffling.permutation(count)

    def _batches(self, train: Prepared, order: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        count = len(train.x)
        size = self.training.batch_size or count
        for start in range(0, count, size):
            if order is None:
                yield train.x[start : start + size], train.target[start : start + size]
            else:
                chosen = order[start : start + size]
                yield np.take(train.x, chosen, axis=0), np.take(train.target, chosen, axis=0)

    def _step(self, x: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
        """Take one step on a batch; return its loss and outputs before the update."""
        network, loss = self.model.network, self.model.loss
        y = network.forward(x, training=True)
        value = loss.forward(y, target)
        if not math.isfinite(value):
            raise self._diverged(f"the loss is {value}", self.epoch + 1)
        network.backward_parameters(loss.backward())
        if self.training.clip_norm is not None:
            clip_norm(network.grads.flat, self.training.clip_norm)
        update(network, self.optimizer, self.slots, self.step)
        self.step += 1
        return value, y

    def _diverged(self, what: str, epoch: int) -> DivergenceError:
        return DivergenceError(
            f"{what} in epoch {epoch}, after {self.step} steps",
            help="try a smaller optimizer.learning_rate, or training.clip_norm",
        )

    def snapshot(self) -> Snapshot:
        """Return the whole state, in copies."""
        network = self.model.network
        generators = {place: save_stream(layer.rng) for place, layer in network.named.items()}
        progress = {
            "epoch": self.epoch,
            "step": self.step,
            "position": 0,
            "generators": {"shuffle": save_stream(self.shuffling), **generators},
        }
        return Snapshot(network.params.flat.copy(), self.slots.copy(), network.state.flat.copy(), progress)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the state of a snapshot."""
        network, progress = self.model.network, snapshot.progress
        network.params.flat[...] = snapshot.params
        network.state.flat[...] = snapshot.state
        self.slots[...] = snapshot.slots
        self.epoch, self.step = progress["epoch"], progress["step"]
        restore_stream(self.shuffling, progress["generators"]["shuffle"])
        for place, layer in network.named.items():
            restore_stream(layer.rng, progress["generators"][place])


def update(network: Network, optimizer: Optimizer, slots: np.ndarray, step: int) -> None:
    """Let the optimizer change all parameters in place, given their gradients and its slots (count, size)."""
    if optimizer.whole_tensors:
        for place in network.params.slots:
            piece = slice(place.offset, place.offset + place.size)
            own = [flat[piece].reshape(place.shape) for flat in slots]
            optimizer.update(network.params[place.name], network.grads[place.name], *own, step=step)
    else:
        optimizer.apply(network.params.flat, network.grads.flat, slots, step)


def clip_norm(gradient: np.ndarray, limit: float) -> None:
    """Scale a gradient in place so that its Euclidean norm is at most `limit`. Pascanu et al., 2013."""
    # In float64, as the square of a float32 above 1e19 overflows.
    norm = float(np.linalg.norm(gradient.astype(np.float64)))
    if norm > limit:
        gradient *= limit / norm
