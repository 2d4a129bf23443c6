import copy
import pickle

import numpy as np
import pytest

import specnet
from specnet.datasets.base import Samples
from specnet.errors import DataError, ShapeError
from specnet.training.model import ROWS, Model
from specnet.transforms.pipeline import Pipeline


def model(layers, loss, inputs=(), targets=(), *, metrics=(), dtype="float64"):
    pipelines = [
        Pipeline([specnet.build("transforms", spec) for spec in specs], ("transforms", place))
        for specs, place in ((inputs, "inputs"), (targets, "targets"))
    ]
    network = specnet.build_network(layers, (3,), dtype, seed=2)
    return Model(
        network, specnet.build("losses", loss), *pipelines, [specnet.build("metrics", name) for name in metrics]
    )


LINEAR = [{"type": "linear", "units": 1}]
x = np.random.default_rng(1).normal(10, 3, (7, 3))


def test_each_quantile_is_predicted_in_the_units_of_the_dataset():
    loss = {"type": "quantile", "quantiles": [0.1, 0.9]}
    layer = {"type": "linear", "units": 4, "weight_init": "zeros", "bias_init": "ones"}
    trained = model([layer], loss, targets=["standardize"])
    trained.targets.fit(np.array([[0.0, 100.0], [2.0, 140.0]]))
    np.testing.assert_allclose(trained.predict(x[:1]), [[2, 140, 2, 140]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_are_in_the_units_of_the_dataset(dtype):
    built, t = model(LINEAR, "mse", ["standardize"], ["standardize"], metrics=["mse"], dtype=dtype), x @ [1, 2, 3]
    built.inputs.fit(x)
    built.targets.fit(t)
    weight, bias = built.network.params["layers.0.weight"], built.network.params["layers.0.bias"]
    expected = ((x - x.mean(0)) / x.std(0) @ weight + bias) * t.std() + t.mean()
    np.testing.assert_allclose(built.predict(x), expected, rtol=1e-4 if dtype == "float32" else 1e-12)
    scores = built.evaluate(Samples(x, t))
    mse = np.mean((expected[:, 0] - t) ** 2)
    assert scores == pytest.approx({"loss": mse / t.var(), "mse": mse}, rel=1e-3 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize(
    ("loss", "layers"), [("bce_with_logits", LINEAR), ("cross_entropy", [{"type": "linear", "units": 4}])]
)
def test_logits_are_predicted_as_probabilities(loss, layers):
    p = model(layers, loss).predict(x)
    assert ((p >= 0) & (p <= 1)).all()
    if loss == "cross_entropy":
        np.testing.assert_allclose(p.sum(-1), 1)


def test_a_class_encoded_as_one_hot_is_predicted_as_itself():
    built = model([{"type": "linear", "units": 3}], "cross_entropy", targets=["one_hot"], metrics=["accuracy"])
    t = np.array([4, 9, 4, 7, 9, 9, 4])
    built.targets.fit(t)
    prediction = built.predict(x)
    assert set(prediction.tolist()) <= {4, 7, 9}
    assert built.evaluate(Samples(x, t))["accuracy"] == np.mean(prediction == t)


@pytest.mark.parametrize("count", [1, ROWS - 1, ROWS, 2 * ROWS + 1])
def test_many_rows_go_through_a_few_at_a_time(count):
    built = model([*LINEAR, {"type": "dropout", "rate": 0.5}], "mse")
    many = np.random.default_rng(2).normal(size=(count, 3))
    np.testing.assert_allclose(built.outputs(many)[0], built.network.forward(many), rtol=1e-12)


@pytest.mark.parametrize("shape", [(7, 2), (7, 1), (7,), (7, 3, 1)])
@pytest.mark.parametrize("inputs", [[], ["standardize"]])
def test_inputs_of_another_shape_are_refused(inputs, shape):
    built = model(LINEAR, "mse", inputs)
    built.inputs.fit(x)
    with pytest.raises(ShapeError):
        built.predict(np.ones(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_numbers_that_are_not_finite_in_the_dtype_are_refused_by_row(value):
    wrong = x.copy()
    wrong[4, 1] = value
    with pytest.raises(DataError, match="input in row 4 is not finite as float32"):
        model(LINEAR, "mse", dtype="float32").predict(wrong)
    with pytest.raises(DataError, match="target in row 4 is not finite as float32"):
        model(LINEAR, "mse", dtype="float32").evaluate(Samples(x, wrong[:, 1]))


def test_a_metric_that_does_not_fit_is_named():
    built = model([{"type": "linear", "units": 4}], "cross_entropy", metrics=["accuracy", "mse"])
    with pytest.raises(ShapeError) as caught:
        built.evaluate(Samples(x, np.zeros(7, int)))
    assert caught.value.pointer == ("metrics", 1)


def test_a_model_and_a_run_survive_pickling_and_a_deep_copy_and_predict_the_same(tmp_path):
    spec = {
        "dataset": {"type": "spiral", "n_samples": 40},
        "transforms": {"inputs": ["standardize"]},
        "layers": [
            {"type": "linear", "units": 4},
            "tanh",
            {"type": "dropout", "rate": 0.5},
            {"type": "linear", "units": 1},
        ],
        "loss": "bce_with_logits",
        "metrics": ["accuracy"],
        "training": {"epochs": 2},
        "plots": [],
    }
    run = specnet.run(spec, tmp_path / "run", report=False)
    x = run.data.train.inputs
    expected = run.predict(x)
    for twin in (pickle.loads(pickle.dumps(run.model)), copy.deepcopy(run.model)):
        np.testing.assert_array_equal(twin.predict(x), expected)
        assert np.shares_memory(twin.network.params.flat, twin.network.params["layers.0.weight"])
        assert not np.shares_memory(twin.network.params.flat, run.model.network.params.flat)
    again = pickle.loads(pickle.dumps(run))
    np.testing.assert_array_equal(again.predict(x), expected)
    assert again.checkpoint == run.checkpoint.resolve()
