"""The training loop, from top to bottom."""

from __future__ import annotations

import time
from types import MappingProxyType

import numpy as np

from specnet.training.batches import Batch
from specnet.training.callbacks import callbacks_begun, end_of, overriding
from specnet.training.divergence import check_finite_loss, check_gradients
from specnet.training.trainer import Trainer


def train(trainer: Trainer) -> str:
    """Train until the last epoch, or until a callback ends training, and return the status: finished or stopped.

    Raises:
        DivergenceError: if the loss, a gradient, a parameter or a metric is not a finite number.
        DataError: if streamed samples can no longer be read.
    """
    with callbacks_begun(trainer):
        while not trainer.done:
            run_epoch(trainer)
    return end_of(trainer)


def run_epoch(trainer: Trainer) -> dict[str, float]:
    """Train for one epoch, or for the rest of one that was interrupted, and return its line of the history."""
    start = time.perf_counter()
    callbacks = list(trainer.callbacks.values())
    after_step = overriding(callbacks, "step")
    # An overflow becomes a number that is not finite, and ends the run: a warning would be redundant.
    with np.errstate(over="ignore", invalid="ignore"):
        for batch in trainer.batches:
            trainer.add_loss(*take_step(trainer, batch))
            for call in after_step:
                call(trainer)
        values = trainer.measure()
    line = trainer.finish_epoch(values, time.perf_counter() - start)
    for callback in callbacks:
        callback.epoch(trainer, MappingProxyType(line))  # which none can change
    trainer.communicator.agree(trainer)
    return line


def take_step(trainer: Trainer, batch: Batch) -> tuple[float, float]:
    """Train on a batch, and return the loss it had before, and its weight."""
    trainer.prepare_step(batch)
    loss, weight = trainer.communicator.reduce(trainer, batch, forward_backward)
    trainer.regularization.penalize(weight)
    check_gradients(trainer, batch)
    trainer.clip()
    trainer.update()
    trainer.step += 1
    return loss, weight


def forward_backward(trainer: Trainer, batch: Batch) -> tuple[float, float]:
    """Return loss and weight of a batch, or of a shard of one, and write the gradient of every parameter."""
    model = trainer.model
    y, batch = model.forward(trainer.randomized(batch))
    value, weight = model.loss_of(y, batch), model.weight_of(batch)
    check_finite_loss(trainer, value, batch)
    trainer.regularization.divide(weight)
    model.network.backpropagate(model.loss.backward())
    trainer.measures.update(y, batch.truth, batch.weight)
    return value, weight
