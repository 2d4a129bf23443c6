"""`Evidence`: what a diagnosis looks at, gathered from a run when it is first asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from specnet.datasets.sampling import evenly_chosen
from specnet.diagnosis.probe import Probed, probe
from specnet.diagnosis.symptom import Cure, Symptom
from specnet.errors import SpecnetError
from specnet.layers.base import Layer
from specnet.network.norms import layer_norms, layers_with_parameters
from specnet.network.summary import layer_costs
from specnet.optimizers.base import frozen_layers, rated_optimizer
from specnet.parts import parts
from specnet.plots.base import Trained
from specnet.schedules.base import Schedule
from specnet.schedules.scheduled import find_peak
from specnet.spec.model import Spec
from specnet.training.batches import Batch
from specnet.training.model import Model
from specnet.words import Pointer, show_pointer

_SAMPLES = 1000
"""Training samples that go through the network at most."""
_FEWEST = 50
"""Samples that do at least."""
_WORK = 200_000_000
"""Operations that they take, about 0.1 s, unless they are the fewest."""
_NUMBERS = 200_000
"""Numbers of the training targets that are looked at."""
_FEWEST_STEPS = 10
"""Recorded steps of which a median can be judged."""


class Diagnosed(Trained, Protocol):
    """What a diagnosis asks of a run, besides what a plot does."""

    @property
    def spec(self) -> Spec:
        """The resolved spec."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Versions, machine, digests, times and how the run ended."""

    @property
    def status(self) -> str:
        """How the run ended: finished, interrupted, diverged or failed; running if it goes on, or was killed."""

    @property
    def model(self) -> Model:
        """The model of the run's checkpoint."""

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """Loss and metrics of each split: those that are saved with the run, or else measured now."""

    @property
    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Metrics of a constant prediction on each split."""

    @property
    def linear_baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Metrics of a linear prediction on each split; empty if none was made."""

    @property
    def data_symptoms(self) -> list[Symptom]:
        """Findings about the data, as `specnet.diagnosis.data` has them."""

    def model_at(self, step: int) -> Model:
        """Return a new model with the parameters of the checkpoint of a step."""


class Evidence:
    """What a run has recorded, and what its network does with some training samples before and after training."""

    def __init__(self, run: Diagnosed) -> None:
        self.run, self.spec, self.model = run, run.spec, run.model

    @property
    def history(self) -> Mapping[str, np.ndarray]:
        """Columns of the history; none before the first epoch is complete."""
        return self.run.history

    @cached_property
    def losses(self) -> np.ndarray:
        """The training loss (epochs,) as the history has it."""
        found = np.asarray(self.history.get("train/loss", ()), np.float64)
        return found[np.isfinite(found)]

    @cached_property
    def batch(self) -> Batch:
        """Some training samples, as the network and the loss take them."""
        flops = sum(cost.flops for cost in layer_costs(self.model.network.layers))
        chosen = evenly_chosen(self.run.data.train, max(_FEWEST, min(_SAMPLES, _WORK // max(flops, 1))))
        prepared = self.model.prepare(chosen.map(self.model.inputs.apply, self.model.targets.apply), chosen.targets)
        assert isinstance(prepared, Batch)
        return prepared

    @cached_property
    def targets(self) -> Batch:
        """The targets of more training samples, all if they are not too many; without their inputs."""
        train = self.run.data.train
        most = max(_SAMPLES, _NUMBERS // math.prod(train.targets.shape[1:]))
        chosen = evenly_chosen(train._replace(inputs=train.targets), most)  # type: ignore[arg-type]
        targets = self.model.prepare_targets(self.model.targets.apply(chosen.targets))
        return Batch(targets[:, :0] if targets.ndim > 1 else targets, targets, targets, chosen.weight, chosen.mask)

    @cached_property
    def initial(self) -> Model:
        """The model before the first step."""
        return self.run.model_at(0)

    @cached_property
    def before(self) -> dict[str, Probed]:
        """What layers do with some training samples before the first step."""
        return probe(self.initial, self.batch)

    @cached_property
    def after(self) -> dict[str, Probed]:
        """What layers do with them in the checkpoint that the results are of."""
        return probe(self.model, self.batch)

    @cached_property
    def unscaled(self) -> bool:
        """Whether inputs are of such a size that layers of usual weights cannot be judged."""
        return any(found.code == "unscaled-inputs" for found in self.run.data_symptoms)

    def loss(self, y: np.ndarray, batch: Batch) -> float:
        """Return the loss of outputs y (n, ...) for a batch; where losses are sums, for the whole training split."""
        found = self.model.loss_of(np.ascontiguousarray(y, self.model.network.dtype), batch)
        if self.model.loss.reduction == "sum":
            found *= len(self.run.data.train.inputs) / batch.rows
        return found

    @cached_property
    def constant_loss(self) -> float | None:
        """The training loss of the best of some constant outputs: means, medians, and the shares of classes.

        A network that has learned something is better. None if no such loss is known, or it is not positive.
        """
        return self.constant_loss_of(self.targets)

    def constant_loss_of(self, batch: Batch) -> float | None:
        """Return the same for some samples."""
        shape, found = (batch.rows, *self.model.network.output_shape), list[float]()
        if batch.mask is None:
            with np.errstate(all="ignore"):
                for constant in _constants(batch.targets, shape):
                    with suppress(Exception):  # a loss takes some of them only
                        found.append(self.loss(np.broadcast_to(constant, shape), batch))
        found = [each for each in found if math.isfinite(each)]
        return min(found) if found and min(found) > 0 else None

    @cached_property
    def start(self) -> float:
        """The loss that training starts from: that of a constant output or, without data, of the first epoch."""
        with suppress(SpecnetError):
            return max(self.constant_loss or self.losses[0], self.losses[0])
        return float(self.losses[0])

    @cached_property
    def initial_loss(self) -> float:
        """The loss of some training samples before the first step."""
        with np.errstate(all="ignore"):
            return self.loss(self.initial.outputs(self.batch.inputs, self.batch.mask)[0], self.batch)

    @cached_property
    def learned(self) -> float | None:
        """The share of the loss of a constant output that training has removed, in the state of the results."""
        loss = self.run.metrics["train"]["loss"]
        return None if self.constant_loss is None else 1 - loss / self.constant_loss

    def loss_of(self, output: float) -> float:
        """Return the training loss of outputs that are all the same number."""
        shape = (self.targets.rows, *self.model.network.output_shape)
        return self.loss(np.broadcast_to(output, shape), self.targets)

    @cached_property
    def uniform_loss(self) -> float:
        """The training loss of equal probabilities of all classes."""
        k = self.model.network.output_shape[-1] if self.run.task.only.kind == "multiclass" else 2
        return self.loss_of(1 / k if self.model.loss.takes == "probabilities" else 0.0)

    @cached_property
    def moved(self) -> dict[str, float]:
        """Of each trained layer the distance of its parameters from the initial ones, beside the norm of these."""
        network = self.model.network
        before = self.initial.network.params.flat.astype(np.float64)
        distances = layer_norms(network, network.params.flat - before)
        found = zip(layers_with_parameters(network), distances, layer_norms(network, before), strict=True)
        return {name: d / norm for name, d, norm in found if norm and self._is_trained(name)}

    def _is_trained(self, name: str) -> bool:
        network = self.model.network
        frozen = frozen_layers(self.spec.optimizer, len(network.layers))
        return network.named[name].is_trained() and int(name.split(".")[1]) not in frozen

    @cached_property
    def step_sizes(self) -> dict[str, np.ndarray]:
        """Of each trained layer the length of recorded steps beside the norm of its parameters.

        None if few are recorded, or if an optimizer of full batches decides on their length by itself.
        """
        record = self.run.record
        if len(record.get("update_norms", ())) <= _FEWEST_STEPS or self.spec.optimizer.full_batch:
            return {}
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = (record["update_norms"] / record["weight_norms"].astype(np.float64))[1:]
        columns = zip(record["layers"].tolist(), ratios.T, strict=True)
        found = {name: each[np.isfinite(each)] for name, each in columns if self._is_trained(name)}
        return {name: each for name, each in found.items() if len(each)}

    @cached_property
    def usual_step(self) -> dict[str, float]:
        """The median of these of each layer."""
        return {name: float(np.median(ratios)) for name, ratios in self.step_sizes.items()}

    @cached_property
    def rated(self) -> tuple[Pointer, Any]:
        """The place of the learning rate, of the optimizer or of one inside it, and its value, None without one."""
        place, optimizer = rated_optimizer(self.spec.optimizer)
        return (*place, "learning_rate"), getattr(optimizer, "learning_rate", None)

    @property
    def rate_place(self) -> Pointer:
        """The place of the learning rate in the spec."""
        return self.rated[0]

    @cached_property
    def rates(self) -> np.ndarray | None:
        """The learning rate (epochs,); None if the optimizer has none."""
        return self.history.get(show_pointer(self.rate_place))

    @property
    def first_rate(self) -> float | None:
        """The learning rate of the first step; None if the optimizer has none, or if it is unknown."""
        rate: float | Schedule | None = self.rated[1]
        if isinstance(rate, Schedule):
            return None if self.rates is None else float(self.rates[0])
        return rate

    def with_rate(self, factor: float, purpose: str) -> Cure | None:
        """Return how to multiply the learning rate, or the largest of a schedule; None if the optimizer has none."""
        place, rate = self.rated
        if isinstance(rate, Schedule):
            constant = None if self.rates is None else (place, float(max(self.rates)))
            place, rate = find_peak(rate, place) or constant or (place, None)
        if not rate:
            return None
        return Cure(purpose, (f"{show_pointer(place)}={float(f'{rate * factor:.2g}'):g}",))

    def usual_weights(self) -> Cure | None:
        """Return how to use the default initial weights or, if a spec does, He's; None if no layer has a choice."""
        initializers = {
            (*place, "weight_init"): (layer.weight_init.to_spec()["type"], field.default)
            for place, layer in self.layers()
            if (field := type(layer).model_fields.get("weight_init"))
        }
        usual = {place: default for place, (kind, default) in initializers.items() if kind != default}
        usual = usual or dict.fromkeys(initializers, "he_normal")
        options = tuple(f"{show_pointer(place)}={each}" for place, each in usual.items())
        return Cure("for the usual weights", options) if options else None

    def layers(self) -> Iterator[tuple[Pointer, Layer]]:
        """Yield the layers of the spec with their places."""
        for place, part in parts(self.spec.layers, ("layers",)):
            if isinstance(part, Layer):
                yield place, part

    def is_output(self, name: str) -> bool:
        """Return whether no layer with parameters comes after a layer."""
        named = self.model.network.named
        names = list(named)
        return not any(named[later].parameters or named[later].shared for later in names[names.index(name) + 1 :])


def _constants(targets: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield outputs that are the same for all samples, for losses of numbers, of probabilities and of logits."""
    outputs, t = shape[-1], targets
    if t.dtype.kind in "biu":  # classes
        p = np.bincount(t.ravel().astype(np.int64), minlength=outputs)[:outputs] / t.size
        yield np.log(np.maximum(p, 1e-12))
        yield p
        return
    mean = t.astype(np.float64).mean(axis=0)
    p = np.clip(mean, 1e-12, 1 - 1e-12)
    yield from (mean, np.median(t, axis=0), np.log(p) - np.log1p(-p), np.log(p))
