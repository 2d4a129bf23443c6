"""What a report asks of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from specnet.diagnosis.evidence import Diagnosed
from specnet.diagnosis.table import Diagnosis


class Reported(Diagnosed, Protocol):
    """A run as a report knows it: all that a plot may ask of it, and what it was and how it went."""

    @property
    def directory(self) -> Path:
        """The run directory."""

    @property
    def diagnosis(self) -> Diagnosis:
        """What stands out in the run, as far as that takes little time."""

    @property
    def best(self) -> Mapping[str, Any]:
        """Checkpoint, epoch, step, monitored value's name and value of the best state."""

    @property
    def intervals(self) -> Mapping[str, Mapping[str, tuple[float, float]]]:
        """Intervals of 95 % about loss and metrics of the test split."""

    @property
    def stored_intervals(self) -> Mapping[str, Mapping[str, tuple[float, float]]]:
        """The same intervals as they are saved with the run; empty if they are not."""

    def evaluate(self, split: str) -> dict[str, float]:
        """Return loss and metrics over one of the run's splits."""
