"""Runs that several processes train together, each some shards of every batch."""

from __future__ import annotations

from functools import cache

import importlib_metadata
import numpy as np

from specnet import registry
from specnet.component import find_class
from specnet.distributions import pip_command
from specnet.errors import UsageError
from specnet.launch import launched
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.manifest import data_digest
from specnet.runs.signals import signals_unhandled
from specnet.training.ranks import Ranks

LAUNCH = "mpiexec -n {count} python -m mpi4py -m specnet run SPEC --shards {count}"

START_LIMIT = 300
"""Seconds that a process waits for the others to start. MPI waits for ever, even for one that has ended."""


def open_ranks() -> Ranks:
    """Return the processes that a launcher has started, or this one alone.

    Raises:
        UsageError: if there are several, and no plugin that connects them.
        ComponentError: if the plugin cannot be used.
    """
    _, count = launched()
    if count == 1:
        return Ranks()
    if "mpi" not in registry.claims("ranks"):
        message = f"{count} processes were started together, which would all train the same network"
        launch = LAUNCH.format(count=count)
        raise UsageError(message, help=f"{pip_command('install', 'specnet-mpi')}; then: {launch}")
    return _connect()


@cache  # MPI is started once in a process
def _connect() -> Ranks:
    with signals_unhandled(START_LIMIT):
        ranks: Ranks = find_class("ranks", "mpi")()
    return ranks


def check_shards(shards: int, ranks: Ranks) -> None:
    """Raise a UsageError if there are fewer shards than ranks."""
    if shards < 1:
        raise UsageError(f"a batch cannot be divided into {shards} shards")
    if shards < ranks.count:
        count = "a batch is not divided into shards" if shards == 1 else f"there are {shards} shards"
        help = f"add --shards {ranks.count}, or a multiple; a run keeps its number"
        raise UsageError(f"{ranks.count} processes were started together, and {count}", help=help)


def check_ranks(experiment: Experiment, ranks: Ranks) -> None:
    """Raise a UsageError, naming a rank, unless all train the same network on the same data, with the same versions."""
    if ranks.count == 1:
        return
    found = ranks.gather(
        {
            "spec": experiment.spec.digest(),
            "data": data_digest(experiment.data),
            "specnet": importlib_metadata.version("specnet"),
            "NumPy": np.__version__,
        }
    )
    with ranks.together():
        for rank, facts in enumerate(found):
            for name, value in facts.items():
                if value != found[0][name]:
                    message = f"{name} of rank {rank} is {value}, and {found[0][name]} on rank 0"
                    raise UsageError(message, help="all ranks need the same data and versions")


def check_step(experiment: Experiment) -> None:
    """Raise a UsageError if a step has fewer samples than shards."""
    shards, size = experiment.trainer.communicator.shards, experiment.trainer.batches.size
    if shards > size:
        samples = "1 sample" if size == 1 else f"{size} samples"
        raise UsageError(f"{shards} shards, but a step has only {samples}", help=f"take {size} or fewer")
