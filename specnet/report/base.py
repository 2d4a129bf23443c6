"""What a report asks of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from specnet.diagnosis.evidence import Diagnosed
from specnet.diagnosis.table import Diagnosis
from specnet.report.trace import Trace
from specnet.training.state import TrainingState


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

    def moments(self) -> Iterator[tuple[int, Reported]]:
        """Yield the epoch of each checkpoint with finite parameters, and the run at it; they share the run's data."""

    def evaluate(self, data: Any) -> dict[str, float]:
        """Return loss and metrics over one of the run's splits, by its name, or over `Samples`."""

    def state(self, step: int) -> TrainingState:
        """Return the state in the checkpoint of a step; 0 is the initial one."""

    def trace(self) -> Trace:
        """Return the first step of training as numbers."""
