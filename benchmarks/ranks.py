"""Times of steps on one process and on all, which `mpiexec` starts: python -m benchmarks.ranks FOLDER ROUNDS SHORT."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from mpi4py import MPI

import specnet
from benchmarks.work import digits_spec, write_digits
from specnet.runs.experiment import Experiment
from specnet.runs.sharding import open_ranks
from specnet.training.batches import Batch
from specnet.training.loop import forward_backward, take_step
from specnet.training.trainer import Trainer
from specnet.training.tree import add

PLANNED = (1, 2, 4, 8, 16, 32, 64)
"""Numbers of ranks for which a step is planned: each has as many samples less."""
STEPS = 4
"""Steps in a round."""


def forever(trainer: Trainer) -> Iterator[Batch]:
    """Yield batches, epoch after epoch."""
    while True:
        yield from trainer.batches
        trainer.batches.finish()


def stepper(trainer: Trainer, steps: int) -> Callable[[], None]:
    """Return a function that takes this number of steps."""
    batches = forever(trainer)

    def take() -> None:
        for _ in range(steps):
            take_step(trainer, next(batches))

    return take


def main(folder: str, rounds: int, short: bool) -> None:
    """Print the seconds of a step, and of its parts, in each round, as JSON."""
    world, ranks, data = MPI.COMM_WORLD, open_ranks(), Path(folder) / "digits.npz"
    hidden, batch, steps = ((16, 16), 64, 1) if short else ((2048, 2048), 512, STEPS)
    if ranks.rank == 0:
        write_digits(data, 2 * batch)
    world.Barrier()
    spec = specnet.load_spec(digits_spec(data, batch, hidden))
    alone = Experiment(spec).trainer
    train = alone.splits["train"]
    together = Experiment(spec, shards=ranks.count, ranks=ranks).trainer
    gradient = np.ones_like(together.model.network.grads.flat)
    total = np.empty_like(gradient)

    def reduce() -> None:
        parts = {(rank, rank + 1): part for rank, part in enumerate(ranks.exchange([gradient]))}
        cuts = ranks.cuts(len(total))
        total[cuts[ranks.rank]] = add((0, ranks.count), parts.get, np.add)
        ranks.join(total, cuts)

    calls: dict[str, tuple[Callable[[], object], bool]] = {
        "one process": (stepper(alone, steps), False),
        "specnet": (stepper(together, steps), True),
        "update": (alone.update, False),
        "tree": (reduce, True),
        "Allreduce": (lambda: world.Allreduce(gradient, total), True),
    }
    calls |= {
        f"{batch // count} samples": (partial(forward_backward, alone, train.select(slice(batch // count))), False)
        for count in PLANNED
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):  # the first one is not counted
        for name, (call, by_all) in calls.items():
            wait(world)
            start = perf_counter()
            if by_all or ranks.rank == 0:
                call()
            if number:
                found[name].append((perf_counter() - start) / (steps if name in ("one process", "specnet") else 1))
    if ranks.rank == 0:
        print(json.dumps({"bytes": gradient.nbytes, "seconds": found}))


def wait(world: MPI.Comm) -> None:
    """Wait for the other ranks without taking processor time from them."""
    everyone = world.Ibarrier()
    while not everyone.Test():
        time.sleep(0.001)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True")
