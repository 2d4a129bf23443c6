"""Every registered component that has state survives being saved and loaded: none is left out of a checkpoint."""

import json

import numpy as np
import pytest
from helpers import STACKS, built_in, newest
from runs.stopped import DRIFT
from runs.test_random_transforms import RANDOM_TRANSFORMS

import specnet
from specnet.component import find_class
from specnet.runs.experiment import Experiment
from specnet.training.loop import run_epoch

SCHEDULES = {
    "constant": {"value": 0.1},
    "step": {"initial": 0.1, "every_steps": 3},
    "exponential": {"initial": 0.1, "every_steps": 3},
    "linear": {"initial": 0.1, "steps": 12},
    "polynomial": {"initial": 0.1, "steps": 12, "power": 2.0},
    "inverse_sqrt": {"initial": 0.1, "warmup_steps": 3},
    "warmup_stable_decay": {"maximum": 0.1, "steps": 12},
    "cosine_restarts": {"initial": 0.1, "first_steps": 3},
    "one_cycle": {"maximum": 0.1, "steps": 12},
    "cyclic": {"minimum": 0.01, "maximum": 0.1, "half_cycle_steps": 2},
    "multi_step": {"initial": 0.1, "milestone_steps": [3]},
    "piecewise": {"values": [0.1, 0.01], "boundary_steps": [5]},
    "join": {
        "schedules": [{"type": "linear", "initial": 0.1}, {"type": "cosine", "initial": 0.1, "steps": 9}],
        "boundary_steps": [5],
    },
    "warmup": {
        "steps": 3,
        "schedule": {
            "type": "reduce_on_plateau",
            "initial": 0.1,
            "patience": 1,
            "min_delta": 0.5,
            "monitor": "train/loss",
        },
    },
    "cosine": {"initial": 0.1, "steps": 12},
    "reduce_on_plateau": {"initial": 0.1, "patience": 1, "min_delta": 0.5, "cooldown": 1, "monitor": "train/loss"},
}
OPTIMIZERS = {
    "sgd": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "adam": [{"amsgrad": True}],
    "lbfgs": [{}],
}
"""Some of them, saved to files; all are resumed in memory."""
TRANSFORMS = {
    "standardize": ["standardize"],
    "minmax": ["minmax"],
    "scale": [{"type": "scale", "factor": 0.5}],
    "one_hot": ["one_hot"],
    "gaussian_noise": [{"type": "gaussian_noise", "std": 0.1}],
    "robust": ["robust"],
    "clip": [{"type": "clip", "low": 0.1, "high": 0.9}],
    "log": [{"type": "log", "offset": 1}],
    "power": ["power"],
    "quantile": ["quantile"],
    "bins": [{"type": "bins", "n_bins": 3}],
    "polynomial": [{"type": "polynomial", "degree": 2}],
    "fourier_features": [{"type": "fourier_features", "n_features": 4}],
    "pca": ["pca"],
    "impute": ["impute"],
    "ordinal": ["ordinal"],
    "date_parts": ["date_parts"],
}
TOGETHER = {
    "shapes": [{"type": "reshape", "target_shape": [3, 2]}, {"type": "permute", "dims": [1, 0]}, "zero_pad", "crop",
               "reverse", "shift", "identity", {"type": "slice", "step": 2}, "flatten",
               {"type": "repeat_vector", "n": 2}],
    "sequences": [{"type": "reshape", "target_shape": [3, 2]}, "upsample1d", "max_pool1d", "average_pool1d",
                  {"type": "global_max_pool", "keepdims": True}],
    "images": [{"type": "reshape", "target_shape": [3, 2, 1]}, {"type": "upsample2d", "size": 4}, "max_pool2d",
               "average_pool2d", "global_average_pool"],
    "convolutions of sequences": [
        {"type": "reshape", "target_shape": [3, 2]},
        *({"type": name, "filters": 2, "kernel_size": 2} for name in ("conv1d", "conv1d_transpose")),
    ],
    "convolutions of images": [
        {"type": "reshape", "target_shape": [3, 2, 1]},
        {"type": "depthwise_conv2d", "kernel_size": 3, "padding": "same"},
        *({"type": name, "filters": 2, "kernel_size": 2, "padding": "same"}
          for name in ("conv2d", "separable_conv2d", "locally_connected2d", "conv2d_transpose")),
    ],
}  # fmt: skip
"""Layers after six features."""
SEQUENCES = [
    "masking", {"type": "positional_encoding", "kind": "learned"},
    {"type": "lstm", "units": 3, "bidirectional": True, "return_sequences": True, "dropout": 0.2},
    {"type": "multi_head_attention", "num_heads": 2, "dropout": 0.2},
    {"type": "time_distributed", "layers": [{"type": "linear", "units": 2}]},
    {"type": "gru", "units": 2, "return_sequences": True, "recurrent_dropout": 0.2}, {"type": "rnn", "units": 2},
]  # fmt: skip
WHOLE = [{"type": "embedding", "input_dim": 3, "output_dim": 2}, "flatten"]
ON_TARGETS = ("standardize", "minmax", "scale", "robust", "log", "power", "quantile", "pca")
ROWS = ("bins", "polynomial", "fourier_features", "pca", "date_parts")
"""Transforms of rows of columns."""


def spec(path, inputs="numbers", **changes):
    """A spec of 12 steps in 4 epochs, on numbers or categories in a file."""
    generator = np.random.default_rng(1)
    kinds = {"numbers": generator.random((14, 3, 2)), "categories": generator.integers(3, size=(14, 2))}
    kinds["rows"] = generator.random((14, 3))
    np.savez(path / "data.npz", inputs=kinds[inputs], targets=generator.random((14, 1)) + 1)
    return {
        "seed": 4,
        "dataset": {"type": "npz", "path": str(path / "data.npz")},
        "split": {"validation": 0.1},
        "layers": ["flatten", {"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
        "loss": "mse",
        "optimizer": {"type": "sgd", "learning_rate": 0.001, "momentum": 0.9},
        "training": {"epochs": 4, "batch_size": 5},
        "plots": [],
        **changes,
    }


CASES = {
    **{
        f"layers.{name}": {"layers": ["flatten", *layers, "flatten", {"type": "linear", "units": 1}]}
        for name, layers in (STACKS | TOGETHER).items()
        if name in built_in("layers") or name in TOGETHER
    },
    "layers.recurrent": {"layers": [*SEQUENCES, {"type": "linear", "units": 1}]},
    "layers.whole": {"inputs": "categories", "layers": [*WHOLE, {"type": "linear", "units": 1}]},
    **{
        f"optimizers.{name}.{number}": {"optimizer": {"type": name, "learning_rate": 0.01, **fields}}
        | ({"training": {"epochs": 4, "batch_size": "full"}} if name == "lbfgs" else {})
        for name, rows in OPTIMIZERS.items()
        for number, fields in enumerate(rows)
    },
    **{
        f"schedules.{name}": {"optimizer": {"type": "adam", "learning_rate": {"type": name, **SCHEDULES[name]}}}
        for name in built_in("schedules")
    },
    **{
        f"transforms.{name}": {
            "inputs": "categories" if name in ("one_hot", "ordinal") else "rows" if name in ROWS else "numbers",
            "transforms": {"inputs": transforms, "targets": transforms if name in ON_TARGETS else []},
        }
        for name, transforms in TRANSFORMS.items()
    },
}


def test_every_built_in_component_with_state_is_in_the_tables():
    """Losses, metrics, datasets, initializers and plots keep nothing from one step to the next."""
    assert sorted([*TRANSFORMS, *RANDOM_TRANSFORMS]) == built_in("transforms")
    stacks = json.dumps([changes for case, changes in CASES.items() if case.startswith("layers.")])
    assert [name for name in built_in("layers") if f'"{name}"' not in stacks] == []
    assert sorted(SCHEDULES) == built_in("schedules")


def end(directory):
    """The arrays and the history that a run ends in, seconds apart."""
    with np.load(newest(directory)) as file:
        arrays = {key: file[key].tobytes() for key in ("params", "slots", "state", "progress")}
    lines = (directory / "history.jsonl").read_text().splitlines()
    return arrays, [json.loads(line) | {"seconds": None} for line in lines]


def marks(case):
    """Layers of most modules keep only parameters from one step to the next: the long command alone tries them."""
    group, name, *_ = case.split(".")
    if group != "layers" or name in ("recurrent", "whole", "linear", "repeat"):
        return []
    draws_or_counts = name in STACKS and find_class(group, name).__module__ in (
        "specnet.layers.regularization",
        "specnet.layers.normalization",
    )
    return [] if draws_or_counts else [pytest.mark.long]


@pytest.mark.parametrize("changes", [pytest.param(CASES[case], id=case, marks=marks(case)) for case in CASES])
def test_a_component_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(changes, tmp_path):
    document = spec(tmp_path, **changes)
    specnet.run(document, tmp_path / "whole", report=False)
    document["training"] = document["training"] | {"epochs": 2}
    specnet.run(document, tmp_path / "halves", report=False)
    specnet.resume(tmp_path / "halves", ["training.epochs=4"], report=False)
    assert end(tmp_path / "halves") == end(tmp_path / "whole")


def test_every_optimizer_goes_on_from_a_state_as_if_it_had_never_stopped(tmp_path):
    for name in sorted(built_in("optimizers")):
        document = spec(tmp_path, optimizer=name, training={"epochs": 4, "batch_size": "full"}, record=None)
        whole, resumed = (Experiment(specnet.load_spec(document)) for _ in range(2))
        for _ in range(2):
            run_epoch(whole.trainer)
        resumed.restore(whole.state().copy())
        for each in (whole, resumed):
            for _ in range(2):
                run_epoch(each.trainer)
        ends = [each.state() for each in (whole, resumed)]
        for key, array in ends[0].arrays.items():
            assert array.tobytes() == ends[1].arrays[key].tobytes(), (name, key)


def test_a_plugins_layer_keeps_its_running_state_and_its_random_numbers(install, tmp_path):
    install("specnet-drift", "drift = drift_plugin:Drift", drift_plugin=DRIFT)
    layers = ["flatten", "drift", {"type": "repeat", "times": 2, "layers": ["drift"]}, {"type": "linear", "units": 1}]
    test_a_component_goes_on_from_a_checkpoint_as_if_it_had_never_stopped({"layers": layers}, tmp_path)
    with np.load(tmp_path / "whole/checkpoints/step-00000012.npz") as file:
        assert file["state"].shape == (3 * 7,)
        assert file["state"][6] == 12  # the first layer's count of steps


ROUNDED = """
import numpy as np
from specnet import Loss, Metric

class Rounded(Loss):
    def forward(self, y, target):
        self.difference = y - target
        return np.mean(self.difference**2)

    def backward(self):
        return self.difference * self.difference.dtype.type(2 / self.difference.size)

class Mean(Metric):
    def reset(self):
        self.keep(total=np.float64(0.0), count=0)

    def update(self, prediction, target):
        self.total += prediction.sum(dtype=np.float64)
        self.count += len(prediction)

    def compute(self):
        return np.float32(self.total / self.count)
"""


def test_a_plugins_loss_or_metric_may_give_numpys_numbers(install, tmp_path):
    points = "[specnet.losses]\nrounded = rounded_plugin:Rounded\n[specnet.metrics]\nmean = rounded_plugin:Mean"
    install("specnet-rounded", points, rounded_plugin=ROUNDED)
    changes = {"loss": "rounded", "metrics": ["mean"], "checkpoint": {"every_steps": 1}}
    test_a_component_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(changes, tmp_path)
