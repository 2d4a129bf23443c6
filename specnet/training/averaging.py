"""Averages of weights, which are evaluated, saved and exported beside the trained ones."""

from __future__ import annotations

import numpy as np

from specnet.training.settings import WeightAveraging
from specnet.training.state import TrainingState


class AveragedWeights:
    """An average of a network's parameters.

    "ema": average <- m average + (1 - m) w after each step, from the first w. Polyak & Juditsky, 1992. "swa": the mean
    of w after each epoch. Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.
    """

    def __init__(self, settings: WeightAveraging, w: np.ndarray) -> None:
        self.kind, self.momentum, self.start = settings.type, settings.momentum, settings.start_epoch or 1
        self.w, self.average = w, np.zeros_like(w)
        self.count = 0

    def step(self, epoch: int) -> None:
        """Add the weights after a step in an epoch, counted from 1."""
        if self.kind == "ema" and epoch >= self.start:
            self._add(1 - self.momentum if self.count else 1.0)

    def epoch(self, epoch: int) -> None:
        """Add the weights after the steps of an epoch, once even if it is measured again."""
        if self.kind == "swa" and self.count <= epoch - self.start:
            self._add(1 / (self.count + 1))

    def _add(self, share: float) -> None:
        self.average += share * (self.w - self.average)
        self.count += 1

    def save(self, state: TrainingState) -> None:
        """Add what a state does not have as weights for evaluation."""
        state.put("weight_averaging", {"count": self.count})

    def restore(self, state: TrainingState) -> None:
        """Continue from a state, which has the average as weights for evaluation."""
        self.count = state.take("weight_averaging")["count"]
        self.average[...] = state.take("evaluation")["params"] if self.count else 0
