"""A checkpoint of 100 MB, against the same arrays in a plain `numpy.savez` with one fsync.

What specnet does more: arrays are checked to be finite, the file is read back and digested, renamed and its directory
synced, `latest.json` is written before and after, `best.json` after, the oldest checkpoint is deleted.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

import specnet
from specnet.runs.checkpoints import Checkpoints
from specnet.runs.directory import RunDirectory, claim_directory
from specnet.runs.experiment import Experiment
from specnet.runs.index import Index, file_name
from specnet.runs.state import read_checkpoint

INPUTS, UNITS = 2_000, 4_166
"""A linear layer of 8.3 million parameters; with Adam's two slots these are 100 MB of float32."""


def make_experiment(folder: Path) -> Experiment:
    """Return an experiment whose checkpoints are large, after a step of training."""
    generator = np.random.default_rng(0)
    np.savez(folder / "data.npz", inputs=generator.random((2, INPUTS)), targets=generator.random((2, UNITS)))
    spec = {
        "dataset": {"type": "npz", "path": str(folder / "data.npz")},
        "layers": [{"type": "linear", "units": UNITS}],
        "loss": "mse",
        "checkpoint": {"keep": 1},
    }
    experiment = Experiment(specnet.load_spec(spec))
    experiment.run_epoch(lambda: None)
    return experiment


class Plain:
    """What a script would do."""

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        network = experiment.model.network
        self.arrays = {"params": network.params.flat, "slots": experiment.trainer.slots, "state": network.state.flat}
        self.folder = folder
        self.step = 0

    def save(self) -> None:
        """Write the arrays to a new file and delete the last one."""
        self.step += 1
        with (self.folder / f"{self.step}.npz").open("wb") as file:
            np.savez(file, **self.arrays)
            file.flush()
            os.fsync(file.fileno())
        (self.folder / f"{self.step - 1}.npz").unlink(missing_ok=True)

    def load(self) -> None:
        """Read the arrays of the last file."""
        with np.load(self.folder / f"{self.step}.npz") as file:
            for name in file.files:
                _ = file[name]


class Ours:
    """What a run does."""

    def __init__(self, experiment: Experiment, directory: RunDirectory) -> None:
        self.experiment = experiment
        self.directory = directory
        self.checkpoints = Checkpoints(directory, experiment.spec, experiment.model.network.params.layout)
        self.first = self._snapshot(copy=True)
        self.checkpoints.save(self.first, self.first, {})

    def _snapshot(self, copy: bool) -> specnet.training.trainer.Snapshot:
        moment = {"epoch": 1, "step": 1}
        return self.experiment.snapshot(copy=copy, best=moment, history_length=1, history_sha256="")

    def save(self) -> None:
        """Save a state between two that are kept, as a run does."""
        trainer = self.experiment.trainer
        trainer.step += 1
        self.checkpoints.save(self._snapshot(copy=False), self.first, {})

    def load(self) -> None:
        """Read the last state and check it."""
        step = self.experiment.trainer.step
        path = self.directory.path / "checkpoints" / file_name(step)
        read_checkpoint(path, Index(self.directory.path).stamps[step], self.experiment.spec)


def times(calls: Sequence[Callable[[], None]], rounds: int) -> list[list[float]]:
    """Return the seconds of each call in each round; rounds go through the calls in turn."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, seconds in zip(calls, found, strict=True):
            start = perf_counter()
            call()
            seconds.append(perf_counter() - start)
    return found


def main(rounds: int = 15) -> None:
    """Print seconds and ratios."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        experiment = make_experiment(folder)
        with claim_directory(folder / "run") as directory:
            plain, ours = Plain(experiment, folder), Ours(experiment, directory)
            size = sum(array.nbytes for array in plain.arrays.values())
            print(f"a checkpoint of {size / 1e6:.0f} MB, {rounds} rounds")
            print(f"{'':<6}{'numpy':>10}{'':>10}{'specnet':>10}{'':>10}{'ratio':>10}{'':>10}")
            print(f"{'':<6}" + f"{'best':>10}{'median':>10}" * 3)
            for verb in ("save", "load"):
                (first, second) = times([getattr(plain, verb), getattr(ours, verb)], rounds)
                row = [min(first), median(first), min(second), median(second)]
                ratios = [min(second) / min(first), median(second) / median(first)]
                print(f"{verb:<6}" + "".join(f"{1e3 * value:>7.1f} ms" for value in row), end="")
                print("".join(f"{value:>10.2f}" for value in ratios))


if __name__ == "__main__":
    main()
