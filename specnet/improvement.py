"""Track whether a monitored value still improves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

Mode = Literal["min", "max"]


class ImprovementTracker:
    """The best value so far, and for how many looks it has not improved."""

    def __init__(self, monitor: str, mode: Mode, min_delta: float = 0.0, patience: float = math.inf) -> None:
        self.monitor = monitor
        self.sign = 1.0 if mode == "min" else -1.0
        self.min_delta = min_delta
        self.patience = patience
        self.best: float | None = None
        self.waited = 0

    def look(self, values: Mapping[str, Any]) -> bool:
        """Update from an epoch's values, and return whether the monitored one is the best so far."""
        value = values[self.monitor]
        improved = self.best is None or self.sign * (self.best - value) > self.min_delta
        if improved:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return improved

    @property
    def exhausted(self) -> bool:
        """Whether the value has not improved for `patience` looks."""
        return self.waited >= self.patience

    def save(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state that `save` returned."""
        self.best, self.waited = state["best"], state["waited"]
