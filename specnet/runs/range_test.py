"""The range test: which learning rates suit a spec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from specnet import registry
from specnet.component import build
from specnet.errors import Diagnostic, DivergenceError, SpecError
from specnet.runs.building import located
from specnet.runs.experiment import Experiment
from specnet.runs.threads import blas_threads, fitting_threads
from specnet.spec.model import Spec
from specnet.training.loop import take_step

if TYPE_CHECKING:
    from specnet.training.trainer import Trainer

_KEPT = 0.9
"""Share of the moving average of the loss that is kept at each step."""
_UNSURE = 10
"""Steps after which the average counts."""
_TOO_LARGE = 4.0
"""The test ends when the loss has risen by this many times its first value."""


class RangeTest(NamedTuple):
    """Learning rates (steps,), the loss of each step before its update, and its moving average."""

    rates: np.ndarray
    losses: np.ndarray
    smooth: np.ndarray

    @property
    def steepest(self) -> float:
        """The learning rate at which the loss falls fastest, which is the suggestion."""
        first, least = _UNSURE, int(self.smooth.argmin())
        if least <= first + 1:
            return self.lowest
        slope = np.gradient(self.smooth[first : least + 1], np.log(self.rates[first : least + 1]))
        return float(self.rates[first + slope.argmin()])

    @property
    def lowest(self) -> float:
        """The learning rate at which the loss is lowest."""
        return float(self.rates[self.smooth.argmin()])


def find_range(spec: Spec, rates: np.ndarray) -> RangeTest:
    """Train a spec for a step with each of these learning rates.

    Ends early when the loss grows far above its least, or a number is no longer finite. Smith, "Cyclical learning rates
    for training neural networks", 2017.

    Raises:
        SpecnetError: if the spec does not fit its data, or its optimizer has no learning rate.
        DivergenceError: if a number is not finite in one of the first steps.
    """
    optimizer = spec.optimizer
    if "learning_rate" not in type(optimizer).model_fields:
        name = registry.name_of("optimizers", type(optimizer))
        with located(spec):
            raise SpecError([Diagnostic("unknown-key", f"{name} has no learning rate to find", ("optimizer",))])
    schedule = {"type": "piecewise", "values": rates.tolist(), "boundary_steps": [*range(1, len(rates))]}
    rising = optimizer.model_copy(update={"learning_rate": build("schedules", schedule)})
    training = spec.training.model_copy(update={"batch_size": spec.training.batch_in()(0)})  # that of the first epoch
    changed = {"optimizer": rising, "training": training, "plots": [], "record": None}
    trainer = Experiment(spec.model_copy(update=changed), new=True).trainer
    losses, smooth, average = list[float](), list[float](), 0.0
    threads = fitting_threads(trainer.model.network.named.values(), trainer.batches.size)
    try:
        with np.errstate(over="ignore", invalid="ignore"), blas_threads(None, threads):
            for loss in _losses(trainer, len(rates)):
                average = _KEPT * average + (1 - _KEPT) * loss
                losses.append(loss)
                smooth.append(average / (1 - _KEPT ** len(losses)))
                least = min(smooth)
                if smooth[-1] - least > _TOO_LARGE * max(abs(smooth[0]), smooth[0] - least):
                    break
    except DivergenceError:
        if len(losses) < 3:
            raise
    return RangeTest(rates[: len(losses)], np.array(losses), np.array(smooth))


def _losses(trainer: Trainer, steps: int) -> Iterator[float]:
    """Yield the mean loss of each step."""
    while True:
        for batch in trainer.batches:
            loss, weight = take_step(trainer, batch)
            yield loss if trainer.model.loss.reduction == "mean" else loss / (weight or 1.0)
            if trainer.step == steps:
                return
        trainer.batches.finish()
