import json

import numpy as np
import pytest

import specnet
from specnet.functions import wilson

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 2))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train on classes, and on numbers that depend on the inputs linearly."""
    common = {"optimizer": {"type": "adam", "learning_rate": 0.05}, "split": {"test": 0.5}, "training": {"epochs": 3}}
    noise = 0.5 * RNG.normal(size=200)
    classes = {"name": "classes", "layers": ["linear"], "loss": "bce_with_logits", "metrics": ["accuracy", "roc_auc"]}
    numbers = {"name": "numbers", "layers": ["linear"], "loss": "mse", "metrics": ["mse", "r2"]}
    runs = []
    for spec, targets in ((classes, (X[:, 0] + noise > 0).astype(int)), (numbers, X @ [3.0, -2.0] + 7 + noise)):
        folder = tmp_path_factory.mktemp("runs") / spec["name"]
        runs.append(specnet.run({**common, **spec}, out=folder, data=(X, targets)))
    return runs


def test_every_figure_of_the_test_split_has_an_interval_around_it(trained):
    for run in trained:
        written = json.loads((run.directory / "results.json").read_text())
        assert written["interval"] == {"test": {name: [*limits] for name, limits in run.intervals["test"].items()}}
        scores = run.evaluate("test")
        assert run.intervals["test"].keys() == scores.keys()
        for name, (low, high) in run.intervals["test"].items():
            assert low < scores[name] < high


def test_the_accuracy_has_wilsons_interval_and_an_error_that_of_the_bootstrap(trained):
    classes, numbers = trained
    assert classes.intervals["test"]["accuracy"] == wilson(np.array(100), classes.evaluate("test")["accuracy"])
    test = numbers.data.test
    errors = (numbers.predict(test.inputs) - test.targets.reshape(-1, 1)) ** 2
    half = 1.96 * errors.std() / np.sqrt(len(errors))
    np.testing.assert_allclose(numbers.intervals["test"]["mse"], errors.mean() + half * np.array([-1, 1]), rtol=0.1)


def test_a_regression_has_the_closed_form_of_a_linear_one_beside_it(trained):
    classes, numbers = trained
    assert classes.linear_baselines == {}
    train, test = (np.column_stack([each.inputs, np.ones(100)]) for each in (numbers.data.train, numbers.data.test))
    w = np.linalg.pinv(train) @ numbers.data.train.targets.reshape(-1)
    expected = np.mean((test @ w - numbers.data.test.targets.reshape(-1)) ** 2)
    assert numbers.linear_baselines["test"]["mse"] == pytest.approx(expected)
    assert json.loads((numbers.directory / "results.json").read_text())["linear_baseline"]["test"]["mse"] > 0


def test_the_page_shows_intervals_and_baselines(trained):
    page = (trained[1].directory / "report.html").read_text()
    for title in ("test, 95 % interval", "test, baseline", "train, linear"):
        assert title in page
