"""Which epochs of a run have a frame in its record."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np

FREE = 4e9
"""Operations that the frames of any run may take: a few tenths of a second."""
SHARE = 0.01
"""Share of a run's operations that they may take on top of that."""
STEP = 1e6
"""Fixed cost of a step in operations: function calls take about that long."""
FRAMES = 600
"""Frames that are kept at most: no replay shows more."""


class Work(NamedTuple):
    """Operations of a frame, and of an epoch of training."""

    frame: float
    epoch: float


class FrameSchedule:
    """The epochs whose frames are `kept`, and the `next` epoch with a frame.

    Both depend only on the epochs so far, so that a resumed run keeps the frames that one long run would have kept.
    If there are more than `most` frames, the one with the nearest neighbours in the square root of the epoch is
    dropped. The first and the last frame stay. Frames are densest at the beginning, where most happens.
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
        return max(last + max(1, last // 10), math.ceil(affordable))

    def take(self) -> None:
        """Keep the frame of the epoch `next`."""
        self.kept.append(self.next)
        self.taken += 1
        if len(self.kept) > self.most:
            roots = np.sqrt(self.kept)
            del self.kept[1 + int(np.argmin(roots[2:] - roots[:-2]))]

    def at(self, epoch: int) -> Self:
        """Return the schedule as it is after an epoch."""
        fresh = type(self)(self.every, self.most, self.work)
        while fresh.next <= epoch:
            fresh.take()
        return fresh
