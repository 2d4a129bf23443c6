"""A checkpoint of 100 MB, against the same arrays in a plain `numpy.savez` with one fsync.

What specnet does more: arrays are checked to be finite, the file is read back and digested, renamed and its directory
synced, and the oldest checkpoint is deleted. The files are in the directory for temporary ones, which the variable
TMPDIR chooses.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

import specnet
from benchmarks.measure import Comparison, clocked, take_turns
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.kernels import describe_kernels
from specnet.runs.provenance.manifest import new_manifest
from specnet.runs.storage.checkpoints import Checkpoints
from specnet.runs.storage.directory import RunDirectory, claim_directory
from specnet.runs.storage.state import describe_origin, file_name, identify, read_checkpoint
from specnet.training.loop import run_epoch
from specnet.training.state import TrainingState

INPUTS, UNITS = 2_000, 4_166
"""A linear layer of 8.3 million parameters; with Adam's two slots these are 100 MB of float32."""


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of saving and of loading."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        experiment = make_experiment(folder, INPUTS // 100 if short else INPUTS)
        with claim_directory(folder / "run") as directory:
            plain, ours = Plain(experiment, folder), Ours(experiment, directory)
            found = {}
            for verb in ("save", "load"):
                calls = {"specnet": clocked(getattr(ours, verb)), "numpy.savez": clocked(getattr(plain, verb))}
                found[verb] = take_turns(calls, rounds)
            size = sum(array.nbytes for array in plain.arrays.values()) // 10**6
    return [Comparison("checkpoint", f"{verb} {size} MB", figures) for verb, figures in found.items()]


def make_experiment(folder: Path, inputs: int) -> Experiment:
    """Return an experiment whose checkpoints are large, after a step of training."""
    generator = np.random.default_rng(0)
    np.savez(folder / "data.npz", inputs=generator.random((2, inputs)), targets=generator.random((2, UNITS)))
    spec = {
        "dataset": {"type": "npz", "path": str(folder / "data.npz")},
        "layers": [{"type": "linear", "units": UNITS}],
        "loss": "mse",
        "checkpoint": {"keep": 1},
    }
    experiment = Experiment(specnet.load_spec(spec))
    run_epoch(experiment.trainer)
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
        manifest = new_manifest(experiment.spec, experiment.data) | {"kernels": describe_kernels("numpy")}
        self.origin = describe_origin(manifest)
        spec = experiment.spec
        self.identity = identify(spec.to_json(), spec, self.origin)
        self.checkpoints = Checkpoints(directory, spec, experiment.model.network.params.layout, self.origin)
        self.first = self._state(copied=True)
        self.checkpoints.save(self.first, self.first)

    def _state(self, copied: bool) -> TrainingState:
        state = self.experiment.state(copied)
        state.progress["identity"] = self.identity
        state.put("callbacks.checkpoints", {"epoch": 1, "step": 1, "monitor": "train/loss"})
        state.put("callbacks.history", {"length": 1, "sha256": ""})
        return state

    def save(self) -> None:
        """Save a state between two that are kept, as a run does."""
        trainer = self.experiment.trainer
        trainer.step += 1
        self.checkpoints.save(self._state(copied=False), self.first)

    def load(self) -> None:
        """Read the last state and check it."""
        step = self.experiment.trainer.step
        path = self.directory.path / "checkpoints" / file_name(step)
        read_checkpoint(path, self.experiment.spec, [self.identity])
