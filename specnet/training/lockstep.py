"""`Lockstep`: shards of a batch side by side, whose layers add numbers up over all of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from specnet.component import fresh_copy
from specnet.network.network import Network
from specnet.training.ranks import Ranks
from specnet.training.regularization import Regularization
from specnet.training.tree import add, by_shard

if TYPE_CHECKING:
    from specnet.training.trainer import Trainer


class Turns:
    """A call in another thread, which runs only while this one waits for it: until it asks, or returns."""

    def __init__(self, pool: ThreadPoolExecutor, call: Callable[[], Any]) -> None:
        self.pool, self.call = pool, call
        self.asked, self.answers = SimpleQueue[Any](), SimpleQueue[Any]()
        self.future: Future[Any] | None = None
        self.result: Any = None

    def next(self, answer: Any) -> Any:
        """Begin, or go on with an answer; return what is asked, or None if there is a `result`.

        Raises:
            BaseException: what the call raises.
        """
        if self.future is None:
            self.future = self.pool.submit(copy_context().run, self.call)
            self.future.add_done_callback(lambda _: self.asked.put(None))
        else:
            self.answers.put(answer)
        if (asked := self.asked.get()) is None:
            self.result = self.future.result()
        return asked

    def ask(self, value: Any) -> Any:
        """Return the answer to a value; the call does this."""
        self.asked.put(value)
        if (answer := self.answers.get()) is None:
            raise SystemExit
        return answer

    def close(self) -> None:
        """End the call when it asks."""
        self.answers.put(None)


def twin(network: Network) -> Network:
    """Return a network with the same parameters, in the same memory. All else is its own."""
    layers, dtype = fresh_copy(network.layers), cast(Any, network.dtype.name)
    found = Network(layers, network.input_shape, dtype, None, network.kernels, network.params)
    found.freeze([number for number, layer in enumerate(network.layers) if layer.frozen])
    places = {id(layer): place for place, layer in network.named.items()}
    owners = [(field, found.named[places[id(field.component)]]) for field in network.scheduled.fields]
    found.scheduled.fields = [replace(field, component=layer) for field, layer in owners]
    return found


class Lockstep:
    """Computes the shards of all ranks side by side, for layers that are `synchronized`.

    Such a layer calls `over_shards` with a vector, and gets the sum over all shards, added in the tree of their
    results. Meanwhile its pass is not over: each of the `numbers`, the shards of this rank, has a thread and a network
    of its own, with the same parameters. Threads take turns, so that a shard computes the same as alone.
    """

    def __init__(self, trainer: Trainer, numbers: Sequence[int], shards: int, ranks: Ranks) -> None:
        self.shards, self.ranks = shards, ranks
        self.twins: dict[int, tuple[Network, Regularization]] = {}
        for number in numbers:
            network = twin(trainer.model.network)
            pieces = trainer.communicator.pieces
            self.twins[number] = network, Regularization(network, trainer.training, trainer.model.loss, pieces)

    def run(self, trainer: Trainer, compute: Callable[[Trainer, int], Any]) -> dict[int, Any]:
        """Return what `compute` returns for each shard of this rank, given a trainer with its own network."""
        with ThreadPoolExecutor(len(self.twins)) as pool, ExitStack() as ending:
            turns = {number: Turns(pool, partial(compute, self._own(trainer, number), number)) for number in self.twins}
            for number, turn in turns.items():
                ending.callback(turn.close)
                for layer in synchronized(self.twins[number][0]):
                    layer.over_shards = turn.ask
            running, total = turns, None
            while True:
                with self.ranks.together():
                    asked = {number: turn.next(total) for number, turn in running.items()}
                running = {number: turns[number] for number, vector in asked.items() if vector is not None}
                told = self.ranks.gather({number: asked[number] for number in running})
                vectors = {number: vector for each in told for number, vector in each.items()}
                if not vectors:
                    return {number: turn.result for number, turn in turns.items()}
                total = self._total(vectors)

    def _own(self, trainer: Trainer, number: int) -> Trainer:
        """Return a trainer for a shard, which has its own copy of all that a pass changes."""
        own = copy.copy(trainer)
        own.model = copy.copy(trainer.model)  # which makes a new loss
        own.model.network, own.regularization = self.twins[number]
        own.model.network.scheduled.set(trainer.pace.time(trainer.epoch, trainer.step, trainer.batches.position))
        return own

    def _total(self, vectors: dict[int, np.ndarray]) -> np.ndarray:
        """Return the sum over shards; one that has no samples has no vector."""
        zero = np.zeros_like(next(iter(vectors.values())))
        return add((0, self.shards), by_shard(lambda number: vectors.get(number, zero)), np.add)


def synchronized(network: Network) -> list[Any]:
    """Return the layers that add numbers up over all shards."""
    return [layer for layer in network.named.values() if getattr(layer, "synchronized", False)]
