"""`Ensemble`: the runs of a group as one network, which predicts the mean of what they predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from specnet.datasets.base import Samples, StreamedSamples
from specnet.datasets.memory import Given
from specnet.datasets.sampling import samples_at
from specnet.errors import UsageError
from specnet.runs.trained.model import TrainedModel
from specnet.runs.trained.predictions import name_predictions
from specnet.studies.group import Group
from specnet.studies.statistics import Statistic, describe
from specnet.training.measures import Measures


class Ensemble(TrainedModel):
    """The runs of a group together. Predictions are means, of probabilities where there are classes.

    Lakshminarayanan, Pritzel & Blundell, "Simple and scalable predictive uncertainty estimation using deep ensembles",
    2017.

    Raises:
        RunError: if a run cannot be trusted.
        UsageError: if no run has results, or they predict class numbers, which have no mean.
    """

    def __init__(self, group: Group) -> None:
        self.group, self.members = group, group.runs
        first = self.members[0]
        self.spec, self.model, self.described, self.schema = first.spec, first.model, first.described, first.schema
        self.checkpoint, self.rows = first.checkpoint, np.empty(0)
        self.warnings = list(dict.fromkeys(warning for run in self.members for warning in run.warnings))
        if gaps := group.summary.gaps:
            self.warnings.append(f"{group.directory} is used without runs that have no results: {gaps}")
        if len(self.members) == 1:
            self.warnings.append(f"{group.directory} has only one run with results: the spread is 0")

    def __repr__(self) -> str:
        return f"Ensemble({str(self.group.directory)!r}, {len(self.members)} runs)"

    def __reduce__(self) -> tuple[Any, ...]:
        return open_ensemble, (self.group.directory.resolve(),)

    def predict_each(self, inputs: Any, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the predictions (runs, n, ...) of each run for raw inputs (n, ...)."""
        found = np.stack([run.predict(inputs, mask) for run in self.members])
        if found.dtype.kind != "f":
            raise UsageError("the runs predict classes without probabilities, which have no mean")
        return found

    def predict(self, inputs: Any, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the mean (n, ...) of the runs' predictions for raw inputs (n, ...)."""
        return self.predict_each(inputs, mask).mean(axis=0)

    def spread(self, inputs: Any, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the standard deviation (n, ...) of the runs' predictions for raw inputs (n, ...)."""
        each = self.predict_each(inputs, mask)
        return each.std(axis=0, ddof=1) if len(each) > 1 else np.zeros_like(each[0])

    def evaluate(
        self, data: Any, targets: Any = None, weight: np.ndarray | None = None, mask: np.ndarray | None = None
    ) -> dict[str, float]:
        """Return the metrics of the mean predictions; there is no loss of them, as it takes outputs.

        Arguments are as in `Run.evaluate`; a split may be named if it is the same for all runs.

        Raises:
            UsageError: if the runs have different samples.
        """
        if isinstance(data, str):
            if not self.shares_data:
                help = "evaluate other samples, or see what each run has reached: evaluate_each"
                raise UsageError("the runs have different samples in each split", help=help)
            self.members[0].evaluate(data)
            data = self.members[0].data.splits[data]
        if not isinstance(data, (Samples, StreamedSamples)):
            data = self.reader.read_samples(Given(data, targets, weight, mask))
        samples = samples_at(data, np.arange(len(data.inputs)))
        measures = Measures(self.model.metrics, lambda y: y)
        measures.update(self.predict(samples.inputs, samples.mask), samples.targets, samples.weight)
        return measures.compute()

    def evaluate_each(self, data: Any) -> dict[str, Statistic]:
        """Return statistics of loss and metrics of the runs, on samples or on a split of each."""
        scores = [run.evaluate(data) for run in self.members]
        found = {name: describe(each.get(name) for each in scores) for name in scores[0]}
        return {name: statistic for name, statistic in found.items() if statistic}

    @property
    def shares_data(self) -> bool:
        """Whether all runs have the same samples in each split."""
        return len({run.manifest["data"]["sha256"] for run in self.members}) == 1

    def spread_columns(self, predictions: np.ndarray, spread: np.ndarray) -> dict[str, np.ndarray]:
        """Return the spread (n,) of each number among the columns of predictions, by name."""
        names = [name for name, column in name_predictions(self, predictions) if column.dtype.kind == "f"]
        columns = spread.reshape(len(spread), -1).T
        # Of two classes there may be one probability, p, and both p and 1 - p in the table.
        columns = np.repeat(columns, 2, axis=0) if len(columns) == 1 and len(names) == 2 else columns
        return {f"spread of {name}": column for name, column in zip(names, columns, strict=True)}


def open_ensemble(directory: str | Path) -> Ensemble:
    """Return the runs of the group in a directory as one network."""
    return Ensemble(Group(directory))
