"""`Trainer`: everything that training needs or changes, and its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from specnet.optimizers.base import Optimizer, all_needs, all_state_names, frozen_layers, named_state
from specnet.randomness import restore_stream, save_stream, stream
from specnet.schedules.scheduled import ScheduledFields
from specnet.training.averaging import AveragedWeights
from specnet.training.batches import Batch, Batches, PreparedSplit
from specnet.training.callbacks import Callback, check_reason, restore_callback, save_callback
from specnet.training.communicator import Communicator
from specnet.training.divergence import check_parameters, check_state, check_values
from specnet.training.measures import Measures
from specnet.training.model import Model, check_counts
from specnet.training.objective import batch_objective, loss_and_gradient
from specnet.training.pace import Pace
from specnet.training.regularization import Regularization
from specnet.training.settings import Training
from specnet.training.state import TrainingState
from specnet.training.update import Updater, clipper
from specnet.workspace import zeros

AFTER = "train_after"
"""Name of the training split where it is measured after the epoch, like other splits."""


def after_epoch(monitor: str) -> str:
    """Return the name of the value that decides about a state: `train/…` values are those before the updates.

    >>> after_epoch("train/loss"), after_epoch("train/f1/train/up")
    ('train_after/loss', 'train_after/f1/train/up')
    """
    split, _, name = monitor.partition("/")
    return f"{AFTER}/{name}" if split == "train" else monitor


class Trainer:
    """A model in training: its optimizer, batches, progress, and callbacks.

    After the same number of epochs from the same seed two trainers hold the same bytes, as does one restored from the
    state of the other. `measured` names the splits besides train whose loss and metrics are in the history. `between`
    is called while splits are measured; an exception in it leaves a state that can be saved. Scheduled fields of
    `optimizer` and `training` are set before each step.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        training: Training,
        splits: Mapping[str, PreparedSplit],
        seed: int,
        measured: Sequence[str] = ("validation",),
        communicator: Communicator | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.training = training
        self.splits = splits
        found = {name: "train" if name == AFTER else name for name in measured}
        self.measured = {name: splits[split] for name, split in found.items() if split in splits}
        self.communicator = communicator or Communicator(1, training.gradient_accumulation_steps)
        self.callbacks: dict[str, Callback] = {}
        self.between: Callable[[], None] = lambda: None
        network = model.network
        network.freeze(frozen_layers(optimizer, len(network.layers)))
        self.slots = zeros((len(all_state_names(optimizer)), network.params.flat.size), network.dtype)
        train = splits["train"]
        if not model.metrics:
            train = replace(train, truth=train.targets)  # type: ignore[arg-type]
        self.pace = Pace(training, train.rows)
        self.batches = Batches(train, training.step_size, training.shuffle, stream(seed, "shuffle"))
        components = {"optimizer": optimizer, "loss": model.loss, "training": training}
        self.scheduled = ScheduledFields(components, network.scheduled.fields)
        self.scheduled.bind(self.pace.epoch, self.pace.epoch * training.epochs, self.pace.unit)
        self.measures = model.measures()
        self.generators = [
            {place: layer.rng if shard == 0 else stream(seed, place, shard) for place, layer in network.named.items()}
            | {"transforms": stream(seed, "transforms", shard)}
            for shard in range(self.communicator.pieces)
        ]
        self._shard, self._drawn = 0, dict[int, Batch]()
        self.regularization = Regularization(network, training, model.loss, self.communicator.pieces)
        self.clip = clipper(network.grads, training)
        self.objective = batch_objective(self) if all_needs(optimizer) else None
        self.optimizer_state = named_state(optimizer, self.slots)
        self.updates = Updater(network, optimizer, self.slots, self.objective, self.communicator.ranks)
        self.averaging = training.weight_averaging and AveragedWeights(training.weight_averaging, network.params.flat)
        self._parts = [part for part in (self.regularization, self.averaging) if part]
        self.epoch = self.step = 0
        self.finished: str | None = None
        self.stopped: str | None = None
        self.seconds_before = 0.0  # those that an interrupted run has already taken
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.batches.finish()
        self.pace.begin(self.epoch, self.batches)
        self._loss = self._weight = 0.0
        self.measures.reset()
        self.regularization.reset()

    @property
    def done(self) -> bool:
        """Whether training is at its end."""
        return self.epoch >= self.training.epochs or bool(self.finished or self.stopped)

    def finish(self, reason: str) -> None:
        """End training after the current epoch, as the spec asks: a resumed run trains no further."""
        self.finished = reason

    def stop(self, reason: str) -> None:
        """Stop training after the current epoch, for a reason outside the spec: the run can be resumed."""
        self.stopped = check_reason(reason)

    def randomized(self, batch: Batch) -> Batch:
        """Return a training batch changed by the random transforms of the spec."""
        if not self.model.inputs.random:
            return batch
        batch = self._drawn[self._shard] = self.model.randomized(batch, self.generators[self._shard]["transforms"])
        return batch

    def last_randomized(self, batch: Batch) -> Batch:
        """Return what `randomized` last returned for a training batch."""
        return self._drawn[self._shard] if self.model.inputs.random else batch

    def prepare_step(self, batch: Batch) -> None:
        """Set every scheduled field to its number in the next step, and the batch that an optimizer may evaluate."""
        if self.scheduled.fields:
            self.scheduled.set(self.pace.time(self.epoch, self.step, self.batches.position))
        if self.objective:
            self.batch = batch
            self.objective.begin()

    def repeat(self, batch: Batch) -> None:
        """Compute loss and gradient of the last step again; only layers draw other random numbers."""
        self.communicator.reduce(self, batch, partial(loss_and_gradient, again=True))

    def add_loss(self, value: float, weight: float) -> None:
        """Add the loss of a batch before its update to that of the epoch, weighted by `weight`."""
        self._loss += value * weight if self.model.loss.reduction == "mean" else value
        self._weight += weight

    def update(self) -> None:
        """Let the optimizer take a step, bring weights back into their limits, and add them to their average."""
        self.updates(self.step)
        if self.regularization.limited:
            self.regularization.limit()
        if self.averaging:
            self.averaging.step(self.epoch + 1)

    @contextmanager
    def shard(self, number: int) -> Iterator[Measures]:
        """Compute a shard of a batch: with its own generators and metrics, and the sum of its samples' losses."""
        loss, network, measures = self.model.loss, self.model.network, self.measures
        self.measures, self._shard = self.model.measures(), number
        loss.divisor = loss.total_weight((1, *network.output_shape))
        for place, layer in network.named.items():
            layer.rng = self.generators[number][place]
        try:
            yield self.measures
        finally:
            loss.divisor, self.measures, self._shard = None, measures, 0
            for place, layer in network.named.items():
                layer.rng = self.generators[0][place]

    def measure(self) -> dict[str, float]:
        """Return loss and metrics of the last epoch, and those of the other measured splits.

        `train/…` values are those of each batch before its update. Penalties are not part of `train/loss`.

        Raises:
            DivergenceError: if one of them, or a parameter, is not a finite number.
            DataError: if nothing counts in the samples of a split.
        """
        check_parameters(self)
        check_counts(self._weight)
        loss = self._loss / self._weight if self.model.loss.reduction == "mean" else self._loss
        measured = {"loss": loss, **self.regularization.measure(), **self.measures.compute()}
        values = {f"train/{name}": value for name, value in measured.items()}
        if self.averaging:
            self.averaging.epoch(self.epoch + 1)
        if self.measured:
            with self.evaluation_weights():
                for name, split in self.measured.items():
                    scores = self.model.score(split, self.between)
                    values |= {f"{name}/{value}": number for value, number in scores.items()}
        check_values(self, values)
        return values

    def weights_for_evaluation(self) -> np.ndarray | None:
        """Return the parameters to evaluate, save as best and export; None if they are those that are trained."""
        if self.averaging and self.averaging.count:
            return self.averaging.average
        return self.optimizer.weights_for_evaluation(self.model.network.params.flat, self.optimizer_state)

    @contextmanager
    def evaluation_weights(self) -> Iterator[None]:
        """Inside, the network has the parameters for evaluation; afterwards its own again."""
        w, weights = self.model.network.params.flat, self.weights_for_evaluation()
        if weights is None:
            yield
            return
        trained = w.copy()
        w[...] = weights
        try:
            yield
        finally:
            w[...] = trained

    def finish_epoch(self, values: Mapping[str, float], seconds: float) -> dict[str, Any]:
        """Count the epoch and return its line of the history."""
        time = self.pace.time(self.epoch, self.step - 1, self.batches.position)
        rest = {**self.scheduled.values(time), **self.pace.values(), "seconds": round(seconds, 6)}
        self.epoch += 1
        self._begin_epoch()
        return {"epoch": self.epoch, "step": self.step, **values, **rest}

    def state(self, copied: bool = True) -> TrainingState:
        """Return the whole state; with `copied=False` its arrays are valid until the next step.

        Raises:
            DivergenceError: if it contains a number that is not finite.
            BrokenComponentError: if a metric or a callback keeps values that cannot be saved.
        """
        self.updates.collect()
        check_state(self)
        state = TrainingState(self._arrays)
        if (weights := self.weights_for_evaluation()) is not None:
            state.put("evaluation", {"params": weights})
        for part in self._parts:
            part.save(state)
        state.progress |= {
            "epoch": self.epoch,
            "step": self.step,
            "position": self.batches.position,
            "loss": [self._loss, self._weight],
            "finished": self.finished,
            # Within an epoch, the state from which its order of samples was drawn.
            "generators": {n: save_stream(r) for n, r in self._streams.items()} | {"shuffle": self.batches.state()},
        }
        self.measures.flush()
        for number, (name, metric) in enumerate(self.measures.metrics.items()):
            state.put_result(f"metrics.{name}", metric.kept, metric, ("metrics", number), "keep")
        for name, callback in self.callbacks.items():
            save_callback(state, name, callback)
        return state.copy() if copied else state

    @property
    def _arrays(self) -> dict[str, np.ndarray]:
        network = self.model.network
        return {"params": network.params.flat, "slots": self.slots, "state": network.state.flat}

    @property
    def _streams(self) -> dict[str, np.random.Generator]:
        """All generators: those of layers by place, and by place and number for further shards."""
        return {"shuffle": self.batches.rng} | {
            f"{place}/{shard}" if shard else place: rng
            for shard, generators in enumerate(self.generators)
            for place, rng in generators.items()
        }

    def restore(self, state: TrainingState, callbacks: bool = True) -> None:
        """Continue from a state. With `callbacks=False`, the state of missing callbacks is left out.

        Raises:
            ValueError: if it is not a state of this training, or has no such number of steps.
            UsageError: if it contains the state of a missing callback.
            BrokenComponentError: if a callback of the user raises an error.
            DataError: if streamed samples cannot be read.
        """
        progress, metrics, kept = state.progress, state.take_all("metrics"), state.take_all("callbacks")
        state.check(self._arrays, self._streams, self.callbacks if callbacks else kept)
        epoch, step, position = progress["epoch"], progress["step"], progress["position"]
        self.pace.check(epoch, step, position)
        self.measures.restore(metrics)
        for name, array in self._arrays.items():
            array[...] = state.arrays[name]
        for name, rng in self._streams.items():
            restore_stream(rng, progress["generators"][name])
        self.epoch, self.step, self.finished, self.stopped = epoch, step, progress["finished"], None
        self.pace.begin(epoch, self.batches)
        self.batches.restore(position)
        self._loss, self._weight = progress["loss"]
        for part in self._parts:
            part.restore(state)
        for name, callback in self.callbacks.items():
            if name in kept:
                restore_callback(name, callback, kept[name])
