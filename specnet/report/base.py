"""What a report asks of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from specnet.plots.base import Trained
from specnet.spec.model import Spec
from specnet.training.model import Model


class Reported(Trained, Protocol):
    """A run as a report knows it: all that a plot may ask of it, and what it was and how it went."""

    @property
    def directory(self) -> Path:
        """The run directory."""

    @property
    def spec(self) -> Spec:
        """The resolved spec."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Versions, machine, digests, times and how the run ended."""

    @property
    def status(self) -> str:
        """How the run ended: finished, interrupted, diverged or failed; running if it goes on, or was killed."""

    @property
    def model(self) -> Model:
        """The model of the run's checkpoint."""

    @property
    def best(self) -> Mapping[str, Any]:
        """Checkpoint, epoch, step, monitored value's name and value of the best state."""

    @property
    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Metrics of a constant prediction on each split."""

    @property
    def linear_baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Metrics of a linear prediction on each split; empty if none was made."""

    @property
    def intervals(self) -> Mapping[str, Mapping[str, tuple[float, float]]]:
        """Intervals of 95 % about loss and metrics of the test split."""

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """Loss and metrics of each split: those that are saved with the run, or else measured now."""

    @property
    def stored_intervals(self) -> Mapping[str, Mapping[str, tuple[float, float]]]:
        """The same intervals as they are saved with the run; empty if they are not."""

    def moments(self) -> Iterator[tuple[int, Reported]]:
        """Yield the epoch of each checkpoint with finite parameters, and the run at it; they share the run's data."""

    def evaluate(self, data: Any) -> dict[str, float]:
        """Return loss and metrics over one of the run's splits, by its name, or over `Samples`."""
