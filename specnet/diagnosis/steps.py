"""Findings that take further steps: whether one batch can be memorized, and whether steps are stable."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from specnet.component import build, fresh_copy, type_name
from specnet.diagnosis.evidence import Evidence
from specnet.diagnosis.symptom import LOSS, Cure, Symptom
from specnet.errors import DivergenceError, SpecnetError
from specnet.functions import format_number
from specnet.network.curvature import largest_curvatures
from specnet.optimizers.base import Optimizer
from specnet.recording.curvature import CURVATURE_ROWS
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
_SECONDS = 20
"""Seconds of the processor that each of these checks may take."""
_FITTED = 0.5
"""Share of the loss of a constant prediction below which the batch is fitted."""
_UNSTABLE = 6.0
"""Curvature beside the one from which steps on a parabola overshoot. Networks leave such a point for a flatter one,
up to about 2, and those of rectifiers up to about 6: Lewkowycz et al., "The large learning rate phase of deep learning:
the catapult mechanism", 2020."""
_UNSTABLE_ADAPTIVE = 2.0
"""The same of an adaptive optimizer, which may leave such a point by dividing by larger gradients."""
_STABLE = 0.5
"""The same ratio, for a rate to try."""
_FIRST = (3, 5)
"""Steps after each of which an adaptive optimizer overshoots. Before the first it has no gradient to divide by."""
_RISEN = 5.0
"""Median of the loss after these steps, beside that before them, from which the steps are too large."""
_TENTHS = 6
"""Powers of ten by which the learning rate is divided at most, for a rate to try."""
_ACCURACY = 0.05
"""Relative error of a curvature, about the square root of that of the eigenvalue."""
_SEEN = 0.01
"""What a parameter's steps are divided by, beside the root mean square of all, from which it has had a gradient."""


class _LateError(SpecnetError):
    """A check takes too long."""


class _Deadline:
    """The end of the time that a check may take."""

    def __init__(self) -> None:
        self.at = time.thread_time() + _SECONDS

    def check(self) -> None:
        """Raise a _LateError if it has come."""
        if time.thread_time() > self.at:
            raise _LateError(f"it takes more than {_SECONDS} seconds of processor time")


def one_batch(evidence: Evidence) -> Iterator[Symptom]:
    """The network does not even fit a few samples, trained on nothing else.

    It is asked only where the run has not fitted its training samples either.
    """
    if evidence.learned is None or evidence.learned > 1 - _FITTED or evidence.run.status == "diverged":
        return
    batch = _some(evidence.batch, _ROWS)
    if (constant := evidence.constant_loss_of(batch)) is None:
        return
    deadline = _Deadline()
    own = _fit(evidence, fresh_copy(evidence.spec.optimizer), batch, deadline)
    if own < _FITTED * constant:
        return
    losses = dict[float, float]()
    with suppress(_LateError):  # what to try is then unknown
        for rate in _ADAM_RATES:
            losses[rate] = _fit(evidence, _adam(rate), batch, deadline)
    message = (
        f"{batch.rows} samples cannot be fitted in {_STEPS:,} steps on them alone: their loss is "
        f"{format_number(own)}, compared with {format_number(constant)} for a constant prediction"
    )
    numbers, cure = {"loss": own, "constant prediction": constant}, None
    if losses:
        rate = min(losses, key=lambda rate: losses[rate])
        numbers[f"loss by adam with {rate:g}"] = losses[rate]
        if losses[rate] < _FITTED * constant:
            cure = Cure("to fit them", (f"optimizer={json.dumps(_adam(rate))}",))
    yield Symptom("one-batch", message, numbers, ("optimizer",) if cure else ("layers",), cure, LOSS)


def _some(batch: Batch, most: int) -> Batch:
    return batch.select(slice(None, None, math.ceil(batch.rows / most)))


def _adam(rate: float) -> dict[str, Any]:
    return {"type": "adam", "learning_rate": rate}


def _fit(evidence: Evidence, optimizer: Any, batch: Batch, deadline: _Deadline) -> float:
    """Return the loss of a batch after steps on it alone, from the initial weights; infinite if they diverge."""
    try:
        trainer = _trained(evidence, optimizer, batch, _STEPS, deadline)
        return evidence.loss(trainer.model.outputs(batch.inputs, batch.mask)[0], batch)
    except DivergenceError:
        return math.inf


def _trained(evidence: Evidence, optimizer: Any, batch: Batch, steps: int, deadline: _Deadline) -> Trainer:
    """Return a trainer after steps on a batch alone, from the initial weights."""
    model, optimizer = evidence.run.model_at(0), build("optimizers", optimizer)
    assert isinstance(optimizer, Optimizer)
    settings = Training(epochs=_STEPS, batch_size=None, clip_norm=evidence.spec.training.clip_norm)
    trainer = Trainer(model, evidence.spec.kernels.instantiate(optimizer), settings, {"train": batch}, 0, ())
    with np.errstate(all="ignore"):
        while trainer.step < steps:
            for each in trainer.batches:
                take_step(trainer, each)
            deadline.check()
            trainer.batches.finish()
    return trainer


def large_learning_rate(evidence: Evidence) -> Iterator[Symptom]:
    """The first steps overshoot: the learning rate is far above the one from which they do.

    An adaptive optimizer may recover from that: it is asked only where the run has not fitted its training samples.
    """
    training, rate, optimizer = evidence.spec.training, evidence.first_rate, evidence.spec.optimizer
    clipped = training.clip_norm or training.clip_value or training.clip_norm_per_weight
    if not rate or clipped or not (stable := optimizer.stable_curvature_at(rate)):
        return
    most = _UNSTABLE
    if optimizer.adaptive:
        most = _UNSTABLE_ADAPTIVE
        if evidence.learned is not None and evidence.learned > 1 - _FITTED:
            return
    deadline = _Deadline()
    steps, curvature = _least_curvature(evidence, rate, deadline)
    if not curvature > most * stable:
        if optimizer.adaptive:
            yield from _rising_at_once(evidence, rate, deadline)
    else:
        limit = rate * stable / curvature
        kind = type_name(optimizer)
        scaled = f"after {steps} steps, with each parameter scaled as {kind} scales its steps,"
        message = (
            f"the learning rate {rate:g} is too large: {scaled if steps else 'before training'} the curvature of the "
            f"loss is {format_number(curvature)}, and steps overshoot from {format_number(limit)} on"
        )
        lower, purpose = _stable_rate(evidence, limit, deadline)
        cure = evidence.with_rate(lower / rate, purpose)
        numbers = {"learning rate": rate, "largest curvature": curvature, "product": rate * curvature}
        yield Symptom("large-learning-rate", message, numbers, evidence.rate_place, cure, LOSS)


def _rising_at_once(evidence: Evidence, rate: float, deadline: _Deadline) -> Iterator[Symptom]:
    """After most of the first steps the loss is far above that before: they led to where units are saturated.

    The loss has hardly any curvature there.
    """
    before, *losses = _first_losses(evidence, rate, deadline)
    if not losses or not (usual := float(np.median(losses))) > _RISEN * before > 0:
        return
    lower = rate
    with suppress(_LateError):
        for _ in range(_TENTHS):
            lower /= 10
            before, *after = _first_losses(evidence, lower, deadline)
            if after and after[-1] < before:
                break
    message = (
        f"the learning rate {rate:g} is too large: the loss is {format_number(before)} before training, and in the "
        f"first {len(losses)} steps mostly {format_number(usual)} or more"
    )
    cure = evidence.with_rate(lower / rate, "to take smaller steps")
    numbers = {"learning rate": rate, "loss before training": before, "median after the first steps": usual}
    yield Symptom("large-learning-rate", message, numbers, evidence.rate_place, cure, LOSS)


def _first_losses(evidence: Evidence, rate: float, deadline: _Deadline) -> list[float]:
    """Return the loss of some samples before training on them, and after each of the first steps.

    Only the first of these if the steps diverge, which is a finding of its own.
    """
    optimizer = fresh_copy(evidence.spec.optimizer).model_copy(update={"learning_rate": rate})
    batch, losses = _some(evidence.batch, CURVATURE_ROWS), list[float]()
    try:
        for steps in range(_FIRST[-1] + 1):
            model = _trained(evidence, optimizer, batch, steps, deadline).model
            losses.append(FixedLoss(model, evidence.spec.training, batch).evaluate(model.network.params.flat)[0])
    except DivergenceError:
        return losses[:1]
    return losses


def _stable_rate(evidence: Evidence, limit: float, deadline: _Deadline) -> tuple[float, str]:
    """Return a learning rate below a limit, and its purpose.

    With it, an adaptive optimizer comes to other places with other limits. If there is no time to look at them, it is
    only a smaller one.
    """
    rate, optimizer = _STABLE * limit, evidence.spec.optimizer
    try:
        while optimizer.adaptive and (stable := optimizer.stable_curvature_at(rate)):
            curvature = _least_curvature(evidence, rate, deadline)[1]
            if not curvature > stable:
                break
            rate *= _STABLE * stable / curvature
    except _LateError:
        return rate, "to take smaller steps"
    return rate, "so that steps do not overshoot"


def _least_curvature(evidence: Evidence, rate: float, deadline: _Deadline) -> tuple[int, float]:
    """Return the least of the curvatures in the first steps with a learning rate, and after how many steps it was."""
    first = _FIRST if evidence.spec.optimizer.adaptive else (0,)
    try:
        found = {steps: _curvature_after(steps, evidence, rate, deadline) for steps in first}
    except DivergenceError:  # a finding of its own
        return 0, math.nan
    steps = min(found, key=lambda steps: found[steps])
    return steps, found[steps]


def _curvature_after(steps: int, evidence: Evidence, rate: float, deadline: _Deadline) -> float:
    """Return the largest eigenvalue of the Hessian H after some steps or, if the optimizer is adaptive, of P^-1 H.

    P is its preconditioner after these steps. Parameters that had almost no gradient in them are left out: as soon as
    they have one, it divides their steps. That makes an eigenvalue smaller at most.
    """
    optimizer = fresh_copy(evidence.spec.optimizer).model_copy(update={"learning_rate": rate})
    batch = _some(evidence.batch, CURVATURE_ROWS)
    trainer = _trained(evidence, optimizer, batch, steps, deadline)
    fixed = FixedLoss(trainer.model, evidence.spec.training, batch)
    root, trained = np.ones(len(fixed.trained)), fixed.trained
    if (p := optimizer.preconditioner(trainer.optimizer_state, trainer.step)) is not None:
        root = np.sqrt(p.astype(np.float64))
        trained = trained & (p > _SEEN * np.sqrt(np.mean(p**2)))

    def gradient(u: np.ndarray) -> np.ndarray:
        """Return that of the loss as a function of u = P^1/2 w, whose Hessian has the eigenvalues of P^-1 H."""
        deadline.check()
        return fixed.gradient(u / root) / root

    return float(largest_curvatures(gradient, root * trainer.model.network.params.flat, 1, trained, _ACCURACY)[0])
