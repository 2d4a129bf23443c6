"""What a run adds to its steps: checks, history, the best state, signals and the progress bar.

The loop of `specnet run` with its bar, between the end of the first epoch and that of the last, against the same
steps with nothing around them: forward, loss, backward, update. The bar draws on a terminal that nobody looks at; no
checkpoint falls between these two moments. Two kinds of runs, both with a step of about half a millisecond: one whose
epoch is a single full batch, so that each step has its line of history, and one with 128 batches an epoch.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import specnet
from benchmarks.measure import Comparison, take_turns
from benchmarks.work import SPECS, digits_spec, write_digits
from specnet.cli.progress import show_progress
from specnet.runs.experiment import Experiment
from specnet.runs.observers import TrainingView
from specnet.training.update import Updater

TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "100"}


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of a step of runs, and of bare steps."""
    with tempfile.TemporaryDirectory() as name, terminal():
        folder = Path(name)
        write_digits(folder / "digits.npz", 256 if short else 4096)
        full = [*limits(3 if short else 2000), "dtype=float32", "dataset.n_samples=2000"]
        specs = {
            "full batch": specnet.load_spec(SPECS / "notebook_regression.json", full),
            "batches": specnet.load_spec(digits_spec(folder / "digits.npz", 32), limits(3 if short else 15)),
        }
        found = []
        for kind, spec in specs.items():
            calls = {"specnet": whole(spec, folder), "bare steps": bare(spec)}
            take_turns(calls, 1)
            found.append(Comparison("overhead", kind, take_turns(calls, rounds), per="step"))
    return found


def limits(epochs: int) -> list[str]:
    """Return what makes a run so long, and lets it save nothing before its end."""
    return [f"training.epochs={epochs}", f"checkpoint.every={epochs + 1}", "plots=[]", "record=null"]


@contextmanager
def terminal() -> Iterator[None]:
    """Let the bar believe that it is seen."""
    before = dict(os.environ)
    os.environ.update(TERMINAL)
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Stopwatch(specnet.Observer):
    """Passes on what it is told, and notes when epochs end."""

    def __init__(self, observer: specnet.Observer) -> None:
        self.observer = observer
        self.moments: list[float] = []
        self.steps: list[int] = []

    def begin(self, view: TrainingView) -> None:
        self.observer.begin(view)

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        self.observer.epoch(view, values)
        self.moments.append(perf_counter())
        self.steps.append(view.step)


def whole(spec: specnet.Spec, folder: Path) -> Callable[[], float]:
    """Return what gives the seconds of a step of a run."""

    def call() -> float:
        with show_progress(quiet=False) as observer:
            stopwatch = Stopwatch(observer)
            specnet.run(spec, tempfile.mkdtemp(dir=folder), stopwatch, report=False)
        return (stopwatch.moments[-1] - stopwatch.moments[0]) / (stopwatch.steps[-1] - stopwatch.steps[0])

    return call


def bare(spec: specnet.Spec) -> Callable[[], float]:
    """Return what gives the seconds of a step that nothing looks after."""

    def call() -> float:
        experiment = Experiment(spec)
        network, loss, optimizer = experiment.model.network, experiment.model.loss, experiment.trainer.optimizer
        train = experiment.splits["train"]
        x, target = train.inputs, train.targets
        update = Updater(network, optimizer, np.zeros_like(experiment.trainer.slots))
        rng, step = np.random.default_rng(0), 0
        size = spec.training.batch_size or len(x)
        for epoch in range(spec.training.epochs):
            if epoch == 1:  # as in a run, the first one does not count
                start, warm = perf_counter(), step
            order = rng.permutation(len(x)) if size < len(x) else None
            for first in range(0, len(x), size):
                rows = None if order is None else order[first : first + size]
                y = network.propagate(x if rows is None else np.take(x, rows, axis=0), training=True)
                loss.forward(y, target if rows is None else np.take(target, rows, axis=0))
                network.backpropagate(loss.backward())
                update(step)
                step += 1
        return (perf_counter() - start) / (step - warm)

    return call
