"""Ranks of MPI: processes that `mpiexec` has started, on one machine or on several."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from mpi4py import MPI
from mpi4py.run import set_abort_status

from specnet import Ranks
from specnet.workspace import Workspace

GRACE = 2.0
"""Seconds that a rank which has failed waits for the others, as they may fail in the same way."""
PAUSE = 0.01
"""Seconds between two looks at whether the others are done, so that waiting takes no processor time."""


class MpiRanks(Ranks):
    """The processes of `MPI.COMM_WORLD`."""

    def __init__(self) -> None:
        super().__init__()
        self.world = MPI.COMM_WORLD.Dup()
        self.ending = MPI.COMM_WORLD.Dup()  # used only at the end, so that no other message is mistaken for it
        self.rank, self.count = self.world.rank, self.world.size
        self.buffers = Workspace()

    def gather(self, value: Any) -> list[Any]:
        return self.world.allgather(value)

    def exchange(self, vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
        cuts, dtype = self.cuts(len(vectors[0])), vectors[0].dtype
        mine = cuts[self.rank]
        sent = [[vector[cut] for vector in vectors] for cut in cuts]
        received = [
            [self.buffers[f"{rank}.{number}", (mine.stop - mine.start,), dtype] for number in range(count)]
            for rank, count in enumerate(self.gather(len(vectors)))
        ]
        received[self.rank] = sent[self.rank]
        self._send(sent, received)
        return [part for parts in received for part in parts]

    def join(self, vector: np.ndarray, cuts: Sequence[slice]) -> None:
        self._send([[vector[cuts[self.rank]]]] * self.count, [[vector[cut]] for cut in cuts])

    def _send(self, sent: Sequence[Sequence[np.ndarray]], received: Sequence[Sequence[np.ndarray]]) -> None:
        """Send arrays to each other rank and receive arrays from it, all at the same time."""
        others = [rank for rank in range(self.count) if rank != self.rank]
        requests = [self.world.Irecv(array, rank, n) for rank in others for n, array in enumerate(received[rank])]
        requests += [self.world.Isend(array, rank, n) for rank in others for n, array in enumerate(sent[rank])]
        MPI.Request.Waitall(requests)

    def leave(self, error: BaseException | None) -> None:
        """Wait for the other ranks. If they do not come, they are ended with this one, as they would wait for it."""
        patience = math.inf if error is None or self.is_shared(error) else GRACE
        everyone, start = self.ending.Ibarrier(), time.monotonic()
        while not everyone.Test():
            if time.monotonic() - start > patience:
                set_abort_status(1)
                return
            time.sleep(PAUSE)
