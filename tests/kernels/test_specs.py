"""The specs in the default kernels and in the definitions themselves: the same histories but for rounding."""

from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.runs.experiment import Experiment
from specnet.training.loop import run_epoch

SPECS = sorted(path for path in (Path(__file__).parents[2] / "specs").glob("*.json") if "schema" not in path.name)
EPOCHS = {"mnist": 2}
"""Epochs of a spec that takes long; all others are trained for 20."""


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_definitions_train_as_the_default_kernels_do(path):
    epochs = EPOCHS.get(path.stem, 20)
    histories = []
    for kernels in ("textbook", "numpy"):
        spec = specnet.load_spec(path, ["dtype=float64", f"training.epochs={epochs}"], kernels=kernels)
        trainer = Experiment(spec).trainer
        histories.append([run_epoch(trainer) for _ in range(epochs)])
    for expected, found in zip(*histories, strict=True):
        assert list(found) == list(expected)
        for name in {*expected} - {"seconds"}:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-6)
