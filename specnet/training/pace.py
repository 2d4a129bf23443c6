"""`Pace`: how large the batches of each epoch are, and how schedules count time."""

from __future__ import annotations

from specnet.training.batches import Batches
from specnet.training.settings import Training


class Pace:
    """The batch size as a function of the epoch, for `count` training samples.

    Schedules count steps or, where the batch size changes from epoch to epoch, samples: so an epoch has the same length
    for all of them. `unit` is the name of what they count, `epoch` how many there are in an epoch.
    `training.batch_size` is the number of the current epoch.
    """

    def __init__(self, training: Training, count: int) -> None:
        self.training, self.count = training, count
        self.varies, self.size = training.varies, training.batch_in()
        training.batch_size = self.size(0)
        self.unit, self.epoch = ("sample", count) if self.varies else ("step", self.steps(1))

    def begin(self, epoch: int, batches: Batches) -> None:
        """Set the batch size to that of an epoch."""
        if self.varies:
            self.training.batch_size = self.size(epoch)
            batches.resize(self.training.step_size)

    def steps(self, epochs: int) -> int:
        """Return the number of steps in the first epochs."""
        if not self.varies:
            return epochs * self._steps_in(0)
        return sum(map(self._steps_in, range(epochs)))

    def _samples(self, epoch: int) -> int:
        """Return the samples in a step of an epoch."""
        return min(self.training.in_step(self.size(epoch)) or self.count, self.count)

    def _steps_in(self, epoch: int) -> int:
        return -(-self.count // self._samples(epoch))

    def check(self, epoch: int, step: int, position: int) -> None:
        """Check that this number of steps ends after `position` samples of an epoch.

        Raises:
            ValueError: if they do not.
        """
        size = self._samples(epoch)
        ends = position == self.count or (position < self.count and position % size == 0)
        if not ends or step != self.steps(epoch) - (-position // size):
            raise ValueError(f"step {step} is not in epoch {epoch}, after {position} samples")

    def time(self, epoch: int, step: int, position: int) -> int:
        """Return the time of the step after `step` others, whose batch ends after `position` samples of an epoch."""
        if not self.varies:
            return step
        size = self._samples(epoch)
        return epoch * self.count + (position - 1) // size * size

    def values(self) -> dict[str, int | None]:
        """Return the batch size for the history, if it changes."""
        return {"training.batch_size": self.training.batch_size} if self.varies else {}
