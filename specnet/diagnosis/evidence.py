"""`Evidence`: what a diagnosis looks at, gathered from a run when it is first asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from specnet.component import parts
from specnet.datasets.sampling import evenly_chosen
from specnet.diagnosis.probe import Probed, probe
from specnet.diagnosis.symptom import Cure, Symptom
from specnet.layers.base import Layer
from specnet.report.base import Reported
from specnet.schedules.base import Schedule
from specnet.training.batches import Batch
from specnet.training.model import Model
from specnet.words import Pointer, show_pointer

SAMPLES = 1000
"""Training samples that are looked at."""
_RATES = ("initial", "maximum", "value")
"""Fields of schedules that are, or are proportional to, the largest value."""


class Diagnosed(Reported, Protocol):
    """What a diagnosis asks of a run, besides what its page does."""

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
        chosen = evenly_chosen(self.run.data.train, SAMPLES)
        transformed = chosen.map(self.model.inputs.apply, self.model.targets.apply)
        prepared = self.model.prepare(transformed, chosen.targets)
        assert isinstance(prepared, Batch)
        return prepared

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

    def loss(self, y: np.ndarray) -> float:
        """Return the loss of outputs y (n, ...) for `batch`; that of the whole training split where losses are sums."""
        found = self.model.loss_of(np.ascontiguousarray(y, self.model.network.dtype), self.batch)
        if self.model.loss.reduction == "sum":
            found *= len(self.run.data.train.inputs) / self.batch.rows
        return found

    @cached_property
    def constant_loss(self) -> float | None:
        """The training loss of the best of some constant outputs: means, medians, and the shares of classes.

        A network that has learned something is better. None if there is none, or the loss is not positive.
        """
        shape, found = (self.batch.rows, *self.model.network.output_shape), list[float]()
        if self.batch.mask is None:
            with np.errstate(all="ignore"):
                for constant in _constants(self.batch.targets, shape):
                    with suppress(Exception):  # a loss takes some of them only
                        found.append(self.loss(np.broadcast_to(constant, shape)))
        found = [each for each in found if math.isfinite(each)]
        return min(found) if found and min(found) > 0 else None

    @cached_property
    def learned(self) -> float | None:
        """The share of the loss of a constant output that training has removed, in the state of the results."""
        loss = self.run.metrics["train"]["loss"]
        return None if self.constant_loss is None else 1 - loss / self.constant_loss

    @cached_property
    def rates(self) -> np.ndarray | None:
        """The learning rate (epochs,); None if the optimizer has none."""
        return self.history.get("optimizer.learning_rate")

    def with_rate(self, factor: float, purpose: str) -> Cure | None:
        """Return how to multiply the learning rate; None if the optimizer has none, or its schedule no such number."""
        rate: Any = getattr(self.spec.optimizer, "learning_rate", None)
        place: Pointer = ("optimizer", "learning_rate")
        if isinstance(rate, Schedule):
            name = next((name for name in _RATES if isinstance(getattr(rate, name, None), float)), None)
            place, rate = (*place, name or ""), getattr(rate, name) if name else None
        if not rate:
            return None
        return Cure(purpose, (f"{show_pointer(place)}={float(f'{rate * factor:.2g}'):g}",))

    def layers(self) -> Iterator[tuple[Pointer, Layer]]:
        """Yield the layers of the spec with their places."""
        for place, part in parts(self.spec.layers, ("layers",)):
            if isinstance(part, Layer):
                yield place, part


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
