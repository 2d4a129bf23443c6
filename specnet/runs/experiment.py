"""A spec brought to life: data loaded and split, transforms fitted, network built, everything checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from specnet.datasets.base import Data
from specnet.errors import DataError, Diagnostic, Pointer, SpecError, SpecnetError
from specnet.layers.base import Shape
from specnet.runs.record import Recorder
from specnet.spec.model import Spec
from specnet.training.model import ROWS, Model, rounded
from specnet.training.network import Network
from specnet.training.pipeline import Pipeline
from specnet.training.randomness import stream
from specnet.training.stopping import Mode, Watch
from specnet.training.trainer import Trainer


@contextmanager
def located(spec: Spec, *place: str) -> Iterator[None]:
    """Complete errors from inside with their place in the spec and the spec's file."""
    try:
        yield
    except SpecnetError as error:
        error.file = error.file or spec.source
        raise error.at(*place) from None


def load_data(spec: Spec) -> Data:
    """Return the samples of a spec's dataset, divided as its `split` says.

    Raises:
        SpecnetError: if they cannot be read, or are not what the spec says.
    """
    with located(spec, "dataset"):
        data = spec.dataset.load(stream(spec.seed, "dataset"))
        for name, samples in data.splits.items():
            if len(samples.inputs) == 0:
                raise DataError(f"there are no {name} samples")
    with located(spec, "split"):
        return spec.split.apply(data, stream(spec.seed, "split"))


def pipelines(spec: Spec) -> tuple[Pipeline, Pipeline]:
    """Return a spec's transforms of inputs and of targets, not fitted."""
    transforms = spec.transforms.model_copy(deep=True)
    return (
        Pipeline(transforms.inputs, ("transforms", "inputs")),
        Pipeline(transforms.targets, ("transforms", "targets")),
    )


def build_model(spec: Spec, input_shape: Shape, inputs: Pipeline, targets: Pipeline) -> Model:
    """Return a spec's model with its initial weights, for raw inputs that transforms bring to `input_shape`.

    It shares no state with the spec, which stays as it was loaded.
    """
    network = Network(spec.layers, input_shape, spec.dtype, spec.seed)
    metrics = [metric.model_copy(deep=True) for metric in spec.metrics]
    return Model(network, spec.loss.model_copy(deep=True), inputs, targets, metrics)


class Experiment:
    """Everything that a run trains with.

    Raises:
        SpecnetError: if data, transforms, layers, loss, metrics, monitors or plots do not fit each other.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.data = load_data(spec)
        with located(spec):
            inputs, targets = pipelines(spec)
            x = rounded(inputs.fit(self.data.train.inputs), np.dtype(spec.dtype), "input")
            targets.fit(self.data.train.targets)
            self.model = build_model(spec, x.shape[1:], inputs, targets)
            self.splits = {name: self.model.prepare(samples) for name, samples in self.data.splits.items()}
            self._check_metrics()
            self.best = self._watch_best()
            self.stopping = self._watch_stopping()
            self._check_plots()
            self.recorder = Recorder(spec.record, self.model, self.data) if spec.record else None
            optimizer = spec.optimizer.model_copy(deep=True)
            self.trainer = Trainer(self.model, optimizer, spec.training, self.splits, spec.seed)

    def _check_metrics(self) -> None:
        """Compute each metric once: what does not fit should show before training, not after an epoch of it."""
        train = self.splits["train"]
        self.model.measure(self.model.outputs(train.x[:ROWS]), train.truth[:ROWS])

    def _check_plots(self) -> None:
        mistakes: list[Diagnostic] = []
        for number, plot in enumerate(self.spec.plots):
            try:
                plot.check(self.data)
            except SpecnetError as error:
                mistakes += error.at("plots", number).diagnostics
        if mistakes:
            raise SpecError(mistakes)

    def _watch_best(self) -> Watch:
        checkpoint = self.spec.checkpoint
        default = "validation/loss" if "validation" in self.splits else "train/loss"
        monitor = checkpoint.monitor or default
        return Watch(monitor, self._mode(monitor, checkpoint.mode, ("checkpoint", "monitor")))

    def _watch_stopping(self) -> Watch | None:
        stopping = self.spec.training.early_stopping
        if stopping is None:
            return None
        place = ("training", "early_stopping", "monitor")
        mode = self._mode(stopping.monitor, stopping.mode, place)
        return Watch(stopping.monitor, mode, stopping.min_delta, stopping.patience)

    def _mode(self, monitor: str, given: Mode | None, place: Pointer) -> Mode:
        """Return which values of a monitored name are better, after checking that it will exist."""
        split, _, name = monitor.partition("/")
        if split not in self.splits:
            message = f'"{monitor}" will not exist: there are no {split} samples'
            help = f'give "split" a {split} share, or monitor "train/{name}"'
            raise SpecError([Diagnostic("unknown-monitor", message, place, help)])
        higher = name != "loss" and self.model.metrics[name].higher_is_better
        return given or ("max" if higher else "min")
