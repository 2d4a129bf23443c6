"""Specs whose runs are killed, and a matrix of what runs keep between steps."""

from __future__ import annotations

import itertools
from typing import Any

from helpers import kernel_sets

from specnet import registry

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
        "training": {"epochs": 16, "batch_size": 20},
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
        "training": {"epochs": 9, "batch_size": 9},
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
SHORTER = {"extended": (3, 6)}
"""Epochs that a run may be told to end after, before it is made as long as its spec says."""
NOISE = {"type": "gaussian_noise", "std": 0.1}
METRICS: dict[str, dict[str, Any]] = {
    "accuracy": SPIRAL | {"metrics": ["accuracy"]},
    "sums": WAVES | {"metrics": ["mse", "mae", "r2"]},
    "samples": WAVES | {"metrics": ["typical"]},
}
"""Data with metrics that count, that sum moments, and that keep all samples."""
CALLBACKS = "callbacks"
STATEFUL: dict[str, dict[str, Any]] = {
    "random": {"transforms": {"inputs": ["standardize", NOISE]}, "layers": [LINEAR, "tanh", DROPOUT, OUTPUT]},
    "running_state": {"layers": [LINEAR, "drift", {"type": "residual", "layers": ["drift"]}, OUTPUT]},
    "plateau": {
        "layers": [LINEAR, "tanh", OUTPUT],
        "optimizer": {"type": "adam", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.1, "patience": 1,
                                                        "min_delta": 0.5, "cooldown": 1, "monitor": "train/loss"}},
    },
    CALLBACKS: {"layers": [LINEAR, "tanh", OUTPUT]},
}  # fmt: skip
"""Parts that keep something: random numbers, a plugin's running state, a schedule's value, callbacks. The spec of the
last ones names one, and the process that trains adds another."""
TRAINING = {"epochs": 5, "batch_size": 12}
KERNELS = [*kernel_sets(), *sorted(registry.claims("kernels").keys() - {*kernel_sets()})]
"""Sets of kernels: first our own, then those of plugins."""
MATRIX: dict[str, dict[str, Any]] = {
    "-".join([kernels, metric, part]): METRICS[metric] | STATEFUL[part] | {
        "training": TRAINING | ({"callbacks": ["trace"]} if part == CALLBACKS else {}),
        "checkpoint": {"every": 2, "every_steps": 5, "keep": 2},
        "record": {"every": 1, "points": 4},
    }
    for kernels, metric, part in itertools.product(KERNELS, METRICS, STATEFUL)
}  # fmt: skip
DIAGONAL = [
    "-".join(names)
    for names in itertools.islice(zip(*map(itertools.cycle, (KERNELS, METRICS, STATEFUL)), strict=False), 4)
]
"""A few cells of the matrix that have each kernel set, metric and part once or more."""
SPECS |= MATRIX

POINTS = "drift = drift_plugin:Drift\n[specnet.metrics]\ntypical = keeping_plugin:Typical\n"
POINTS += "[specnet.callbacks]\ntrace = keeping_plugin:Trace"
KEEPING = """
import numpy as np
from specnet import Callback, Metric


class Typical(Metric):
    '''Median and mean of errors, of all samples and of a sum that becomes a scalar of NumPy.'''

    higher_is_better = False
    keeps_samples = True

    def reset(self):
        self.keep(errors=np.zeros(0, np.float32), total=0)

    def update(self, prediction, target):
        errors = np.abs(prediction.reshape(-1) - target.reshape(-1)).astype(np.float32)
        self.errors = np.concatenate([self.errors, errors])
        self.total += np.sum(errors)

    def compute(self):
        return {"median": np.median(self.errors), "mean": self.total / len(self.errors)}


class Trace(Callback):
    '''Keeps an array, a list that grows, and a scalar of NumPy.'''

    def model_post_init(self, context):
        self.seen, self.mean, self.steps = [], 0.0, np.int64(0)

    def step(self, training):
        self.mean = 0.5 * (self.mean + training.model.network.params.flat)
        self.steps += 1

    def epoch(self, training, values):
        self.mean *= 0.9
        self.seen.append({"epoch": values["epoch"], "loss": values["train/loss"]})

    def state(self):
        return {"seen": self.seen, "mean": self.mean, "steps": self.steps}

    def restore(self, saved):
        self.seen, self.mean, self.steps = saved["seen"], saved["mean"], saved["steps"]
"""
"""What the distribution of the tests adds to the layer drift."""
