"""Every registered component that has state survives being saved and loaded: none is left out of a checkpoint."""

import json

import numpy as np
import pytest
from helpers import STACKS, built_in, newest
from runs.stopped import DRIFT

import specnet

SCHEDULES = {
    "constant": {"value": 0.1},
    "step": {"initial": 0.1, "every_steps": 3},
    "exponential": {"initial": 0.1, "every_steps": 3},
    "cosine": {"initial": 0.1, "steps": 12},
    "reduce_on_plateau": {"initial": 0.1, "patience": 1, "min_delta": 0.5, "cooldown": 1, "monitor": "train/loss"},
}
OPTIMIZERS = {
    "sgd": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "adam": [{}],
}
TRANSFORMS = {
    "standardize": ["standardize"],
    "minmax": ["minmax"],
    "scale": [{"type": "scale", "factor": 0.5}],
    "one_hot": ["one_hot"],
    "gaussian_noise": [{"type": "gaussian_noise", "std": 0.1}],
}
ON_INPUTS = ("one_hot", "gaussian_noise")


def spec(path, inputs="numbers", **changes):
    """A spec of 12 steps in 4 epochs, on numbers or categories in a file."""
    generator = np.random.default_rng(1)
    kinds = {"numbers": generator.random((14, 3, 2)), "categories": generator.integers(3, size=(14, 2))}
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
        f"layers.{name}": {"layers": ["flatten", *STACKS[name], {"type": "linear", "units": 1}]}
        for name in built_in("layers")
    },
    **{
        f"optimizers.{name}.{number}": {"optimizer": {"type": name, "learning_rate": 0.01, **fields}}
        for name in built_in("optimizers")
        for number, fields in enumerate(OPTIMIZERS[name])
    },
    **{
        f"schedules.{name}": {"optimizer": {"type": "adam", "learning_rate": {"type": name, **SCHEDULES[name]}}}
        for name in built_in("schedules")
    },
    **{
        f"transforms.{name}": {
            "inputs": "categories" if name == "one_hot" else "numbers",
            "transforms": {"inputs": transforms, "targets": [] if name in ON_INPUTS else transforms},
        }
        for name, transforms in TRANSFORMS.items()
    },
}


def test_every_built_in_component_with_state_is_in_the_tables():
    """Losses, metrics, datasets, initializers and plots keep nothing from one step to the next."""
    assert sorted(TRANSFORMS) == built_in("transforms")
    assert {case.split(".")[1] for case in CASES if case.startswith("layers.")} == set(built_in("layers"))
    assert sorted(OPTIMIZERS) == built_in("optimizers")
    assert sorted(SCHEDULES) == built_in("schedules")


def end(directory):
    """The arrays and the history that a run ends in, seconds apart."""
    with np.load(newest(directory)) as file:
        arrays = {key: file[key].tobytes() for key in ("params", "slots", "state", "progress")}
    lines = (directory / "history.jsonl").read_text().splitlines()
    return arrays, [json.loads(line) | {"seconds": None} for line in lines]


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_a_component_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(changes, tmp_path):
    document = spec(tmp_path, **changes)
    specnet.run(document, tmp_path / "whole")
    document["training"] = document["training"] | {"epochs": 2}
    specnet.run(document, tmp_path / "halves")
    specnet.resume(tmp_path / "halves", ["training.epochs=4"])
    assert end(tmp_path / "halves") == end(tmp_path / "whole")


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
