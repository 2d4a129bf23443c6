"""`Trainer`: the step, the epoch, and everything that a run must remember to go on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from specnet.component import Component, Section
from specnet.errors import DivergenceError, Pointer, show_pointer
from specnet.optimizers.base import Optimizer
from specnet.schedules.base import value_at
from specnet.training.divergence import all_finite, are_finite, find_origin, find_parameter, find_slot
from specnet.training.feed import Feed
from specnet.training.model import AnySplit, Model
from specnet.training.network import Network
from specnet.training.norms import Norms, check_norms, measure_step
from specnet.training.randomness import restore_stream, save_stream, stream
from specnet.training.stopping import EarlyStopping
from specnet.workspace import zeros


class Training(Section):
    """How long and in what portions the network is trained."""

    epochs: PositiveInt = Field(default=100, description="passes over the training split")
    batch_size: PositiveInt | None = Field(default=32, description="samples in a step; null: all of them")
    shuffle: bool = Field(default=True, description="whether batches are drawn in a new order each epoch")
    clip_norm: PositiveFloat | None = Field(default=None, description="largest norm that a gradient may have")
    early_stopping: EarlyStopping | None = Field(default=None, description="when to stop before the last epoch")
    on_divergence: Literal["stop", "restore_best"] = Field(
        default="stop",
        description="what is left when numbers are no longer finite: the latest state saved, or the best",
    )


@dataclass(frozen=True)
class Snapshot:
    """A trainer's whole state between two steps.

    `outputs` (rows, ...) are those of the samples that the epoch has taken so far, where metrics will need them; those
    since the beginning of a window of streamed samples, if progress tells that.
    """

    params: np.ndarray
    slots: np.ndarray
    state: np.ndarray
    outputs: np.ndarray
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
        splits: Mapping[str, AnySplit],
        seed: int,
        measured: Sequence[str] = ("validation",),
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.training = training
        self.splits = splits
        self.measured = [split for split in measured if split in splits]
        network = model.network
        self.slots = zeros((len(optimizer.slot_names), network.params.flat.size), network.dtype)
        self.feed = Feed(splits["train"], training.batch_size, training.shuffle, stream(seed, "shuffle"))
        self.update = updater(network, optimizer, self.slots)
        self._no_outputs = np.empty((0, *network.output_shape), network.dtype)
        self.epoch = 0
        self.step = 0
        self.measures_steps = False
        """Whether the last step of an epoch is measured: `norms`, until the next epoch begins."""
        self.norms: Norms | None = None
        self._clear()

    def _clear(self) -> None:
        """Forget what an epoch gathers."""
        self.position = 0
        self._loss = 0.0
        self._metrics: dict[str, float] = {}
        self._outputs = self._no_outputs

    def run_epoch(self, between: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Train for one epoch, or for the rest of one, and return its line of the history.

        `train/…` values are those that each batch had before its update: the loss is averaged over batches, each
        counting as many times as it has samples, or added up where the loss is a sum. Other splits are measured
        after the epoch. `between` is called after each step and while splits are measured. If it raises, the epoch
        is left where it is: the trainer can be saved, and the next call goes on.

        Raises:
            DivergenceError: in the step that made the loss or a gradient no longer a finite number, in the step after
                one that made a parameter so or at the epoch's end, or if a metric is none.
            DataError: if streamed samples cannot be read any more.
        """
        start = time.perf_counter()
        # What overflows shows as a number that is not finite, and ends the run; a warning would only come first.
        with np.errstate(over="ignore", invalid="ignore"):
            if self.position == 0:
                self._begin()
            while True:
                while self.position < self.feed.stop:
                    self._step(*self.feed.batch(self.position))
                    between()
                self._check_parameters()
                metrics = self._measure() if self.model.metrics else {}
                if self.position == self.feed.count:
                    break
                self._check_defined(metrics)
                self.feed.move(self.position)
                self._metrics = metrics
            values = {"train/loss": self._loss, **metrics}
            for split in self.measured:
                scores = self.model.score(self.splits[split], between)
                values |= {f"{split}/{name}": value for name, value in scores.items()}
            self._check_defined(values)
        self.epoch += 1
        self._clear()
        return {
            "epoch": self.epoch,
            "step": self.step,
            **values,
            "learning_rate": value_at(self.optimizer.learning_rate, self.step - 1),
            "seconds": round(time.perf_counter() - start, 6),
        }

    @property
    def within_epoch(self) -> bool:
        """Whether some of an epoch's steps are taken and some are left."""
        return 0 < self.position < self.feed.count

    def _begin(self, position: int = 0) -> None:
        self.norms = None
        self.feed.begin(position)
        if self.model.metrics:  # which need not add up over batches, so they get the outputs of a window all at once
            rows = self.feed.stop - self.feed.start  # of later windows, only the last one may have fewer
            self._outputs = np.empty((rows, *self._no_outputs.shape[1:]), self._no_outputs.dtype)

    def _step(self, x: np.ndarray, target: np.ndarray) -> None:
        """Take one step on a batch, and add its loss and outputs before the update to what the epoch gathers."""
        network, loss = self.model.network, self.model.loss
        y = network.propagate(x, training=True)
        value = float(loss.forward(y, target))
        if not math.isfinite(value):
            self._check_parameters()
            raise self._diverged(f"the loss is {value} {self._now}", lambda: network.propagate(x, training=True))
        network.backward_parameters(loss.backward())
        if not are_finite(network.grads.flat):
            self._check_parameters()
            raise self._diverged(f"a gradient is not finite {self._now}", lambda: self._gradients(x, target))
        if self.training.clip_norm is not None:
            clip_norm(network.grads.flat, self.training.clip_norm)
        if self.measures_steps and self.position + len(x) == self.feed.count:
            self.norms = measure_step(network, lambda: self.update(self.step))
        else:
            self.update(self.step)
        mean = loss.reduction == "mean"
        self._loss += value * (len(x) / self.feed.count) if mean else value
        if self.model.metrics:
            place = self.position - self.feed.start
            self._outputs[place : place + len(x)] = y
        self.position += len(x)
        self.step += 1

    def _measure(self) -> dict[str, float]:
        """Return the metrics of the epoch so far, the present window included; each sample counts the same."""
        rows = self.feed.stop - self.feed.start
        found = self.model.measure(self._outputs[:rows], self.feed.truth)
        values = {f"train/{name}": value * (rows / self.feed.count) for name, value in found.items()}
        return {name: self._metrics.get(name, 0.0) + value for name, value in values.items()}

    def _check_defined(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                raise self._undefined(name, value)

    def _gradients(self, x: np.ndarray, target: np.ndarray) -> None:
        network, loss = self.model.network, self.model.loss
        loss.forward(network.propagate(x, training=True), target)
        network.backward_parameters(loss.backward())

    @property
    def _now(self) -> str:
        return f"in step {self.step + 1}, in epoch {self.epoch + 1}"

    def _diverged(self, what: str, attempt: Callable[[], object]) -> DivergenceError:
        """Return the error of what is not finite, with the layer where it begins when it is computed again.

        If all layers give finite numbers then, it is the loss that does not (or, with a dropout's next mask, it is
        not known).
        """
        if origin := find_origin(self.model.network, attempt):
            return self._error(what, origin.layer.place, origin.layer, f", in {origin.what}")
        return self._error(what, ("loss",), self.model.loss)

    def _undefined(self, name: str, value: float) -> DivergenceError:
        """Return the error of a value that is no number after an epoch's steps."""
        what = f"{name} is {value} after step {self.step}, in epoch {self.epoch + 1}"
        split, _, metric = name.partition("/")

        def are_outputs_finite() -> bool:
            return all(all_finite(self.model.outputs(piece.x)) for piece in self.splits[split].pieces())

        if metric in self.model.metrics and are_outputs_finite():
            number = list(self.model.metrics).index(metric)
            return self._error(what, ("metrics", number), self.model.metrics[metric])
        return self._diverged(what, are_outputs_finite)

    def _check_parameters(self) -> None:
        """Look at all parameters: after an epoch, before they are saved, and where their loss is not finite.

        Looking in each step would cost more than it tells: what is not finite mostly makes the next loss so.
        """
        if not are_finite(self.model.network.params.flat):
            name = find_parameter(self.model.network.params) or ""
            raise self._parameter_error(
                f"a parameter is not finite by step {self.step}, in epoch {self.epoch + 1}", name
            )

    def _parameter_error(self, what: str, name: str) -> DivergenceError:
        place, _, parameter = name.rpartition(".")
        layer = self.model.network.named[place]
        return self._error(what, layer.place, layer, f", in its {parameter}")

    def _error(self, what: str, place: Pointer, component: Component, part: str = "") -> DivergenceError:
        return DivergenceError(
            f"{what}: it begins in {show_pointer(place)} ({type(component).__name__}){part}",
            pointer=place,
            help="in a new run, try a smaller optimizer.learning_rate, or training.clip_norm",
        )

    def snapshot(self, copy: bool = True) -> Snapshot:
        """Return the whole state, in copies or, for who needs it only until the next step, in the arrays themselves.

        Raises:
            DivergenceError: if it holds a number that is not finite.
        """
        network = self.model.network
        generators = {place: save_stream(layer.rng) for place, layer in network.named.items()}
        progress = {
            "epoch": self.epoch,
            "step": self.step,
            "position": self.position,
            "loss": self._loss,
            # Within an epoch, the state that its order of samples was drawn from.
            "generators": {"shuffle": self.feed.state(self.position), **generators},
        }
        start = self.feed.start
        if self.position > start > 0:
            progress["window"] = {"start": start, "metrics": dict(self._metrics)}
        if self.position == self.feed.count and self.norms:
            progress["norms"] = self.norms
        arrays = {
            "params": network.params.flat,
            "slots": self.slots,
            "state": network.state.flat,
            "outputs": self._outputs[: max(self.position - start, 0)],
        }
        with np.errstate(over="ignore", invalid="ignore"):
            self._check_parameters()
            if not are_finite(self.slots):
                name = find_slot(network.params, self.slots)
                raise self._parameter_error(f"a slot of the optimizer is not finite by step {self.step}", name)
            if not are_finite(network.state.flat):
                name = find_parameter(network.state) or ""
                raise self._parameter_error(f"running state is not finite by step {self.step}", name)
            if not are_finite(arrays["outputs"]):
                last = network.layers[-1]
                raise self._error(f"an output is not finite by step {self.step}", last.place, last)
        if copy:
            arrays = {name: array.copy() for name, array in arrays.items()}
        return Snapshot(**arrays, progress=progress)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the state of a snapshot.

        Raises:
            ValueError: if it says that more or less steps were taken than there are, or does not fit the windows that
                streamed samples are read in.
            DataError: if these cannot be read.
        """
        network, progress = self.model.network, snapshot.progress
        count, size = self.feed.count, self.feed.size
        position, steps = progress["position"], -(-count // size) * progress["epoch"] - (-progress["position"] // size)
        if progress["step"] != steps or position > count or (position % size and position != count):
            raise ValueError(f"step {progress['step']} is not in epoch {progress['epoch']}, after {position} samples")
        network.params.flat[...] = snapshot.params
        network.state.flat[...] = snapshot.state
        self.slots[...] = snapshot.slots
        self.epoch, self.step = progress["epoch"], progress["step"]
        restore_stream(self.feed.rng, progress["generators"]["shuffle"])
        for place, layer in network.named.items():
            restore_stream(layer.rng, progress["generators"][place])
        self._clear()
        self.norms = None
        if progress["position"]:
            self._begin(position - 1)  # if it is the last of its window, that is yet to be measured
            self.position, self._loss = position, progress["loss"]
            window = progress.get("window") or {"start": 0, "metrics": {}}
            names = [f"train/{name}" for name in self.model.metrics] if window["start"] else []
            if window["start"] != self.feed.start or list(window["metrics"]) != names:
                raise ValueError(f"no window with the sample at {position - 1} begins at {window['start']}")
            self._metrics = dict(window["metrics"])
            if self.position == self.feed.count and "norms" in progress:
                check_norms(network, progress["norms"])
                self.norms = progress["norms"]
            self._outputs[: len(snapshot.outputs)] = snapshot.outputs


def updater(network: Network, optimizer: Optimizer, slots: np.ndarray) -> Callable[[int], None]:
    """Return what lets the optimizer change all parameters in place, after so many steps.

    `slots` (count, size) are those of all parameters. What the rule gets is cut into views once and for all: whole
    tensors if it needs them, else pieces of the flat vectors.
    """
    params, grads = network.params, network.grads
    if optimizer.whole_tensors:
        parts = [
            (params[slot.name], grads[slot.name], *(flat[slot.part].reshape(slot.shape) for flat in slots))
            for slot in params.slots
        ]
    else:
        parts = optimizer.pieces(params.flat, grads.flat, slots)

    def update(step: int) -> None:
        for part in parts:
            optimizer.update(*part, step=step)

    return update


def clip_norm(gradient: np.ndarray, limit: float) -> None:
    """Scale a gradient in place so that its Euclidean norm is at most `limit`. Pascanu et al., 2013."""
    # In float64, as the square of a float32 above 1e19 overflows.
    norm = float(np.linalg.norm(gradient.astype(np.float64)))
    if norm > limit:
        gradient *= limit / norm
