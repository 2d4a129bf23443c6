"""Small trained runs, in memory, for plots to show."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from specnet.datasets.base import AnySamples, Data, Dataset, StreamedSamples
from specnet.datasets.rows import Rows
from specnet.functions import evenly_spaced
from specnet.runs.experiment import Experiment
from specnet.runs.trained.unsaved import UnsavedRun
from specnet.spec.load import load_spec
from specnet.spec.model import Spec
from specnet.training.loop import run_epoch

EPOCHS = 3
"""Epochs of a small run."""
KERNELS = {"type": "conv2d", "filters": 2, "kernel_size": 3}
HEADS = {"type": "multi_head_attention", "num_heads": 1}
EMBEDDING = {"type": "embedding", "output_dim": 4}
_ROWS = 300
"""Maximum number of samples in each split of a spec's own data."""


def _spec(dataset: dict[str, Any], before: list[Any], units: int, loss: str, metrics: list[str]) -> dict[str, Any]:
    return {
        "name": "small",
        "dataset": {"n_samples": 60, **dataset},
        "split": {"validation": 0.25},
        "layers": [*before, {"type": "linear", "units": 6}, "tanh", {"type": "linear", "units": units}],
        "loss": loss,
        "metrics": metrics,
        "plots": [],
        "checkpoint": {"keep": 1},
    }


SPECS: Mapping[str, dict[str, Any]] = {
    "two classes of points in a plane": _spec({"type": "spiral"}, [], 1, "bce_with_logits", ["accuracy"]),
    "a curve": _spec({"type": "waves"}, [], 1, "mse", ["r2"]),
    "four classes of images": _spec({"type": "shapes"}, [KERNELS, "flatten"], 4, "cross_entropy", ["accuracy"]),
    "sequences": _spec({"type": "sines", "length": 8}, [HEADS, "flatten"], 1, "mse", []),
    "sequences of symbols": {
        **_spec({"type": "copy", "length": 3}, [EMBEDDING], 10, "cross_entropy", ["accuracy"]),
        "record": {"tokens": 8},
    },
}
"""Problems that a plot may be able to show."""


def before_training(run: UnsavedRun) -> UnsavedRun:
    """Return a run before its first epoch: its history is empty."""
    return _with(run, history={})


def streamed(run: UnsavedRun) -> UnsavedRun:
    """Return a run with samples that are read piece by piece."""
    splits: dict[str, Any] = {name: _streamed(samples) for name, samples in run.data.splits.items()}
    return _with(run, data=dataclasses.replace(run.data, **splits))


def _with(run: UnsavedRun, **changes: Any) -> UnsavedRun:
    other = copy.copy(run)
    vars(other).update(changes)
    return other


def _streamed(samples: AnySamples) -> StreamedSamples:
    inputs, targets = (
        Rows(array.shape, array.dtype, lambda start, stop, array=array: array[start:stop].copy())  # type: ignore[misc]
        for array in (samples.inputs, samples.targets)
    )
    return StreamedSamples(inputs, targets, 8000)


@cache
def small_runs() -> dict[str, UnsavedRun]:
    """Return a trained run of each problem, by description."""
    return {about: train_briefly(load_spec(spec)) for about, spec in SPECS.items()}


def train_briefly(spec: Spec) -> UnsavedRun:
    """Return a run of a spec after a few epochs, kept in memory."""
    experiment = Experiment(spec)
    trainer, recorder = experiment.trainer, experiment.recorder
    if recorder:
        trainer.callbacks["recorder"] = recorder
        recorder.begin(trainer)
    lines = [run_epoch(trainer) for _ in range(EPOCHS)]
    run = experiment.unsaved_run()
    run.history = {name: np.array([line[name] for line in lines]) for name in lines[0]}
    return run


class Cut(Dataset):
    """Some of another dataset's samples; `data` are all of them."""

    def load(self, rng: np.random.Generator) -> Data:
        chosen: dict[str, Any] = {
            name: part.select(evenly_spaced(len(part.inputs), _ROWS)) for name, part in self.data.splits.items()
        }
        return dataclasses.replace(self.data, **chosen)

    def function(self, x: np.ndarray) -> np.ndarray | None:
        return self.whole.function(x)


def cut(spec: Spec, data: Data) -> Spec:
    """Return a spec with only some of its own data, split as before."""
    dataset = Cut()
    dataset.data, dataset.whole = data, spec.dataset
    return spec.model_copy(update={"dataset": dataset, "split": type(spec.split)(), "plots": []})
