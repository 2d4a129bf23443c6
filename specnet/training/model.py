"""`Model`: transforms, network and loss as one function from raw inputs to predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from specnet import registry
from specnet.component import guarded
from specnet.datasets.base import PARTS, PIECE, AnySamples, Rows, StreamedSamples, rows_in
from specnet.errors import DataError
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.training.divergence import all_finite
from specnet.training.network import Network
from specnet.training.pipeline import Pipeline

ROWS = 256
"""Rows that go through the network at a time when no gradient is wanted."""


class Prepared(NamedTuple):
    """A split as the network and the loss take it, and its targets in the dataset's units."""

    x: np.ndarray
    target: np.ndarray
    truth: np.ndarray

    def pieces(self) -> Iterator[Prepared]:
        """Give all of it at once, as a `StreamedSplit` gives its own a piece at a time."""
        yield self


class StreamedSplit(NamedTuple):
    """The same of a split that does not fit into memory; `buffer` as in `StreamedSamples`."""

    x: Rows
    target: Rows
    truth: Rows
    buffer: int

    def read(self, rows: slice) -> Prepared:
        """Return some of it."""
        return Prepared(self.x[rows], self.target[rows], self.truth[rows])

    @property
    def step(self) -> int:
        """Samples that are read at a time where nothing asks for more."""
        return rows_in(min(PIECE, self.buffer // PARTS), self.x, self.target)

    def pieces(self) -> Iterator[Prepared]:
        """Give all of it in order, a few samples at a time."""
        step = self.step
        for start in range(0, len(self.x), step):
            yield self.read(slice(start, start + step))


AnySplit = Prepared | StreamedSplit


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

    def prepare(self, transformed: AnySamples, truth: np.ndarray | Rows) -> AnySplit:
        """Return transformed samples as the network and the loss take them, with their targets as they were.

        Raises:
            SpecnetError: if inputs or targets do not fit the network or the loss; where they are streamed, some of
                them are not looked at until they are read.
        """
        if isinstance(transformed, StreamedSamples):
            assert isinstance(truth, Rows)
            inputs, targets, buffer = transformed
            return StreamedSplit(inputs.map(self._prepare_inputs), targets.map(self._prepare_targets), truth, buffer)
        assert isinstance(truth, np.ndarray)
        target = self._prepare_targets(transformed.targets)
        return Prepared(self._prepare_inputs(transformed.inputs), target, truth)

    def _prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        return rounded(x, self.network.dtype, "input")

    def _prepare_targets(self, target: np.ndarray) -> np.ndarray:
        if np.issubdtype(target.dtype, np.floating):
            target = rounded(target, self.network.dtype, "target")
        return self.loss.prepare(target, self.network.output_shape, self.network.dtype)

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
            with guarded(metric, ("metrics", number), "__call__"):
                values[name] = float(metric(prediction, truth))
        return values

    def check_metrics(self, split: AnySplit) -> None:
        """Check that every metric of a split can be computed without all its outputs, where they are too many.

        Raises:
            DataError: naming one that cannot.
        """
        for number, (name, metric) in enumerate(self.metrics.items()):
            if isinstance(split, StreamedSplit) and not metric.additive:
                raise DataError(
                    f"{name} is computed over all samples at once, and they take more than the dataset's buffer",
                    pointer=("metrics", number),
                    help="leave it out, or let the buffer be larger",
                )

    def score(self, split: AnySplit, between: Callable[[], None] = lambda: None) -> dict[str, float]:
        """Return loss and metrics over a split; `between` as in `outputs`.

        Raises:
            DataError: as `check_metrics` does, or if streamed samples cannot be read.
        """
        self.check_metrics(split)
        scores = dict.fromkeys(["loss", *self.metrics], 0.0)
        for piece in split.pieces():
            y, share = self.outputs(piece.x, between), len(piece.x) / len(split.x)
            loss = float(self.loss.forward(y, piece.target))
            scores["loss"] += loss * share if self.loss.reduction == "mean" else loss
            for name, value in self.measure(y, piece.truth).items():
                scores[name] += value * share
        return scores

    def evaluate(self, samples: AnySamples) -> dict[str, float]:
        """Return loss and metrics over raw samples."""
        return self.score(self.prepare(samples.map(self.inputs.apply, self.targets.apply), samples.targets))

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
    if not all_finite(result):
        row = np.argwhere(~np.isfinite(result))[0][0]
        raise DataError(f"the {what} in row {row} is not finite as {dtype}")
    return result
