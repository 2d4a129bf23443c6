"""The range test: which learning rates suit a spec."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from specnet.component import build, fresh_copy, type_name
from specnet.errors import Diagnostic, DivergenceError, SpecError, UsageError
from specnet.losses.base import Loss
from specnet.optimizers.base import rated_optimizer
from specnet.recording.curvature import choose_samples
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.threads import blas_threads, fitting_threads
from specnet.runs.trained.building import located
from specnet.schedules.base import scheduled
from specnet.spec.model import Spec
from specnet.training.loop import take_step

if TYPE_CHECKING:
    from specnet.training.trainer import Trainer

FIXED_ROWS = 500
"""Training samples at most on which the loss is measured after each step."""
_SETTLING = 0.25
"""Share of the steps that says nothing: running statistics of batch normalization follow the data there."""
_TOO_LARGE = 4.0
"""The test ends when the loss has risen by this many times its first value."""


class RangeTest(NamedTuple):
    """Learning rates (steps,), the loss of each step before its update, and that of fixed samples after it."""

    rates: np.ndarray
    losses: np.ndarray
    fixed: np.ndarray

    @property
    def width(self) -> int:
        """Steps of which the running median is taken."""
        return max(len(self.rates) // 50 | 1, 3)

    @property
    def smooth(self) -> np.ndarray:
        """The running median of the loss of fixed samples: in few data a single step may happen to lower it."""
        padded = np.pad(self.fixed, self.width // 2, mode="edge")
        return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, self.width), axis=1))

    @property
    def lowest(self) -> float:
        """The learning rate at which the smooth loss is lowest."""
        return float(self.rates[self._least])

    @property
    def steepest(self) -> float:
        """The learning rate at which the smooth loss falls fastest, up to the lowest one."""
        if len(self.rates) < 2:
            return self.lowest
        slope = np.gradient(self.smooth, np.log(self.rates))
        return float(self.rates[self._first + slope[self._first : self._least + 1].argmin()])

    @property
    def suggestion(self) -> float:
        """`steepest`, but at least a tenth and at most half of `lowest`.

        The first steps of some losses are their steepest; in others the rate diverges soon after it.
        """
        return min(max(self.steepest, self.lowest / 10), self.lowest / 2)

    @property
    def _first(self) -> int:
        return int(_SETTLING * len(self.rates))

    @property
    def _least(self) -> int:
        return self._first + int(self.smooth[self._first :].argmin())


def find_range(spec: Spec, rates: np.ndarray) -> RangeTest:
    """Train a spec for a step with each of these learning rates.

    The loss of samples that stay the same has no noise of batches. Ends early when it grows far above its least, or a
    number is no longer finite. Smith, "Cyclical learning rates for training neural networks", 2017.

    Raises:
        SpecnetError: if the spec does not fit its data, or its optimizer has no learning rate that can change.
        DivergenceError: if a number is not finite in one of the first steps.
        UsageError: if the loss does not fall.
    """
    rising = fresh_copy(spec.optimizer)
    place, rated = rated_optimizer(rising)
    field = type(rated).model_fields.get("learning_rate")
    if field is None or not any(isinstance(each, scheduled) for each in field.metadata):
        message = f"{type_name(rated)} has no learning rate that can change in training"
        with located(spec):
            raise SpecError([Diagnostic("unknown-key", message, place)])
    schedule = {"type": "piecewise", "values": rates.tolist(), "boundary_steps": [*range(1, len(rates))]}
    rated.learning_rate = build("schedules", schedule)
    training = spec.training.model_copy(update={"batch_size": spec.training.batch_in()(0)})  # that of the first epoch
    changed = {"optimizer": rising, "training": training, "plots": [], "record": None}
    trainer = Experiment(spec.model_copy(update=changed), new=True).trainer
    model, samples = trainer.model, choose_samples(trainer.splits["train"], FIXED_ROWS)
    losses, fixed = list[float](), list[float]()
    threads = fitting_threads(model.network.named.values(), trainer.batches.size)
    try:
        with np.errstate(over="ignore", invalid="ignore"), blas_threads(None, threads):
            for loss, weight in _steps(trainer, len(rates)):
                y, mask = model.outputs(samples.inputs, samples.mask)
                counted = samples.masked(mask)
                value = _mean(model.loss, model.loss_of(y, counted), model.weight_of(counted))
                if not math.isfinite(value):
                    break
                losses.append(_mean(model.loss, loss, weight))
                fixed.append(value)
                least = min(fixed)
                if value - least > _TOO_LARGE * max(abs(fixed[0]), fixed[0] - least):
                    break
    except DivergenceError:
        if len(losses) < 3:
            raise
    if not fixed:
        raise DivergenceError("the loss is not finite after the first step of the test", help="set a smaller --low")
    if min(fixed) == fixed[0]:
        message = "the loss does not fall below that after the first step of the test, so there is nothing to suggest"
        raise UsageError(message, help="set a smaller --low")
    return RangeTest(rates[: len(losses)], np.array(losses), np.array(fixed))


def _steps(trainer: Trainer, steps: int) -> Iterator[tuple[float, float]]:
    """Yield loss and weight of each step."""
    while True:
        for batch in trainer.batches:
            yield take_step(trainer, batch)
            if trainer.step == steps:
                return
        trainer.batches.finish()


def _mean(loss: Loss, value: float, weight: float) -> float:
    """Return the mean over samples of a loss that may be a sum."""
    return value if loss.reduction == "mean" else value / (weight or 1.0)
