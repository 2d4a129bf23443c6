"""The two problems of the notebook, against a computation from scratch that uses nothing of the package."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet.cli import cli

SPECS = Path(__file__).parents[1] / "specs"
EPOCHS = 300


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def train_from_scratch(weights, x, t, rate, classify):
    """Losses of full-batch gradient descent on linear 64, sigmoid, linear 64, sigmoid, linear 1."""
    w1, b1, w2, b2, w3, b3 = (weight.copy() for weight in weights)
    losses = []
    for _ in range(EPOCHS):
        h1 = sigmoid(x @ w1 + b1)
        h2 = sigmoid(h1 @ w2 + b2)
        z = h2 @ w3 + b3
        if classify:
            p = sigmoid(z)
            losses.append(-np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)))
            dz = (p - t) / len(x)
        else:
            losses.append(np.mean((z - t) ** 2))
            dz = 2 * (z - t) / len(x)
        d2 = dz @ w3.T * h2 * (1 - h2)
        d1 = d2 @ w2.T * h1 * (1 - h1)
        for parameter, gradient in (
            (w3, h2.T @ dz), (b3, dz.sum(0)), (w2, h1.T @ d2), (b2, d2.sum(0)), (w1, x.T @ d1), (b1, d1.sum(0)),
        ):  # fmt: skip
            parameter[...] -= rate * gradient
    return np.array(losses)


@pytest.mark.parametrize(
    ("name", "rate", "classify"), [("notebook_regression", 0.001, False), ("notebook_spiral", 0.4, True)]
)
def test_each_of_the_first_300_losses_is_that_of_a_computation_from_scratch(name, rate, classify, tmp_path):
    path = SPECS / f"{name}.json"
    overrides = [f"training.epochs={EPOCHS}", "plots=[]", "record=null"]
    run = specnet.run(specnet.load_spec(path, overrides), out=tmp_path / "run")
    assert CliRunner().invoke(cli, ["data", str(path), "-o", str(tmp_path / "data.npz")]).exit_code == 0
    with np.load(tmp_path / "data.npz") as arrays:
        x, t = arrays["train_inputs"], arrays["train_targets"]
    with np.load(run.directory / "checkpoints" / "step-00000000.npz") as initial:
        weights = [
            initial["params"][slot["offset"] :][: np.prod(slot["shape"])].reshape(slot["shape"])
            for slot in json.loads(str(initial["layout"]))
        ]
    assert x.dtype == np.float64
    expected = train_from_scratch(weights, x, t, rate, classify)
    assert len(run.history["train/loss"]) == EPOCHS
    np.testing.assert_allclose(run.history["train/loss"], expected, rtol=1e-9)


def test_the_regression_data_are_those_of_the_notebook():
    inputs, targets, *_ = (
        specnet.load_spec(SPECS / "notebook_regression.json", ["dataset.noise=0"])
        .dataset.load(np.random.default_rng(0))
        .train
    )
    x = inputs[:, 0]
    np.testing.assert_allclose(x, [*np.linspace(-10, 10, 300), *np.linspace(10, 20, 300)])
    np.testing.assert_allclose(targets[:300, 0], np.sin(0.5 * np.pi * x[:300]))
    np.testing.assert_allclose(targets[300:, 0], -0.01 * x[300:] * x[300:] ** np.sin(np.pi * x[300:]))


def test_the_regression_inputs_are_standardised_and_doubled(tmp_path):
    CliRunner().invoke(cli, ["data", str(SPECS / "notebook_regression.json"), "-o", str(tmp_path / "data.npz")])
    with np.load(tmp_path / "data.npz") as arrays:
        x = arrays["train_inputs"]
    np.testing.assert_allclose([x.mean(), x.std()], [0, 2], atol=1e-12)
