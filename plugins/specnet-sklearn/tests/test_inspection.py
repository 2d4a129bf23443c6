"""What a network looks at, against scikit-learn's inspection of the same predictor."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence as sklearn_dependence
from sklearn.inspection import permutation_importance as sklearn_importance
from sklearn.metrics import make_scorer, mean_squared_error

import specnet
from specnet.inspection.dependence import partial_dependence
from specnet.inspection.importance import permutation_importance

SPEC = {
    "dataset": {"type": "diabetes"},
    "split": {"test": 0.3},
    "transforms": {"inputs": ["standardize"], "targets": ["standardize"]},
    "layers": [{"type": "linear", "units": 8}, "tanh", {"type": "linear", "units": 1}],
    "loss": "mse",
    "metrics": ["mse"],
    "training": {"epochs": 20},
    "record": None,
    "plots": [],
}


class Predictor(RegressorMixin, BaseEstimator):
    """A run as an estimator that is already fitted."""

    def __init__(self, run=None):
        self.run = run

    def fit(self, x, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, x):
        return self.run.predict(np.asarray(x))[:, 0]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return specnet.run(SPEC, tmp_path_factory.mktemp("run") / "diabetes", report=False)


def test_the_mean_rise_of_the_error_is_that_of_scikit_learn_up_to_the_permutations(run):
    x, y = run.data.test.inputs, run.data.test.targets.reshape(-1)
    scorer = make_scorer(mean_squared_error, greater_is_better=False)
    theirs = sklearn_importance(Predictor(run), x, y, scoring=scorer, n_repeats=60, random_state=0)
    ours = {each.column: each.rises["mse"] for each in permutation_importance(run, repeats=60).columns}
    for place, name in enumerate(run.input_names):
        error = theirs.importances_std[place] * np.sqrt(2 / 60)  # of the difference of two means
        assert abs(ours[name].mean - theirs.importances_mean[place]) < 5 * error + 1e-9
        half = (ours[name].interval[1] - ours[name].interval[0]) / 2
        assert half == pytest.approx(1.96 * theirs.importances_std[place] / np.sqrt(60), rel=0.5)


def test_partial_dependence_and_individual_curves_are_those_of_scikit_learn(run):
    x = run.data.test.inputs
    for found in partial_dependence(run, ["age", "bmi", "sex"]):
        place = run.input_names.index(found.column)
        theirs = sklearn_dependence(
            Predictor(run), x, [place], kind="both", method="brute", custom_values={place: found.values}
        )
        np.testing.assert_allclose(found.mean[:, 0], theirs["average"][0], rtol=1e-5)
        rows = np.unique(np.linspace(0, len(x) - 1, len(found.individual)).round().astype(int))
        np.testing.assert_allclose(found.individual[..., 0], theirs["individual"][0][rows], rtol=1e-5)
