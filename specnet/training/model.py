"""`Model`: transforms, network and loss as one function from raw inputs to predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from specnet import registry
from specnet.datasets.base import Samples
from specnet.errors import DataError, SpecnetError
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.training.network import Network
from specnet.training.pipeline import Pipeline

ROWS = 1024
"""Rows that go through the network at a time when no gradient is wanted."""


class Prepared(NamedTuple):
    """A split as the network and the loss take it, and its targets in the dataset's units."""

    x: np.ndarray
    target: np.ndarray
    truth: np.ndarray


class Model:
    """A network with what stands before and behind it.

    Raw inputs are transformed and rounded to the network's dtype; outputs become predictions as the loss reads
    them (probabilities for a loss on logits), with the transforms of targets undone.
    """

    def __init__(
        self, network: Network, loss: Loss, inputs: Pipeline, targets: Pipeline, metrics: Sequence[Metric] = ()
    ) -> None:
        self.network = network
        self.loss = loss
        self.inputs = inputs
        self.targets = targets
        self.metrics = {registry.name_of("metrics", type(metric)): metric for metric in metrics}

    def prepare(self, transformed: Samples, truth: np.ndarray) -> Prepared:
        """Return transformed samples as the network and the loss take them, with their targets as they were.

        Raises:
            SpecnetError: if inputs or targets do not fit the network or the loss.
        """
        target = transformed.targets
        if np.issubdtype(target.dtype, np.floating):
            target = rounded(target, self.network.dtype, "target")
        target = self.loss.prepare(target, self.network.output_shape, self.network.dtype)
        return Prepared(rounded(transformed.inputs, self.network.dtype, "input"), target, truth)

    def outputs(self, x: np.ndarray, between: Callable[[], None] = lambda: None) -> np.ndarray:
        """Return the network's outputs for transformed inputs, computed without gradients a few rows at a time.

        `between` is called after each few rows; what it raises ends the computation.
        """
        self.network.check_inputs(x)
        y = np.empty((len(x), *self.network.output_shape), self.network.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows as infinite
            for start in range(0, len(x), ROWS):
                y[start : start + ROWS] = self.network.propagate(x[start : start + ROWS])
                between()
        return y

    def interpret(self, y: np.ndarray) -> np.ndarray:
        """Return the predictions that outputs y stand for."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.targets.invert(self.loss.predictions(y))

    def measure(self, y: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """Return every metric of outputs y against targets in the dataset's units."""
        if not self.metrics:
            return {}
        prediction = self.interpret(y)
        values = {}
        for number, (name, metric) in enumerate(self.metrics.items()):
            try:
                values[name] = float(metric(prediction, truth))
            except SpecnetError as error:
                raise error.at("metrics", number) from None
        return values

    def score(self, split: Prepared, between: Callable[[], None] = lambda: None) -> dict[str, float]:
        """Return loss and metrics over a split; `between` as in `outputs`."""
        y = self.outputs(split.x, between)
        return {"loss": float(self.loss.forward(y, split.target)), **self.measure(y, split.truth)}

    def evaluate(self, samples: Samples) -> dict[str, float]:
        """Return loss and metrics over raw samples."""
        transformed = Samples(self.inputs.apply(samples.inputs), self.targets.apply(samples.targets))
        return self.score(self.prepare(transformed, samples.targets))

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return predictions (n, ...) for raw inputs (n, ...)."""
        return self.interpret(self.outputs(rounded(self.inputs.apply(inputs), self.network.dtype, "input")))


def rounded(values: np.ndarray, dtype: np.dtype, what: str) -> np.ndarray:
    """Return values in the network's dtype.

    Raises:
        DataError: naming the first row with a number that is not finite in that dtype.
    """
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(values, dtype)
    if not np.isfinite(result).all():
        row = np.argwhere(~np.isfinite(result))[0][0]
        raise DataError(f"the {what} in row {row} is not finite as {dtype}")
    return result
