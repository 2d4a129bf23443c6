"""Pruning: a run is stopped if it is worse than the median of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from specnet.training.callbacks import Callback
from specnet.training.trainer import Trainer

FEWEST = 5
"""Earlier runs that a median needs."""
FIRST = 0.1
"""Share of the epochs after which runs are compared."""


class StopWorse(Callback):
    """Stops a run whose best value so far is worse than the limit of an epoch; limits may be None.

    A stop is part of the state: a run that was killed after it is not trained further.
    """

    def __init__(self, monitor: str, minimize: bool, limits: Sequence[float | None]) -> None:
        super().__init__()
        self.monitor, self.sign, self.limits = monitor, 1.0 if minimize else -1.0, limits
        self.best: float | None = None
        self.reason: str | None = None

    def begin(self, training: Trainer) -> None:
        if self.reason:
            training.stop(self.reason)

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        if (value := values.get(self.monitor)) is None:  # a metric that has no number in some epochs
            return
        if self.best is None or self.sign * (value - self.best) < 0:
            self.best = value
        limit = self.limits[training.epoch - 1] if training.epoch <= len(self.limits) else None
        if limit is not None and self.sign * (self.best - limit) > 0 and training.epoch < training.training.epochs:
            self.reason = f"{self.monitor} is worse than the median of earlier trials"
            training.stop(self.reason)

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "reason": self.reason}

    def restore(self, saved: dict[str, Any]) -> None:
        self.best, self.reason = saved["best"], saved["reason"]


def median_limits(curves: Sequence[np.ndarray], epochs: int) -> list[float | None]:
    """Return the median of curves (epochs,) at each epoch; None where too few runs, or too few epochs, are over."""
    longest = max(map(len, curves), default=0)
    table = np.full((len(curves), longest), np.nan)
    for row, curve in zip(table, curves, strict=True):
        row[: len(curve)] = curve
    enough = (~np.isnan(table)).sum(axis=0) >= FEWEST
    return [
        float(np.nanmedian(table[:, epoch])) if enough[epoch] and epoch + 1 > FIRST * epochs else None
        for epoch in range(longest)
    ]
