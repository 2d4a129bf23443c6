"""Specs whose runs are killed, and a matrix of what runs keep between steps."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers import kernel_sets

from specnet import Observer
from specnet.runs.observers import TrainingView

LINEAR = {"type": "linear", "units": 6}
OUTPUT = {"type": "linear", "units": 1}
DROPOUT = {"type": "dropout", "rate": 0.2}
SPIRAL = {
    "dataset": {"type": "spiral", "n_samples": 60},
    "split": {"validation": 0.2},
    "layers": [LINEAR, "tanh", DROPOUT, OUTPUT],
    "loss": "bce_with_logits",
    "metrics": ["accuracy"],
    "plots": [],
}
WAVES = {
    "dataset": {"type": "waves", "n_samples": 60},
    "split": {"validation": 0.2},
    "transforms": {"inputs": ["standardize"], "targets": ["standardize"]},
    "layers": [LINEAR, "tanh", OUTPUT],
    "loss": "mse",
    "metrics": ["r2"],
    "plots": [],
}
WILD = {
    "layers": [DROPOUT, OUTPUT],
    "optimizer": {"type": "sgd", "learning_rate": 2.5, "momentum": 0.1},
    "training": {"epochs": 60, "batch_size": 20},
    "checkpoint": {"every_steps": 4},
}
SPECS: dict[str, dict[str, Any]] = {
    "momentum": SPIRAL | {
        "layers": [{"type": "repeat", "times": 2, "layers": [LINEAR, "tanh", DROPOUT]}, OUTPUT],
        "optimizer": {"type": "sgd", "momentum": 0.9,
                      "learning_rate": {"type": "step", "initial": 0.1, "every_steps": 7}},
        "training": {"epochs": 10, "batch_size": 10},
        "checkpoint": {"every_steps": 3},
    },
    "nesterov": WAVES | {
        "dtype": "float64",
        "optimizer": {"type": "sgd", "momentum": 0.8, "nesterov": True,
                      "learning_rate": {"type": "exponential", "initial": 0.1, "every_steps": 5}},
        "training": {"epochs": 40, "batch_size": None},
        "record": {"every": 3, "points": 9},
    },
    "cosine": SPIRAL | {
        "layers": [{"type": "residual", "layers": [{"type": "linear", "units": 2}, DROPOUT]},
                   {"type": "parallel", "branches": [[LINEAR, "relu"], [DROPOUT], []]}, OUTPUT],
        "optimizer": {"type": "adam",
                      "learning_rate": {"type": "cosine", "initial": 0.1, "steps": 30, "warmup_steps": 5}},
        "training": {"epochs": 12, "batch_size": 11, "shuffle": False, "clip_norm": 0.1},
        "checkpoint": {"every": 1, "keep": 1},
        "record": {"every": 3, "points": 5},
    },
    "plateau": SPIRAL | {
        "optimizer": {"type": "adam", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.2, "patience": 1,
                                                        "factor": 0.5, "cooldown": 1}},
        "training": {"epochs": 25, "batch_size": 20},
        "checkpoint": {"every": 3, "keep": 2, "monitor": "validation/accuracy"},
    },
    "stopping": SPIRAL | {
        "optimizer": {"type": "adam", "learning_rate": {"type": "constant", "value": 0.3}},
        "training": {"epochs": 60, "batch_size": 20, "early_stopping": {"monitor": "validation/loss", "patience": 4}},
        "checkpoint": {"every": 4},
    },
    "diverging": WAVES | WILD,
    "restored": WAVES | WILD | {
        "training": WILD["training"] | {"on_divergence": "restore_best"},
        "record": {"every": 2, "points": 7},
    },
    "extended": WAVES | {
        "layers": [LINEAR, "tanh", DROPOUT, OUTPUT],
        "training": {"epochs": 12, "batch_size": 9},
        "checkpoint": {"every": 2, "every_steps": 4},
        "record": {"every": 1, "units": True, "budget": 20_000},
    },
    "streamed": SPIRAL | {
        "dataset": {"type": "npy", "inputs": "inputs.npy", "targets": "targets.npy", "buffer": 0.002},
        "transforms": {"inputs": ["standardize"]},
        "training": {"epochs": 4, "batch_size": 3},
        "checkpoint": {"every_steps": 5},
    },
}  # fmt: skip
SHORTER = {"extended": (3, 8)}
"""Epochs that a run may be told to end after, before it is made as long as its spec says."""
METRICS: dict[str, dict[str, Any]] = {
    "accuracy": SPIRAL | {"metrics": ["accuracy"]},
    "mse": WAVES | {"metrics": ["mse", "mae"]},
    "r2": WAVES | {"metrics": ["r2"]},
}
"""Data with metrics that sum what batches bring, and with one that needs all samples."""
OBSERVED = "observer"
STATEFUL: dict[str, dict[str, Any]] = {
    "dropout": {"layers": [LINEAR, "tanh", DROPOUT, OUTPUT]},
    "running_state": {"layers": [LINEAR, "drift", {"type": "residual", "layers": ["drift"]}, OUTPUT]},
    "plateau": {
        "layers": [LINEAR, "tanh", OUTPUT],
        "optimizer": {"type": "adam", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.1, "patience": 1,
                                                        "min_delta": 0.5, "cooldown": 1, "monitor": "train/loss"}},
    },
    OBSERVED: {"layers": [LINEAR, "tanh", OUTPUT]},
}  # fmt: skip
"""Parts that keep something: random numbers, a plugin's running state, a schedule's value, what a user adds."""
MATRIX: dict[str, dict[str, Any]] = {
    "-".join([kernels, metric, part]): METRICS[metric] | STATEFUL[part] | {
        "training": {"epochs": 6, "batch_size": 12},
        "checkpoint": {"every": 2, "every_steps": 5, "keep": 2},
        "record": {"every": 1, "points": 4},
    }
    for kernels, metric, part in itertools.product(kernel_sets(), METRICS, STATEFUL)
}  # fmt: skip
DIAGONAL = [
    "-".join(names)
    for names in itertools.islice(zip(*map(itertools.cycle, (kernel_sets(), METRICS, STATEFUL)), strict=False), 4)
]
"""A few cells of the matrix that have each kernel set, metric and part once or more."""
SPECS |= MATRIX


class Follower(Observer):
    """What a user adds to a run: it writes what it is told into a file beside the run, from where that is taken up."""

    def begin(self, view: TrainingView) -> None:
        history = view.directory / "history.jsonl"
        lines = history.read_text().splitlines()[: view.epoch] if view.epoch else []
        self.path, self.told = beside(view.directory), [*map(json.loads, lines)]

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        self.told.append(dict(values))
        self.path.write_text(json.dumps([told | {"seconds": None} for told in self.told]))


def beside(directory: Path) -> Path:
    """Return where a run's follower writes."""
    return directory.with_name(f"{directory.name}.told")
