"""The specs in the default kernels and in the definitions themselves: the same histories but for rounding."""

from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.runs.experiment import Experiment
from specnet.training.loop import run_epoch

SPECS = sorted(path for path in (Path(__file__).parents[2] / "specs").glob("*.json") if "schema" not in path.name)
EPOCHS = {
    "mnist": 2,
    "digits_conv": 1,
    "digits_autoencoder": 1,
    "adding": 1,
    "nielsen": 2,
    "mackey_glass": 2,
    "grokking": 3,
    "sunspots": 2,
    **dict.fromkeys(("adding_100", "mnist1d_mlp", "mnist1d_cnn", "mnist1d_gru", "copy", "characters"), 2),
}
"""Epochs of specs that take long; all others are trained for 20."""
FEWER = {
    "digits_conv": ["split.validation=0.95"],
    "digits_autoencoder": ["split.validation=0.9"],
    "adding": ["dataset.n_samples=4000"],
    "adding_100": ["dataset.n_samples=1000"],
    "mnist1d_mlp": ["dataset.n_samples=500"],
    "mnist1d_cnn": ["dataset.n_samples=500"],
    "mnist1d_gru": ["dataset.n_samples=500"],
    "copy": ["dataset.n_samples=500"],
    "characters": ["dataset.stride=4000"],
}
"""Overrides that leave fewer samples to train on: in more steps of an LSTM, differences of the last digit grow."""


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.long] * (path.stem in FEWER), id=path.stem) for path in SPECS],
)
def test_the_definitions_train_as_the_default_kernels_do(path):
    epochs = EPOCHS.get(path.stem, 20)
    changes, histories = ["dtype=float64", f"training.epochs={epochs}"], []
    for kernels in ("textbook", "numpy"):
        spec = specnet.load_spec(path, [*changes, *FEWER.get(path.stem, [])], kernels=kernels)
        trainer = Experiment(spec).trainer
        histories.append([run_epoch(trainer) for _ in range(epochs)])
    for expected, found in zip(*histories, strict=True):
        assert list(found) == list(expected)
        for name in {*expected} - {"seconds"}:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-6)
