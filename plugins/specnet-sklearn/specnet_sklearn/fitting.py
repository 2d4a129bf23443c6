"""Training in memory: the same loop as that of a run, without its directory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from specnet.component import fresh_copy
from specnet.datasets.base import Data, Samples
from specnet.diagnosis.table import Diagnosis, diagnose
from specnet.errors import RunError
from specnet.improvement import ImprovementTracker
from specnet.randomness import stream
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.manifest import new_manifest, now
from specnet.runs.provenance.threads import blas_threads
from specnet.spec.model import Spec
from specnet.training.callbacks import BestTracker, Callback, StopEarly
from specnet.training.loop import train
from specnet.training.model import Model
from specnet.training.trainer import Trainer


class History(Callback):
    """Keeps the line of each epoch, and the best parameters and running state."""

    def begin(self, training: Trainer) -> None:
        self.lines: list[Mapping[str, Any]] = []
        self.best: tuple[np.ndarray, np.ndarray] | None = None

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        self.lines.append(values)
        if training.callbacks["best"].improved:
            network = training.model.network
            self.best = network.params.flat.copy(), network.state.flat.copy()


@dataclass
class Fit:
    """A network after a fit, what continues it, and while it is in memory what shows it."""

    spec: Spec
    model: Model
    slots: np.ndarray
    step: int
    history: dict[str, np.ndarray]
    shown: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"shown": None}

    def page(self) -> str | None:
        """Return the page of a fit as a frame for notebooks; None if its samples are gone."""
        if self.shown is None:
            return None
        from specnet.report.page import framed, page

        return framed(page(self.shown), "report of a fit")


@dataclass
class Shown:
    """A fit as a page shows it: `specnet.report.base.Reported`."""

    spec: Spec
    data: Data
    model: Model
    task: Any
    manifest: dict[str, Any]
    history: dict[str, np.ndarray]
    record: Mapping[str, np.ndarray]
    directory: Path
    status: str
    best: Mapping[str, Any]
    baselines: ClassVar[dict[str, Any]] = {}
    intervals: ClassVar[dict[str, Any]] = {}
    linear_baselines: ClassVar[dict[str, Any]] = {}
    stored_intervals: ClassVar[dict[str, Any]] = {}
    data_symptoms: ClassVar[list[Any]] = []  # the samples are those of the estimator's caller

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def dataset(self) -> Any:
        return self.spec.dataset

    @property
    def input_names(self) -> tuple[str, ...]:
        return self.data.input_names

    @property
    def transformed_names(self) -> tuple[str, ...]:
        return self.model.inputs.names()

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        return self.model.network.params

    @property
    def layers(self) -> Sequence[Any]:
        return self.model.network.layers

    @cached_property
    def diagnosis(self) -> Diagnosis:
        return diagnose(self, thorough=False)

    def moments(self) -> Iterator[tuple[int, Any]]:
        yield from ()  # a fit has no checkpoints

    def state(self, step: int) -> Any:
        raise RunError("a fit has no checkpoints")

    def model_at(self, step: int) -> Any:
        raise RunError("a fit has no checkpoints")

    def trace(self) -> Any:
        raise RunError("a fit is not traced; write its spec to a file for specnet trace")

    def input_gradient(self, inputs: np.ndarray, outputs: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        return self.model.input_gradient(inputs, outputs, mask)

    def look_inside(
        self, inputs: np.ndarray, wanted: Mapping[str, str], mask: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        return self.model.look_inside(inputs, wanted, mask)

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        return {split: self.evaluate(split) for split in self.data.splits}

    def predict(self, inputs: Any, mask: np.ndarray | None = None) -> np.ndarray:
        return self.model.predict(np.asarray(inputs), mask)

    def evaluate(self, data: Any) -> dict[str, float]:
        return self.model.evaluate(self.data.splits[data] if isinstance(data, str) else data)


def start_fit(spec: Spec, epochs: int | None) -> Fit:
    """Train a spec whose dataset has its samples."""
    spec = _with_epochs(spec, epochs)
    with blas_threads(None, 1):
        experiment = Experiment(spec, new=True)
        history, status = _train(experiment.trainer)
    manifest = new_manifest(experiment.spec, experiment.data) | {
        "status": status,
        "finished": now(),
        "seconds": float(history["seconds"].sum()),
        "kernels": {"name": spec.kernels_name},
    }
    watch = experiment.best.watch
    best = {
        "checkpoint": "", "epoch": len(history["epoch"]), "step": experiment.trainer.step,
        "monitor": watch and watch.monitor, "value": watch and watch.best,
    }  # fmt: skip
    shown = Shown(
        experiment.spec, experiment.data, experiment.model, experiment.task, manifest, history, {}, Path(spec.name),
        status, best,
    )  # fmt: skip
    return Fit(experiment.spec, experiment.model, experiment.trainer.slots, experiment.trainer.step, history, shown)


def continue_fit(fit: Fit, data: tuple[np.ndarray, np.ndarray, Any], epochs: int | None) -> Fit:
    """Train further on samples, which the transforms of the first fit change."""
    spec, model = _with_epochs(fit.spec, epochs), fit.model
    whole = Data(Samples(*data), classes=tuple(getattr(spec.dataset, "classes", ())))
    divided = whole if epochs else spec.split.apply(whole, stream(spec.seed, "split"))
    splits = {
        name: model.prepare(samples.map(model.inputs.apply, model.targets.apply), samples.targets)
        for name, samples in divided.splits.items()
    }
    optimizer = spec.kernels.instantiate(spec.optimizer)
    with blas_threads(None, 1):
        trainer = Trainer(model, optimizer, fresh_copy(spec.training), splits, spec.seed + fit.step, ["validation"])
        trainer.slots[...] = fit.slots
        trainer.step = fit.step
        stopping = spec.training.early_stopping
        measured = "validation" in splits
        trainer.callbacks["best"] = BestTracker(ImprovementTracker("validation/loss", "min") if measured else None)
        if stopping and measured:
            watch = ImprovementTracker(stopping.monitor, stopping.mode or "min", stopping.min_delta, stopping.patience)
            trainer.callbacks["early_stopping"] = StopEarly(watch)
        history, _ = _train(trainer)
    joined = {name: np.concatenate([fit.history.get(name, [])[:], values]) for name, values in history.items()}
    return replace(fit, slots=trainer.slots, step=trainer.step, history=joined, shown=None)


def _with_epochs(spec: Spec, epochs: int | None) -> Spec:
    if epochs is None:
        return spec
    training = spec.training.model_copy(update={"epochs": epochs, "early_stopping": None})
    return spec.model_copy(update={"training": training, "split": type(spec.split)()})


def _train(trainer: Trainer) -> tuple[dict[str, np.ndarray], str]:
    """Train to the end, and return the columns of the history and the status; the best parameters stay."""
    kept = trainer.callbacks["history"] = History()
    status = train(trainer)
    if kept.best:
        network = trainer.model.network
        network.params.flat[...], network.state.flat[...] = kept.best
    return {name: np.array([line[name] for line in kept.lines]) for name in kept.lines[0]}, status
