"""Networks are estimators of scikit-learn in every respect that the library checks, and some more."""

import json
import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from specnet_sklearn import SpecnetClassifier, SpecnetRegressor

import specnet

# Full batches without transforms: a weight of 2 can equal a sample given twice only where no batch is drawn at random.
SMALL = {
    "layers": [{"type": "linear", "units": 8}, "tanh", "linear"],
    "optimizer": {"type": "adam", "learning_rate": 0.05},
    "transforms": (),
    "epochs": 60,
    "batch_size": "full",
    "random_state": 0,
}
IRIS = load_iris(as_frame=True)
NAMES = IRIS.target_names[IRIS.target]


@pytest.mark.parametrize("estimator", [SpecnetClassifier, SpecnetRegressor])
def test_every_check_of_scikit_learn_passes(estimator):
    outcomes = check_estimator(estimator(**SMALL), on_fail=None, on_skip=None)
    assert len(outcomes) >= 55
    left = {each["check_name"]: each["exception"] for each in outcomes if each["status"] != "passed"}
    if "SCIPY_ARRAY_API" not in os.environ:  # CI sets it
        left.pop("check_array_api_input", None)
    assert left == {}


@pytest.fixture(scope="module")
def flowers():
    return SpecnetClassifier(epochs=30, random_state=0, dtype="float32").fit(IRIS.data, NAMES)


def test_names_of_classes_and_features_are_kept(flowers):
    assert flowers.score(IRIS.data, NAMES) > 0.9 and flowers.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert flowers.feature_names_in_.tolist() == IRIS.feature_names == [*flowers.model_.inputs.names()]
    probabilities = flowers.predict_proba(IRIS.data)
    assert probabilities.shape == (150, 3) and np.allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(flowers.predict(IRIS.data), flowers.classes_[probabilities.argmax(axis=1)])
    with pytest.raises(ValueError, match="feature names"):
        flowers.predict(IRIS.data.rename(columns={IRIS.feature_names[0]: "other"}))


def test_a_fit_is_the_training_of_a_run(tmp_path, flowers):
    spec = flowers.fit_.spec.to_json()
    run = specnet.run(spec, tmp_path / "run", data=(IRIS.data.to_numpy(), IRIS.target.to_numpy()), report=False)
    np.testing.assert_allclose(flowers.history_["train/loss"], run.history["train/loss"], rtol=1e-6)
    np.testing.assert_allclose(flowers.predict_proba(IRIS.data), run.predict(IRIS.data.to_numpy()), atol=1e-6)


def test_a_notebook_shows_the_page_of_the_fit(flowers):
    page = flowers._repr_html_()
    assert (
        page.startswith("<iframe") and "SpecnetClassifier" in page and "validation" not in page.partition("srcdoc")[0]
    )
    copied = pickle.loads(pickle.dumps(flowers))
    assert "<iframe" not in copied._repr_html_() and "<iframe" not in clone(flowers)._repr_html_()
    np.testing.assert_array_equal(copied.predict_proba(IRIS.data), flowers.predict_proba(IRIS.data))
    assert len(pickle.dumps(flowers)) < 100_000


def test_early_stopping_keeps_the_best_weights_and_the_validation_curve():
    made = SpecnetClassifier(early_stopping=True, patience=3, epochs=300, batch_size=8, random_state=1)
    made.set_params(optimizer={"type": "adam", "learning_rate": 0.1}).fit(IRIS.data.to_numpy(), IRIS.target)
    losses = made.history_["validation/loss"]
    assert made.n_iter_ == len(losses) < 300 and losses.argmin() == len(losses) - 4
    page = made.fit_.shown
    assert page.evaluate("validation")["loss"] == pytest.approx(losses.min())
    assert made.predict([[5, 3.4, 1.5, 0.2]]).tolist() == [0]


def test_partial_fit_goes_on_with_the_classes_and_transforms_of_the_first_call():
    made = SpecnetClassifier(**SMALL | {"transforms": ["standardize"]})
    with pytest.raises(ValueError, match="there are 3 classes, and the network returns shape"):
        SpecnetClassifier(layers=[{"type": "linear", "units": 7}], epochs=1).fit(IRIS.data, NAMES)
    with pytest.raises(TypeError, match="spec should be a dict"):
        SpecnetClassifier(spec=3).fit(IRIS.data, NAMES)
    with pytest.raises(ValueError, match="two classes"):
        made.partial_fit(IRIS.data[:50], NAMES[:50])
    order = np.random.default_rng(0).permutation(150)
    for epoch in range(40):
        part = order[epoch % 3 :: 3]
        made.partial_fit(IRIS.data.iloc[part], NAMES[part], classes=np.unique(NAMES))
    assert made.score(IRIS.data, NAMES) > 0.9 and made.n_iter_ == 40 and made.fit_.step == 40
    with pytest.raises(ValueError, match="the first call had"):
        made.partial_fit(IRIS.data[:2], ["rose", "setosa"])
    numbers = SpecnetRegressor(**SMALL).partial_fit(IRIS.data, IRIS.target * 100.0)
    for _ in range(50):
        numbers.partial_fit(IRIS.data, IRIS.target * 100.0)
    assert numbers.score(IRIS.data, IRIS.target * 100.0) > 0.8


def test_warm_start_continues_and_another_fit_begins_anew():
    made = SpecnetRegressor(**SMALL | {"epochs": 5}, warm_start=True)
    first = made.fit(IRIS.data, IRIS.target).history_["train/loss"]
    again = made.fit(IRIS.data, IRIS.target).history_["train/loss"]
    assert len(again) == 10 and np.array_equal(again[:5], first) and again[5] < first[4]
    assert len(made.set_params(warm_start=False).fit(IRIS.data, IRIS.target).history_["train/loss"]) == 5


def test_weights_of_samples_and_classes_are_multiplied():
    rare = IRIS.target.to_numpy() == 1
    x = IRIS.data.to_numpy()[:, :1]
    plain, heavy, both = (
        SpecnetClassifier(**SMALL | {"layers": ["linear"]}, class_weight=each).fit(x, rare, sample_weight=weight)
        for each, weight in [(None, None), ({True: 50, False: 1}, None), ({True: 25, False: 1}, 1.0 + rare)]
    )
    assert plain.predict(x).mean() < 0.5 < heavy.predict(x).mean()
    np.testing.assert_allclose(heavy.predict_proba(x), both.predict_proba(x), rtol=1e-9)
    with pytest.raises(ValueError, match="non-zero"):
        plain.fit(x, rare, sample_weight=np.zeros(150))


def test_a_spec_and_its_losses_are_taken(tmp_path):
    spec = {"dataset": "spiral", "layers": ["linear"], "loss": "bce_with_logits", "training": {"epochs": 7}, "seed": 5}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    y = IRIS.target > 0
    for each in (spec, tmp_path / "spec.json", str(tmp_path / "spec.json")):
        made = SpecnetClassifier(spec=each, random_state=0).fit(IRIS.data, y)
        assert made.n_iter_ == 7 and made.predict_proba(IRIS.data).shape == (150, 2)
        assert made.predict(IRIS.data).dtype == bool
    assert SpecnetClassifier(spec=spec, epochs=2).fit(IRIS.data, y).n_iter_ == 2
    hinge = SpecnetClassifier(spec=spec | {"loss": "hinge"}).fit(IRIS.data, y)
    np.testing.assert_array_equal(hinge.predict(IRIS.data), hinge.predict_proba(IRIS.data)[:, 1] >= 0.5)
    several = SpecnetRegressor(spec=spec, loss="mae", epochs=2).fit(IRIS.data, IRIS.data.to_numpy()[:, :2])
    assert several.predict(IRIS.data).shape == (150, 2)
    with pytest.raises(specnet.SpecnetError, match="no layer"):
        SpecnetClassifier(layers=["sigmod"]).fit(IRIS.data, y)


def test_pipelines_and_searches_in_several_processes_work():
    data = load_diabetes()
    network = SpecnetRegressor(**SMALL | {"layers": ["linear"], "epochs": 40})
    pipeline = make_pipeline(StandardScaler(), network)
    grid = {"specnetregressor__optimizer": ["adam", {"type": "adam", "learning_rate": 0.1}]}
    with parallel_config(backend="multiprocessing"):  # the default backend imports everything again in each process
        search = GridSearchCV(pipeline, grid, n_jobs=2, cv=2).fit(data.data, data.target)
    assert search.best_params_["specnetregressor__optimizer"] != "adam" and search.best_score_ > 0.3


def test_the_example_of_the_readme_runs():
    text = (Path(__file__).parents[1] / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    names = {}
    exec(code.replace("epochs=50", "epochs=2").replace("n_jobs=2", "cv=2"), names)
    assert names["search"].best_estimator_.n_iter_ == 2
