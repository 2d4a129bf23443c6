"""Which epochs of a run have a frame in its record."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np

FREE = 5e8
"""Operations that frames may take in any run: a few hundredths of a second."""
SHARE = 0.01
"""Share of a run's operations that they may take besides."""
STEP = 1e6
"""What a step costs besides its operations, in operations: calls of functions take about as long."""
FRAMES = 600
"""Frames that are kept at most: no replay shows more."""


class Work(NamedTuple):
    """Operations that a frame takes, and those of an epoch of training."""

    frame: float
    epoch: float


class Timetable:
    """The epochs whose frames are `kept`, and the `next` that is due.

    Both are functions of the epochs gone by, not of those to come: a run that goes on with more of them has kept what
    it would have kept if it had been meant to be longer. Where a frame is due every so many epochs, there may be more
    than `most`; then the one goes whose neighbours are nearest to each other in the square root of the epoch. The
    first and the last stay, and most is kept of the beginning, where most happens.
    """

    def __init__(self, every: int | None, most: int, work: Work) -> None:
        self.every = every
        self.most = min(max(most, 2), FRAMES)
        self.work = work
        self.kept = [0]
        self.taken = 1

    @property
    def next(self) -> int:
        """The next epoch with a frame."""
        last = self.kept[-1]
        if self.every:
            return last + self.every
        affordable = ((self.taken + 1) * self.work.frame - FREE) / (SHARE * self.work.epoch)
        return max(last + max(1, last // 4), math.ceil(affordable))

    def take(self) -> None:
        """Keep the frame that is due."""
        self.kept.append(self.next)
        self.taken += 1
        if len(self.kept) > self.most:
            roots = np.sqrt(self.kept)
            del self.kept[1 + int(np.argmin(roots[2:] - roots[:-2]))]

    def at(self, epoch: int) -> Self:
        """Return what this timetable is after so many epochs."""
        fresh = type(self)(self.every, self.most, self.work)
        while fresh.next <= epoch:
            fresh.take()
        return fresh
