"""`Communicator`: how a batch is divided into shards, and how their results become one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from specnet.training.batches import Batch
from specnet.training.measures import Measures

if TYPE_CHECKING:
    from specnet.training.trainer import Trainer


class ShardResult(NamedTuple):
    """What a shard adds to a step: its part of the loss, of the gradient, and of each metric."""

    loss: float
    gradient: np.ndarray
    measures: Measures

    def plus(self, other: ShardResult) -> ShardResult:
        """Return the sum of two results; the arrays of the first are overwritten."""
        self.gradient[...] += other.gradient
        self.measures.merge(other.measures)
        return ShardResult(self.loss + other.loss, self.gradient, self.measures)


class Communicator:
    """Computes a batch in this process, by default in one piece, or as several shards one after the other.

    Results of shards are added in a binary tree that depends on their number alone. A communicator that gives each of
    several processes some of the shards, and adds in the same tree, computes the same bytes.
    """

    def __init__(self, shards: int = 1) -> None:
        self.shards = shards

    def reduce(self, trainer: Trainer, batch: Batch, compute: Callable[[Trainer, Batch], float]) -> float:
        """Return the loss of a batch; its gradient and metrics are left in the trainer, as `compute` leaves them."""
        if self.shards == 1:
            return compute(trainer, batch)
        total = self.add([self._compute(trainer, batch, number, compute) for number in range(self.shards)])
        trainer.model.network.grads.flat[...] = total.gradient
        trainer.measures.merge(total.measures)
        return total.loss

    def _compute(
        self, trainer: Trainer, batch: Batch, number: int, compute: Callable[[Trainer, Batch], float]
    ) -> ShardResult:
        """Return the result of the shard of this number; a batch of fewer samples than shards has empty ones."""
        start, stop = (batch.rows * each // self.shards for each in (number, number + 1))
        gradient = trainer.model.network.grads.flat
        with trainer.shard(number, batch) as measures:
            loss = compute(trainer, batch.select(slice(start, stop))) if start < stop else 0.0
            return ShardResult(loss, gradient.copy() if start < stop else np.zeros_like(gradient), measures)

    def add(self, results: list[ShardResult]) -> ShardResult:
        """Return the sum of results."""
        while len(results) > 1:
            pairs = [first.plus(second) for first, second in zip(results[::2], results[1::2], strict=False)]
            results = pairs + results[len(pairs) * 2 :]
        return results[0]
