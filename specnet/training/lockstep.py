"""`Lockstep`: shards of a batch side by side, whose layers add numbers up over all of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from specnet.component import fresh_copy
from specnet.network.network import Network
from specnet.training.ranks import Ranks
from specnet.training.regularization import Regularization
from specnet.training.tree import add

if TYPE_CHECKING:
    from specnet.training.trainer import Trainer


class Turns:
    """A call in a thread of its own, which runs only while this one waits for it: until it asks, or returns."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.given, self.returned = SimpleQueue[Any](), SimpleQueue[tuple[str, Any]]()
        self.thread = Thread(target=copy_context().run, args=(self._work, call), daemon=True)
        self.thread.start()
        self.result: Any = None

    def next(self, answer: Any = None) -> Any:
        """Let it continue, and return what it asks; None if it is done, with its `result`.

        Raises:
            BaseException: what it raises.
        """
        self.given.put(answer)
        kind, value = self.returned.get()
        if kind == "raised":
            raise value
        if kind == "asked":
            return value
        self.result = value
        return None

    def ask(self, value: Any) -> Any:
        """Return the answer to a value: called in the thread."""
        self.returned.put(("asked", value))
        return self._wait()

    def close(self) -> None:
        """End the thread, whatever it waits for."""
        self.given.put(SystemExit())
        self.thread.join()

    def _wait(self) -> Any:
        answer = self.given.get()
        if isinstance(answer, SystemExit):
            raise answer
        return answer

    def _work(self, call: Callable[[], Any]) -> None:
        try:
            self._wait()
            self.returned.put(("returned", call()))
        except BaseException as error:
            self.returned.put(("raised", error))


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
        """Return what `compute` returns for each shard of this rank, given a trainer with a network of its own."""
        turns = {}
        try:
            for number in self.twins:
                turns[number] = self._begin(trainer, number, compute)
            answer, running = None, turns
            while True:
                with self.ranks.together():
                    asked = {number: turn.next(answer) for number, turn in running.items()}
                running = {number: turns[number] for number, vector in asked.items() if vector is not None}
                vectors: dict[int, np.ndarray] = {}
                for each in self.ranks.gather({number: asked[number] for number in running}):
                    vectors |= each
                if not vectors:
                    return {number: turn.result for number, turn in turns.items()}
                answer = self._total(vectors)
        finally:
            for turn in turns.values():
                turn.close()

    def _begin(self, trainer: Trainer, number: int, compute: Callable[[Trainer, int], Any]) -> Turns:
        """Return the turns of a shard, which has its own copy of all that a pass changes."""
        own, model = copy.copy(trainer), copy.copy(trainer.model)  # which makes a new loss
        model.network, own.regularization = self.twins[number]
        model.network.scheduled.set(trainer.pace.time(trainer.epoch, trainer.step, trainer.batches.position))
        own.model = model
        turns = Turns(lambda: compute(own, number))
        for layer in synchronized(model.network):
            layer.over_shards = turns.ask
        return turns

    def _total(self, vectors: dict[int, np.ndarray]) -> np.ndarray:
        """Return the sum over shards; one that has no samples has no vector."""
        zero = np.zeros_like(next(iter(vectors.values())))

        def find(node: tuple[int, int]) -> np.ndarray | None:
            number, end = node
            return vectors.get(number, zero) if end - number == 1 else None

        return add((0, self.shards), find, np.add)


def synchronized(network: Network) -> list[Any]:
    """Return the layers that add numbers up over all shards."""
    return [layer for layer in network.named.values() if getattr(layer, "synchronized", False)]
