"""What the tests of sweeps share."""

import json

import optuna
import pytest
from specnet_sweep import sweep
from specnet_sweep.study import JOURNAL, NAME

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "split": {"validation": 0.25},
    "layers": [{"type": "linear", "units": 3}, "tanh", "linear"],
    "loss": "bce_with_logits",
    "optimizer": {"type": "sgd", "learning_rate": 0.1},
    "metrics": ["accuracy"],
    "training": {"epochs": 8},
    "checkpoint": {"every": 4},
    "record": None,
    "plots": [],
}
SWEEP = {
    "spec": "base.json",
    "minimize": "validation/loss",
    "search": {
        "optimizer.learning_rate": {"low": 0.001, "high": 1, "log": True},
        "layers.1": {"choices": ["tanh", "relu"]},
        "layers.0.units": {"low": 2, "high": 6, "step": 2},
    },
    "trials": 9,
    "generation": 3,
    "seeds": 2,
    "pruner": "median",
}


def _write(folder, changed=None, **changes):
    """Write a sweep file with its spec, each with changes and without keys that are None, and return its path."""
    (folder / "base.json").write_text(json.dumps(SPEC | (changed or {})))
    content = {key: value for key, value in {**SWEEP, **changes}.items() if value is not None}
    (folder / "sweep.json").write_text(json.dumps(content, indent=1))
    return folder / "sweep.json"


def _read(directory):
    """Return the table of a sweep, and what Optuna reads from its journal, without times."""
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(directory / JOURNAL)))
    found = optuna.load_study(study_name=NAME, storage=storage).trials
    trials = [(each.state, each.params, each.values, each.intermediate_values, each.user_attrs) for each in found]
    return json.loads((directory / "trials.json").read_text()), trials


@pytest.fixture(scope="session")
def write():
    return _write


@pytest.fixture(scope="session")
def read():
    return _read


@pytest.fixture(scope="session")
def swept(tmp_path_factory):
    """The result of a sweep that nothing has interrupted."""
    folder = tmp_path_factory.mktemp("swept")
    return sweep(_write(folder), folder / "whole", workers=1)
