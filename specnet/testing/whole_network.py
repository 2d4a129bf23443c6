"""The gradient of a whole network, at states of a run, against central differences in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from specnet.functions import evenly_spaced
from specnet.runs.experiment import Experiment
from specnet.runs.run import Run
from specnet.testing.gradient import Mismatch, find_mismatch
from specnet.training.batches import Batch
from specnet.training.objective import batch_objective
from specnet.training.state import TrainingState
from specnet.training.trainer import Trainer
from specnet.training.update import trained_mask

SAMPLES_TRIED = (64, 16, 4)
"""Samples of a training batch that a gradient is computed for at most: the fewer, the rarer are kinks."""
JITTER = 1e-3
"""Share by which parameters are moved at most."""
STATES = 3
"""Checkpoints of a run whose gradients are checked at most."""


class CheckedGradient(NamedTuple):
    """The check of the gradient at the parameters after a step; `mismatch` says what is wrong, or is empty."""

    step: int
    parameters: int
    mismatch: str


def check_gradients_of(run: Run) -> Iterator[CheckedGradient]:
    """Yield the check of the gradient by all trained parameters at some checkpoints, the first and the last among them.

    The loss is that of the first samples of a training batch, with penalties, in float64; random numbers are the same
    each time.

    Raises:
        SpecnetError: if the data cannot be loaded, or a checkpoint cannot be read.
    """
    trainer = Experiment(run.spec.model_copy(update={"dtype": "float64"})).trainer
    trainer.objective = trainer.objective or batch_objective(trainer)
    steps = run.steps
    for step in (steps[number] for number in evenly_spaced(len(steps), STATES)):
        yield check_gradient_at(trainer, run.state(step))


def check_gradient_at(trainer: Trainer, state: TrainingState) -> CheckedGradient:
    """Return the check of the gradient at the parameters and running state of a run's state.

    The parameters are moved a little, at random: zeros and ties, as after initialization, are kinks of the loss. A
    gradient is wrong if it disagrees for each of several points and numbers of samples.
    """
    network = trainer.model.network
    trained = np.flatnonzero(trained_mask(network))
    network.state.flat[...] = state.arrays["state"]
    trainer.step = state.progress["step"]
    rng, w = np.random.default_rng(trainer.step), state.arrays["params"].astype(np.float64)
    size, found = JITTER * (np.abs(w) + np.abs(w).mean()), None
    for rows in SAMPLES_TRIED:
        found = _find_mismatch(trainer, w + size * rng.uniform(-1, 1, w.size), trained, rows, rng)
        if not found:
            break
    return CheckedGradient(trainer.step, len(trained), _describe(trainer, trained, found) if found else "")


def _find_mismatch(
    trainer: Trainer, w: np.ndarray, trained: np.ndarray, rows: int, rng: np.random.Generator
) -> Mismatch | None:
    """Compare the gradient at w by the parameters in these places with central differences."""
    objective = trainer.objective
    assert objective is not None
    trainer.batches.finish()
    batch: Batch = next(iter(trainer.batches))
    chosen = w[trained]

    def f() -> float:
        w[trained] = chosen
        return objective.evaluate(w)[0]

    with np.errstate(all="ignore"):
        trainer.prepare_step(batch.select(slice(rows)))
        value, gradient = objective.evaluate(w)
        return find_mismatch(f, chosen, gradient[trained], max(1.0, abs(value)), rng)


def _describe(trainer: Trainer, trained: np.ndarray, found: Mismatch) -> str:
    place = int(trained[found.place[0]])
    slot = next(slot for slot in trainer.model.network.params.slots if slot.offset <= place < slot.offset + slot.size)
    inner = tuple(map(int, np.unravel_index(place - slot.offset, slot.shape)))
    return found._replace(place=inner).show(slot.name, trainer.batches.size)
