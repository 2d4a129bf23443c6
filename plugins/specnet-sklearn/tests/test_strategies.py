"""The seven curves of scikit-learn's example of learning strategies, from its weights and with its order of samples."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler

import specnet
from specnet.runs.experiment import Experiment
from specnet.training.loop import run_epoch

SPEC = Path(__file__).parents[1] / "specs" / "digits_strategies.json"
# There the rate of epoch k is 0.2 / sqrt(n k + 1), for n samples.
FALLING = {
    "type": "piecewise",
    "boundaries": [*range(1, 15)],
    "values": [0.2 / np.sqrt(1797 * k + 1) for k in range(15)],
}
SGD = {"solver": "sgd", "learning_rate_init": 0.2}
INVERSE = {**SGD, "learning_rate": "invscaling"}
STEPS = {"type": "sgd", "learning_rate": FALLING, "momentum": 0.9, "momentum_of": "steps"}
STRATEGIES = {
    "constant": ({**SGD, "momentum": 0}, {"type": "sgd", "learning_rate": 0.2}),
    "momentum": ({**SGD, "nesterovs_momentum": False}, {"type": "sgd", "learning_rate": 0.2, "momentum": 0.9}),
    "nesterov": (SGD, None),
    "falling": ({**INVERSE, "momentum": 0}, {"type": "sgd", "learning_rate": FALLING}),
    "falling, momentum": ({**INVERSE, "nesterovs_momentum": False}, STEPS),
    "falling, nesterov": (INVERSE, {**STEPS, "nesterov": True}),
    "adam": ({"learning_rate_init": 0.01}, {"type": "adam", "learning_rate": 0.01}),
}
"""Fields of scikit-learn and an optimizer here. There momentum keeps past rates."""


def fit(x, y, epochs, **fields):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops before it has converged, as it should
        return MLPClassifier(random_state=0, max_iter=epochs, shuffle=False, tol=0, **fields).fit(x, y)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Return the samples, and a file of the weights that scikit-learn begins with."""
    x, y = load_digits(return_X_y=True)
    x = MinMaxScaler().fit_transform(x)
    start = fit(x, y, 1, solver="sgd", learning_rate_init=1e-300)
    path = tmp_path_factory.mktemp("start") / "start.npz"
    places = {"layers.1": 0, "layers.3": 1}
    weights = {f"{place}.weight": start.coefs_[n] for place, n in places.items()}
    np.savez(path, **weights, **{f"{place}.bias": start.intercepts_[n] for place, n in places.items()})
    return x, y, path


@pytest.mark.parametrize("epochs", [2, pytest.param(15, marks=pytest.mark.long)])
def test_losses_are_those_of_scikit_learn(digits, epochs):
    x, y, path = digits
    changes = [f"training.epochs={epochs}", "training.shuffle=false", "dtype=float64", f"pretrained.file={path}"]
    for name, (fields, optimizer) in STRATEGIES.items():
        own = [f"optimizer={json.dumps(optimizer)}"] if optimizer else []
        trainer = Experiment(specnet.load_spec(SPEC, [*changes, *own]), new=True).trainer
        lines = [run_epoch(trainer) for _ in range(epochs)]
        found = [line["train/loss"] + line["train/l2"] for line in lines]
        expected = fit(x, y, epochs, **fields).loss_curve_
        rtol = 0.02 if name == "adam" else 1e-3  # its epsilon is there added to a root that is not corrected
        np.testing.assert_allclose(found, expected, rtol=rtol, err_msg=name)
