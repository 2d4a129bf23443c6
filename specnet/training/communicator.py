"""`Communicator`: divides a batch into shards, and combines their results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specnet.randomness import restore_stream, save_stream
from specnet.training.batches import Batch
from specnet.training.measures import Measures
from specnet.training.ranks import Ranks
from specnet.training.tree import Subtree, add, by_shard, subtrees

if TYPE_CHECKING:
    from specnet.training.lockstep import Lockstep
    from specnet.training.trainer import Trainer

Compute = Callable[["Trainer", Batch], tuple[float, float]]
"""Returns loss and weight of a batch, and writes its gradient."""


class ShardResult(NamedTuple):
    """The result of a shard: loss and gradient summed over its samples, their weight, and each metric.

    `penalties` are those of outputs, and `state` is the running state after it.
    """

    loss: float
    weight: float
    gradient: np.ndarray
    measures: Measures
    penalties: np.ndarray
    state: np.ndarray

    def plus(self, other: ShardResult) -> ShardResult:
        """Return the sum of two results; the arrays of the first are overwritten."""
        self.gradient[...] += other.gradient
        self.penalties[...] += other.penalties
        self.state[...] += other.state
        self.measures.merge(other.measures)
        return self._replace(loss=self.loss + other.loss, weight=self.weight + other.weight)


ComputeShard = Callable[["Trainer", int], ShardResult]
"""Returns the result of a shard, given its number."""


class Communicator:
    """Computes a batch in one piece, or as several shards, which the processes of `ranks` share.

    Results of shards are added in a binary tree that depends only on their number: any number of ranks computes the
    same bytes. Each shard has its own random numbers. It starts from the running state that the last step has left, and
    the next step starts from the mean over the shards that have samples. Within a shard, `parts` are computed one after
    the other.
    """

    def __init__(self, shards: int = 1, parts: int = 1, ranks: Ranks | None = None) -> None:
        self.shards, self.parts, self.pieces = shards, parts, shards * parts
        self.ranks = ranks = ranks or Ranks()
        self.start, self.stop = (shards * each // ranks.count for each in (ranks.rank, ranks.rank + 1))
        self.lockstep: Lockstep | None = None

    def reduce(self, trainer: Trainer, batch: Batch, compute: Compute) -> tuple[float, float]:
        """Return loss and weight of a batch; gradient and metrics are stored in the trainer, as by `compute`."""
        if self.pieces == 1:
            return compute(trainer, batch)
        network, mean = trainer.model.network, trainer.model.loss.reduction == "mean"
        start = network.state.flat.copy()

        def compute_shard(trainer: Trainer, number: int) -> ShardResult:
            state = trainer.model.network.state.flat
            piece = by_shard(partial(self._compute, trainer, batch, compute))
            state[...] = start
            result = add((number * self.parts, (number + 1) * self.parts), piece, ShardResult.plus)
            first, end = (batch.rows * each // self.shards for each in (number, number + 1))
            return result._replace(state=state.copy() if first < end else np.zeros_like(state))

        if self.ranks.count == 1:
            total = add((0, self.shards), self._prepare(trainer, compute_shard), ShardResult.plus)
            divisor = total.weight or 1.0 if mean else 1.0
            np.divide(total.gradient, divisor, out=network.grads.flat)
        else:
            own, known = self._share(trainer, compute_shard)
            total = add((0, self.shards), known.get, ShardResult.plus)
            divisor = total.weight or 1.0 if mean else 1.0
            self._join([each.gradient for each in own], [*known], divisor, network.grads.flat)
        np.divide(total.state, min(self.shards, batch.rows), out=network.state.flat)
        trainer.measures.merge(total.measures)
        trainer.regularization.activity_sums = total.penalties
        return total.loss / divisor, total.weight

    def _prepare(self, trainer: Trainer, compute: ComputeShard) -> Callable[[Subtree], ShardResult | None]:
        """Return a function that finds the result of a shard; all are computed before if they need each other."""
        done: dict[int, ShardResult] = {}
        if self.shards > 1:
            from specnet.training.lockstep import Lockstep, synchronized

            if synchronized(trainer.model.network):
                numbers = range(self.start, self.stop)
                self.lockstep = self.lockstep or Lockstep(trainer, numbers, self.shards, self.ranks)
                done = self.lockstep.run(trainer, compute)
        return by_shard(lambda number: done[number] if done else compute(trainer, number))

    def _compute(self, trainer: Trainer, batch: Batch, compute: Compute, number: int) -> ShardResult:
        """Return the result of a piece; a batch with fewer samples than pieces has empty ones."""
        start, stop = (batch.rows * each // self.pieces for each in (number, number + 1))
        gradient, loss, weight = trainer.model.network.grads.flat, 0.0, 0.0
        trainer.regularization.activity_sums = np.zeros((len(trainer.regularization.activities), 2))
        with trainer.shard(number) as measures:
            if start < stop:
                loss, weight = compute(trainer, batch.select(slice(start, stop)))
            else:
                gradient[...] = 0
            if (self.stop - self.start) * self.parts > 1:  # the next one overwrites it
                gradient = gradient.copy()
            return ShardResult(loss, weight, gradient, measures, trainer.regularization.activity_sums, np.zeros(0))

    def _share(self, trainer: Trainer, compute: ComputeShard) -> tuple[list[ShardResult], dict[Subtree, ShardResult]]:
        """Return the results that this rank computes, and those of all ranks without their gradients.

        Each rank adds as much of the tree as it has the shards for.
        """
        pieces = range(self.start * self.parts, self.stop * self.parts)
        streams = {(each, place): rng for each in pieces for place, rng in trainer.generators[each].items()}
        before = {key: save_stream(rng) for key, rng in streams.items()}
        shard = self._prepare(trainer, compute)
        with self.ranks.together():
            nodes = [*subtrees((0, self.shards), self.start, self.stop)]
            results = [add(node, shard, ShardResult.plus) for node in nodes]
        drawn = {key: state for key, rng in streams.items() if (state := save_stream(rng)) != before[key]}
        known: dict[Subtree, ShardResult] = {}
        for told, states in self.ranks.gather((dict(zip(nodes, map(_tell, results), strict=True)), drawn)):
            known |= {node: _listen(trainer, each) for node, each in told.items()}
            for (number, place), state in states.items():
                restore_stream(trainer.generators[number][place], state)
        return results, known

    def _join(self, own: list[np.ndarray], nodes: list[Subtree], divisor: float, gradient: np.ndarray) -> None:
        """Write the sum of all gradients over `divisor`. Each rank computes a part, and sends it to the others."""
        cuts = self.ranks.cuts(len(gradient))
        parts = dict(zip(nodes, self.ranks.exchange(own), strict=True))
        total = add((0, self.shards), parts.get, lambda a, b: np.add(a, b, out=a))
        np.divide(total, divisor, out=gradient[cuts[self.ranks.rank]])
        self.ranks.join(gradient, cuts)

    def agree(self, trainer: Trainer) -> None:
        """Let rank 0 decide whether training ends: it may depend on a clock."""
        trainer.finished, trainer.stopped = self.ranks.gather((trainer.finished, trainer.stopped))[0]


def _tell(result: ShardResult) -> tuple[Any, ...]:
    """Return what is small of a result, without the gradient, as values that can be sent."""
    result.measures.flush()
    kept = {name: metric.kept for name, metric in result.measures.metrics.items()}
    return result.loss, result.weight, kept, result.penalties, result.state


def _listen(trainer: Trainer, told: tuple[Any, ...]) -> ShardResult:
    loss, weight, kept, penalties, state = told
    measures = trainer.model.measures()
    measures.restore(kept)
    return ShardResult(loss, weight, np.zeros(0), measures, penalties, state)
