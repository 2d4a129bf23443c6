"""`Ranks`: the processes that train one network together. Without a plugin it is this one alone."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np

from specnet.errors import DivergenceError, Interrupted, SpecnetError
from specnet.words import describe_error


class Ranks:
    """The processes that train one network together, each with a number, its rank. This class is a single process.

    A plugin that connects several processes sets `rank` and `count`, and overrides `gather`. All ranks call the same
    methods in the same order. `exchange` and `join` have faster forms where arrays can be sent without copies, and
    `leave` ends a process so that no other waits for it.
    """

    group: ClassVar[str] = "ranks"
    rank: int = 0
    count: int = 1

    def __init__(self) -> None:
        self._depth = 0
        self._failed: BaseException | None = None

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all ranks, which can be pickled, in the order of ranks."""
        return [value]

    def exchange(self, vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return this rank's part of every vector of all ranks, in the order of ranks, as arrays to write to.

        All vectors have the same size and dtype. A rank may have any number of them. `cuts` says which part is whose.
        """
        parts = [[vector[cut] for vector in vectors] for cut in self.cuts(len(vectors[0]))]
        return [part for given in self.gather(parts) for part in given[self.rank]]

    def join(self, vector: np.ndarray, cuts: Sequence[slice]) -> None:
        """Give every rank the whole vector, after each has written its own cut."""
        np.concatenate(self.gather(vector[cuts[self.rank]]), out=vector)

    def leave(self, error: BaseException | None) -> None:
        """End the work of this rank, after an error or without one."""

    def cuts(self, size: int) -> list[slice]:
        """Return which elements of a vector are the part of each rank."""
        return [slice(size * rank // self.count, size * (rank + 1) // self.count) for rank in range(self.count)]

    def __enter__(self) -> Self:
        self._depth += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._depth -= 1
        if not self._depth:
            self.leave(error)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Wait for all ranks at the end of a block. If it fails on one of them, it raises that error on all."""
        if self.count == 1:
            yield
            return
        own: BaseException | None = None
        try:
            yield
        except (Exception, Interrupted) as error:
            own = error
        told = self.gather(own and _pack(own))
        for rank, packed in enumerate(told):
            if packed:
                self._failed = own if rank == self.rank else pickle.loads(packed)
                assert self._failed
                if rank != self.rank:
                    self._failed.add_note(f"this was on rank {rank}")
                raise self._failed

    def is_shared(self, error: BaseException | None) -> bool:
        """Return whether all ranks have raised an error. They compute the same, and so diverge together."""
        return error is self._failed or isinstance(error, DivergenceError)


def _pack(error: BaseException) -> bytes:
    """Return a pickled error. What other processes cannot read is replaced by its message."""
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)
    except Exception:
        packed = pickle.dumps(SpecnetError(describe_error(error), code="rank"))
    return packed
