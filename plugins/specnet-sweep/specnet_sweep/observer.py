"""`SweepObserver`: what sees a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specnet.studies.engine import JobOutcome
from specnet_sweep.plan import SweepPlan
from specnet_sweep.results import TrialResult


class SweepObserver:
    """Sees a sweep; each method does nothing by default."""

    def begin(self, directory: Path, plan: SweepPlan, told: int) -> None:
        """Run before the first trial; `told` trials have ended before."""

    def warned(self, message: str) -> None:
        """Run when something is not as the sweep has left it."""

    def running(self, directories: Sequence[Path]) -> None:
        """Run before the runs in these directories are trained."""

    def waiting(self, directories: Sequence[Path]) -> None:
        """Run if nothing is left but runs that another process trains."""

    def run_ended(self, outcome: JobOutcome) -> None:
        """Run when a run has ended, also if it had ended before."""

    def trial_ended(self, result: TrialResult) -> None:
        """Run when a trial has ended."""

    def end(self) -> None:
        """Run after the last trial, or when the sweep is stopped."""
