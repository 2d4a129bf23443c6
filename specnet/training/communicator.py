"""`Communicator`: divides a batch into shards, and combines their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from specnet.training.batches import Batch
from specnet.training.measures import Measures

if TYPE_CHECKING:
    from specnet.training.trainer import Trainer

Compute = Callable[["Trainer", Batch], tuple[float, float]]
"""Returns loss and weight of a batch, and writes its gradient."""


class ShardResult(NamedTuple):
    """The result of a shard: loss and gradient summed over its samples, their weight, and each metric."""

    loss: float
    weight: float
    gradient: np.ndarray
    measures: Measures

    def plus(self, other: ShardResult) -> ShardResult:
        """Return the sum of two results; the arrays of the first are overwritten."""
        self.gradient[...] += other.gradient
        self.measures.merge(other.measures)
        return ShardResult(self.loss + other.loss, self.weight + other.weight, self.gradient, self.measures)


class Communicator:
    """Computes a batch in this process, by default in one piece, or as several shards one after the other.

    Results of shards are added in a binary tree that depends only on their number. A communicator that distributes the
    shards over several processes, and adds in the same tree, computes the same bytes.
    """

    def __init__(self, shards: int = 1) -> None:
        self.shards = shards

    def reduce(self, trainer: Trainer, batch: Batch, compute: Compute) -> tuple[float, float]:
        """Return loss and weight of a batch; gradient and metrics are stored in the trainer, as by `compute`."""
        if self.shards == 1:
            return compute(trainer, batch)
        total = self.add(self._compute(trainer, batch, number, compute) for number in range(self.shards))
        divisor = total.weight or 1.0 if trainer.model.loss.reduction == "mean" else 1.0
        np.divide(total.gradient, divisor, out=trainer.model.network.grads.flat)
        trainer.measures.merge(total.measures)
        return total.loss / divisor, total.weight

    def _compute(self, trainer: Trainer, batch: Batch, number: int, compute: Compute) -> ShardResult:
        """Return the result of shard `number`; a batch with fewer samples than shards has empty ones."""
        start, stop = (batch.rows * each // self.shards for each in (number, number + 1))
        gradient = trainer.model.network.grads.flat
        with trainer.shard(number) as measures:
            if start == stop:
                return ShardResult(0.0, 0.0, np.zeros_like(gradient), measures)
            loss, weight = compute(trainer, batch.select(slice(start, stop)))
            return ShardResult(loss, weight, gradient.copy(), measures)

    def add(self, results: Iterable[ShardResult]) -> ShardResult:
        """Return the sum of results. They are added as soon as possible, so that few are in memory."""
        parts: list[tuple[int, ShardResult]] = []
        for result in results:
            size, total = 1, result
            while parts and parts[-1][0] == size:
                size, total = 2 * size, parts.pop()[1].plus(total)
            parts.append((size, total))
        _, total = parts.pop()
        while parts:
            total = parts.pop()[1].plus(total)
        return total
