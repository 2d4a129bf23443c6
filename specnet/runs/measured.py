"""`MeasuredRun`: what is measured of a run on its own samples."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from specnet.datasets.base import Data
from specnet.diagnosis.data import data_symptoms
from specnet.diagnosis.symptom import Symptom
from specnet.errors import DataError, UsageError
from specnet.names import suggest
from specnet.randomness import stream
from specnet.runs.provenance.manifest import data_digest
from specnet.runs.results import read_intervals, read_results
from specnet.runs.trained.baseline import baselines, linear_baselines
from specnet.runs.trained.building import load_data
from specnet.runs.trained.intervals import Intervals, intervals
from specnet.runs.trained.model import TrainedModel


class MeasuredRun(TrainedModel):
    """A trained model with its run directory and its samples, and what is measured on these."""

    directory: Path
    manifest: dict[str, Any]
    _scores: dict[str, dict[str, float]]

    @cached_property
    def data(self) -> Data:
        """The splits in the dataset's units, loaded when first asked for; other data than the run's are a DataError."""
        data = load_data(self.spec)
        if not self.dataset.synthetic and data_digest(data) != self.manifest["data"]["sha256"]:
            raise DataError(
                "the data are not those that the run was made with: their SHA-256 does not match the manifest",
                help="restore the old data, or evaluate other samples with --data",
            )
        return data

    def evaluate(
        self,
        data: Any = "test",
        targets: Any = None,
        weight: np.ndarray | None = None,
        mask: np.ndarray | None = None,
    ) -> dict[str, float]:
        """Return loss and metrics on one of the run's splits, named by `data`, or on other samples.

        These are inputs and targets, arrays or a data frame that may contain the targets. Targets may be names of
        classes. `weight` (n,) and `mask` (n, time) are as in `specnet.Samples`, which may replace all four.

        Raises:
            UsageError: if the run has no such split.
            DataError: if the samples are not what the network was trained on.
        """
        if not isinstance(data, str):
            return super().evaluate(data, targets, weight, mask)
        if data not in self.data.splits:
            raise UsageError(f"this run has no {data} samples", help=suggest(data, self.data.splits, "splits"))
        if data not in self._scores:
            self._scores[data] = super().evaluate(self.data.splits[data])
        return {**self._scores[data]}

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Loss and metrics of this checkpoint on each split: those in `results.json`, or else measured now."""
        found = read_results(self.directory, self.checkpoint.name)
        return {split: self.evaluate(split) for split in self.data.splits} if found is None else found

    @property
    def stored_intervals(self) -> dict[str, Intervals]:
        """The intervals in `results.json`, if it is of this checkpoint."""
        return read_intervals(self.directory, self.checkpoint.name)

    @cached_property
    def baselines(self) -> dict[str, dict[str, float]]:
        """Metrics of a constant prediction on each split, as `specnet.runs.trained.baseline` defines it."""
        return baselines(self.task, self.data, self.model.metrics)

    @cached_property
    def linear_baselines(self) -> dict[str, dict[str, float]]:
        """Metrics of a linear prediction on each split, likewise; empty unless the task is a regression."""
        return linear_baselines(self.task, self.data, self.model.metrics, self.model.take)

    @cached_property
    def data_symptoms(self) -> list[Symptom]:
        """Findings about the data, such as inputs that are not scaled."""
        return data_symptoms(self.spec, self.data, self.model, self.task)

    @cached_property
    def intervals(self) -> dict[str, Intervals]:
        """The 95 % intervals of loss and metrics of the test split, as `trained.intervals` defines them."""
        if self.data.test is None:
            return {}
        with self.in_turn():
            return {"test": intervals(self.model, self.data.test, stream(self.spec.seed, "intervals"))}
