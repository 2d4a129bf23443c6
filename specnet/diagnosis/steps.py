"""Findings that take further steps: whether one batch can be learned by heart, and whether steps are stable."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.component import build, fresh_copy
from specnet.diagnosis.evidence import Evidence
from specnet.diagnosis.symptom import LOSS, Cure, Symptom
from specnet.errors import DivergenceError
from specnet.functions import format_number
from specnet.network.curvature import largest_curvatures
from specnet.optimizers.base import Optimizer
from specnet.training.batches import Batch
from specnet.training.fixed_loss import FixedLoss
from specnet.training.loop import take_step
from specnet.training.settings import Training
from specnet.training.trainer import Trainer

_ROWS = 32
"""Samples of the one batch."""
_STEPS = 1000
"""Steps on it."""
_ADAM_RATES = (0.001, 0.01)
"""Learning rates of adam that are tried if the optimizer of the run does not fit it."""
_FITTED = 0.5
"""Share of the loss of a constant prediction below which the batch is fitted."""
_UNSTABLE = 12.0
"""Learning rate times the largest curvature before training, without momentum. On a parabola gradient descent diverges
from 2 on, but networks leave such a point for a flatter one, up to about 4, and those of rectifiers up to about 12:
Lewkowycz et al., "The large learning rate phase of deep learning: the catapult mechanism", 2020."""
_STABLE = 1.0
"""The same product, for a rate to try."""


def one_batch(evidence: Evidence) -> Iterator[Symptom]:
    """The network does not even fit a few samples, trained on nothing else.

    It is asked only where the run has not fitted its training samples either.
    """
    if evidence.learned is None or evidence.learned > 1 - _FITTED or evidence.run.status == "diverged":
        return
    batch = evidence.batch.select(slice(None, None, math.ceil(evidence.batch.rows / _ROWS)))
    if (constant := evidence.constant_loss_of(batch)) is None:
        return
    own = _fit(evidence, fresh_copy(evidence.spec.optimizer), batch)
    if own < _FITTED * constant:
        return
    losses = {rate: _fit(evidence, _adam(rate), batch) for rate in _ADAM_RATES}
    rate = min(losses, key=lambda rate: losses[rate])
    fits = losses[rate] < _FITTED * constant
    message = (
        f"{batch.rows} samples cannot be fitted in {_STEPS:,} steps on them alone: their loss is "
        f"{format_number(own)}, that of a constant prediction {format_number(constant)}"
    )
    numbers = {"loss": own, "constant prediction": constant, f"loss by adam with {rate:g}": losses[rate]}
    cure = Cure("for steps that fit them", (f"optimizer={json.dumps(_adam(rate))}",)) if fits else None
    yield Symptom("one-batch", message, numbers, ("optimizer",) if fits else ("layers",), cure, LOSS)


def _adam(rate: float) -> dict[str, Any]:
    return {"type": "adam", "learning_rate": rate}


def _fit(evidence: Evidence, optimizer: Any, batch: Batch) -> float:
    """Return the loss of a batch after steps on it alone, from the initial weights; infinite if they diverge."""
    model, optimizer = evidence.run.model_at(0), build("optimizers", optimizer)
    assert isinstance(optimizer, Optimizer)
    settings = Training(epochs=_STEPS, batch_size=None, clip_norm=evidence.spec.training.clip_norm)
    trainer = Trainer(model, evidence.spec.kernels.instantiate(optimizer), settings, {"train": batch}, 0, ())
    try:
        with np.errstate(all="ignore"):
            while trainer.step < _STEPS:
                for each in trainer.batches:
                    take_step(trainer, each)
                trainer.batches.finish()
            return evidence.loss(model.outputs(batch.inputs, batch.mask)[0], batch)
    except DivergenceError:
        return math.inf


def large_learning_rate(evidence: Evidence) -> Iterator[Symptom]:
    """The first steps of gradient descent overshoot: its learning rate times the largest curvature is too large."""
    rate = evidence.first_rate
    if rate is None or not (stable := evidence.spec.optimizer.stable_curvature_at(rate)):
        return
    model = evidence.initial
    fixed = FixedLoss(model, evidence.spec.training, evidence.batch)
    w = model.network.params.flat.astype(np.float64)
    (curvature,) = largest_curvatures(fixed.gradient, w, 1, fixed.trained)
    overshot = rate * stable / curvature
    if rate > _UNSTABLE / 2 * overshot > 0:
        message = (
            f"the learning rate {rate:g} is too large for the curvature of the loss before training, "
            f"{format_number(float(curvature))}: steps overshoot from {format_number(overshot)} on"
        )
        cure = evidence.with_rate(_STABLE / curvature / rate, "for steps that do not")
        numbers = {"learning rate": rate, "largest curvature": float(curvature), "product": float(rate * curvature)}
        yield Symptom("large-learning-rate", message, numbers, ("optimizer", "learning_rate"), cure, LOSS)
