"""`Model`: transforms, network and loss as one function from raw inputs to predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from specnet.datasets.base import AnySamples, StreamedSamples
from specnet.datasets.checks import check_weights
from specnet.datasets.rows import Rows
from specnet.errors import DataError
from specnet.functions import all_finite
from specnet.layers.base import Layer
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.network.network import Network
from specnet.network.wrapping import wrapped
from specnet.plugin_code import staying
from specnet.task import Task
from specnet.training.batches import Batch, PreparedSplit, StreamedSplit
from specnet.training.heads import by_head
from specnet.training.measures import Measures
from specnet.transforms.pipeline import Pipeline
from specnet.weights import require_weight

ROWS = 256
"""Rows that go through the network at a time without gradients."""


class Model:
    """A network with its transforms and its loss.

    Raw inputs are transformed and, unless the network takes whole numbers, rounded to its dtype; outputs become
    predictions as the loss reads them (probabilities for a loss on logits), with the transforms of targets undone.
    """

    def __init__(
        self, network: Network, loss: Loss, inputs: Pipeline, targets: Pipeline, metrics: Sequence[Metric] = ()
    ) -> None:
        self.network = network
        self.loss = loss
        self.inputs = inputs
        self.targets = targets
        self.metrics = {metric.label: metric for metric in metrics}
        self.task: Task | None = None

    def set_task(self, task: Task) -> None:
        """Let loss and metrics know what the network learns."""
        self.task = self.loss.task = task
        self.metrics = {name: by_head(metric, task) for name, metric in self.metrics.items()}

    @cached_property
    def _measures(self) -> Measures:
        """The metrics of the current split, reused because copying them takes as long as computing them."""
        return self.measures()

    def __setstate__(self, saved: dict[str, Any]) -> None:
        vars(self).update(saved)
        self.loss = self.network.kernels.instantiate(self.loss)  # it was pickled as its definition
        self.loss.task = self.task

    def prepare(self, transformed: AnySamples, truth: np.ndarray | Rows) -> PreparedSplit:
        """Return transformed samples as the network and the loss take them, with their targets as they were.

        Raises:
            SpecnetError: if inputs or targets do not fit the network or the loss; streamed ones are only checked
                when they are read.
        """
        if isinstance(transformed, StreamedSamples):
            assert isinstance(truth, Rows)
            return StreamedSplit(
                transformed.inputs.map(self.prepare_inputs),
                transformed.targets.map(self.prepare_targets),
                truth,
                None if transformed.weight is None else transformed.weight.map(self._weights),
                transformed.mask,
                transformed.buffer,
            )
        assert isinstance(truth, np.ndarray)
        return Batch(
            self.prepare_inputs(transformed.inputs),
            self.prepare_targets(transformed.targets),
            truth,
            None if transformed.weight is None else self._weights(transformed.weight),
            transformed.mask,
        )

    def _weights(self, weight: np.ndarray) -> np.ndarray:
        return _rounded(weight, self.network.dtype, "weight")

    def take(self, inputs: np.ndarray) -> np.ndarray:
        """Return raw inputs as the network takes them."""
        return self.prepare_inputs(self.inputs.apply(inputs))

    def prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        """Return transformed inputs as the network takes them.

        Raises:
            DataError: naming the first row with a number that is not finite or, if required, not whole.
        """
        with np.errstate(over="ignore"):
            return finite(np.ascontiguousarray(self.network.convert(x)), "input")

    def prepare_targets(self, target: np.ndarray) -> np.ndarray:
        """Return transformed targets as the loss takes them.

        Raises:
            SpecnetError: if they do not fit the loss.
        """
        if np.issubdtype(target.dtype, np.floating):
            target = _rounded(target, self.network.dtype, "target")
        return self.loss.prepare(target, self.network.output_shape, self.network.dtype)

    def randomized(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return a training batch changed by the random transforms; its `truth` stays."""
        units = math.prod(self.network.output_shape[-1:])
        x, targets = self.inputs.randomize(batch.inputs, batch.targets, rng, units)
        return replace(batch, inputs=x, targets=targets)

    def forward(self, batch: Batch) -> tuple[np.ndarray, Batch]:
        """Return the outputs y for a batch in training, and the batch with weight 0 where they are masked."""
        y = self.network.propagate(batch.inputs, training=True, mask=batch.mask)
        return y, batch.masked(self.network.stack.mask_out())

    def outputs(
        self, x: np.ndarray, mask: np.ndarray | None = None, between: Callable[[], None] = lambda: None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the network's outputs for prepared inputs and their mask, and the mask of the outputs.

        They are computed without gradients, a few rows at a time. `between` is called after each part; an exception
        in it ends the computation.
        """
        self.network.check_inputs(x)
        y, mask_out = np.empty((len(x), *self.network.output_shape), self.network.dtype), None
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow becomes infinite
            for start in range(0, len(x), ROWS):
                rows = slice(start, start + ROWS)
                y[rows] = self.network.propagate(x[rows], mask=None if mask is None else mask[rows])
                if (found := self.network.stack.mask_out()) is not None:
                    mask_out = np.ones(y.shape[:2], bool) if mask_out is None else mask_out
                    mask_out[rows] = found
                between()
        return y, mask_out

    def interpret(self, y: np.ndarray) -> np.ndarray:
        """Return the predictions for outputs y."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._interpret(y)

    def _interpret(self, y: np.ndarray) -> np.ndarray:
        """Return what `interpret` does where NumPy's warnings are off, as switching them takes time."""
        return self.loss.interpret(y, self.targets.invert)

    def loss_of(self, y: np.ndarray, batch: Batch) -> float:
        """Return the loss of outputs y of a batch.

        Raises:
            ComponentError: if the loss does not accept weights and the batch has some.
        """
        if batch.weight is None:
            return float(self.loss.forward(y, batch.targets))
        require_weight(self.loss, "forward", ("loss",))
        return float(self.loss.forward(y, batch.targets, batch.weight))

    def weight_of(self, batch: Batch) -> float:
        """Return the weight of a batch: its number of samples, or the sum of weights by elements of a sample."""
        weight = self.loss.weigh(batch.targets, batch.weight)
        if weight is None:
            return float(batch.rows)
        shape, total = self.network.output_shape, self.loss.total_weight
        return total((batch.rows, *shape), weight) / total((1, *shape))

    def measures(self) -> Measures:
        """Return the model's metrics, to accumulate over outputs and targets in the dataset's units.

        An overflow becomes infinite: the caller switches NumPy's warnings off.
        """
        return Measures(self.metrics, self._interpret, self.loss)

    def check_metrics(self, split: PreparedSplit) -> None:
        """Check that no metric keeps the samples of a split that does not fit into memory.

        Raises:
            DataError: naming one that does.
        """
        for number, (name, metric) in enumerate(self.metrics.items()):
            if isinstance(split, StreamedSplit) and metric.keeps_samples:
                raise DataError(
                    f"{name} keeps all samples, and they take more than the dataset's buffer",
                    pointer=("metrics", number),
                    help="leave it out, or make the buffer larger",
                )

    def score(self, split: PreparedSplit, between: Callable[[], None] = lambda: None) -> dict[str, float]:
        """Return loss and metrics on a split; `between` as in `outputs`.

        Raises:
            DataError: as `check_metrics` does, if streamed samples cannot be read, or if nothing in them counts.
        """
        self.check_metrics(split)
        loss, count, measures = 0.0, 0.0, self._measures
        measures.reset()
        with np.errstate(over="ignore", invalid="ignore"):
            for piece in split.pieces():
                y, mask = self.outputs(piece.inputs, piece.mask, between)
                counted = piece.masked(mask)
                value, weight = self.loss_of(y, counted), self.weight_of(counted)
                count += weight
                if weight:
                    loss += (value - loss) * (weight / count) if self.loss.reduction == "mean" else value
                measures.add(y, counted.truth, counted.weight)
        check_counts(count)
        return {"loss": loss, **measures.compute()}

    @staying()
    def evaluate(self, samples: AnySamples) -> dict[str, float]:
        """Return loss and metrics on raw samples."""
        check_weights("given", samples)
        return self.score(self.prepare(samples.map(self.inputs.apply, self.targets.apply), samples.targets))

    @staying()
    def predict(self, inputs: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return predictions (n, ...) for raw inputs (n, ...); `mask` (n, time) as in `Samples`."""
        return self.interpret(self.outputs(self.take(inputs), mask)[0])

    def input_gradient(self, inputs: np.ndarray, outputs: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return dy/dx (n, *input_shape) for raw inputs, y being one output of each sample, of number `outputs` (n,).

        x are the inputs as the network takes them, after their transforms. y are outputs as of `outputs`, before the
        loss makes predictions of them. Nothing is dropped or drawn. Gradients of parameters are overwritten.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            y = self.network.forward(self.take(inputs), mask=mask)
            dy = np.zeros_like(y)
            dy[np.arange(len(y)), outputs] = 1
            return self.network.backward(dy)

    def look_inside(
        self, inputs: np.ndarray, wanted: Mapping[str, str], mask: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Return an attribute of some layers, by name of layer, after a forward pass for raw inputs.

        `wanted` are attributes by names of layers, such as `{"layers.2": "p"}`; "y" are outputs. Layers are run by
        their definitions, as kernels may not have the attribute.
        """
        network = Network(self.network.layers, self.network.input_shape, self.network.dtype.name, None)  # type: ignore[arg-type]
        network.params.flat[...], network.state.flat[...] = self.network.params.flat, self.network.state.flat
        found: dict[str, np.ndarray] = {}

        def watch(name: str, layer: Layer, method: str, call: Any) -> Any:
            def look(*arguments: Any) -> Any:
                y = call(*arguments)
                found[name] = np.array(y if wanted[name] == "y" else getattr(layer, wanted[name]))
                return y

            return look if method == "forward" and name in wanted else call

        with wrapped(network, watch), np.errstate(over="ignore", invalid="ignore"):
            network.propagate(self.take(inputs), mask=mask)
        return found


def check_counts(weight: float) -> None:
    """Check that the weight of samples, as `Model.weight_of` returns it, is not 0: a mean over them is undefined.

    Raises:
        DataError: if it is.
    """
    if not weight:
        raise DataError("no loss can be computed: each sample has weight 0, or only masked positions")


def _rounded(values: np.ndarray, dtype: np.dtype, what: str) -> np.ndarray:
    """Return values in the network's dtype.

    Raises:
        DataError: naming the first row with a number that is not finite in that dtype.
    """
    with np.errstate(over="ignore"):
        return finite(np.ascontiguousarray(values, dtype), what)


def finite(values: np.ndarray, what: str) -> np.ndarray:
    """Return values if all of them are finite.

    Raises:
        DataError: naming the first row with one that is not.
    """
    if not all_finite(values):
        row = np.argwhere(~np.isfinite(values))[0][0]
        raise DataError(f"the {what} in {{place}} is not finite as {values.dtype}", row=row)
    return values
