import numpy as np
import pytest

import specnet
from specnet.errors import RunError, ShapeError, UsageError


def test_a_loaded_run_predicts_what_the_finished_one_did(train):
    run = train()
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_array_equal(specnet.load_run(run.directory).predict(x), run.predict(x))


def test_predictions_are_probabilities_where_the_loss_is_on_logits(train):
    run = train()
    y = run.predict(run.data.test.inputs)
    assert y.shape == (6, 1)
    assert np.mean((y >= 0.5) == run.data.test.targets[:, None]) == run.evaluate("test")["accuracy"]


def test_predictions_and_metrics_are_in_the_units_of_the_targets(train):
    layers = [{"type": "linear", "units": 1}]
    both = ["standardize"]
    run = train(
        dataset="waves", transforms={"inputs": both, "targets": both}, layers=layers, loss="mse", metrics=["mse", "r2"]
    )
    test = run.data.test
    error = run.predict(test.inputs) - test.targets
    scores = run.evaluate("test")
    assert scores["mse"] == pytest.approx(np.mean(error**2), rel=1e-6)
    deviation = run.model.targets.transforms[0].scale
    assert scores["loss"] == pytest.approx(np.mean(error**2) / deviation[0] ** 2, rel=1e-4)


def test_one_hot_targets_are_undone_to_classes(train):
    layers = [{"type": "linear", "units": 2}]
    run = train(transforms={"targets": ["one_hot"]}, layers=layers, loss="cross_entropy")
    classes = run.predict(run.data.test.inputs)
    assert classes.dtype == np.int64
    assert run.evaluate("test")["accuracy"] == np.mean(classes == run.data.test.targets)


def test_history_columns_are_arrays(train):
    history = train().history
    assert isinstance(history["validation/loss"], np.ndarray)
    assert history["epoch"].tolist() == list(range(1, 9))


def test_a_split_that_the_run_has_not_is_refused_with_those_it_has(train):
    with pytest.raises(UsageError, match="no test samples") as error:
        train(split={"validation": 0.2}).evaluate("test")
    assert "train" in str(error.value)


def test_inputs_of_another_shape_are_refused(train):
    with pytest.raises(ShapeError, match=r"shape \(3,\)"):
        train().predict(np.zeros((4, 3)))


def test_further_samples_can_be_evaluated(train):
    run = train()
    assert run.evaluate(run.data.validation) == run.evaluate("validation")


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_a_folder_that_is_no_run_is_refused(folder, tmp_path):
    with pytest.raises(RunError, match="not a run directory"):
        specnet.load_run(tmp_path / folder)


def test_plots_can_be_drawn_later(train):
    run = train()
    assert run.plots == []
    path = specnet.load_run(run.directory).plot("curves")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert run.plots == [path]


def test_a_run_whose_plugin_is_gone_tells_what_to_install(train):
    run = train()
    spec, manifest = run.directory / "spec.json", run.directory / "manifest.json"
    spec.write_text(spec.read_text().replace('"tanh"', '"tanhish"'))
    manifest.write_text(
        manifest.read_text().replace('"layers.tanh": "', '"layers.tanhish": "acme-layers 1.2", "layers.relu": "')
    )
    with pytest.raises(RunError, match=r"acme-layers 1\.2, which is not installed") as error:
        specnet.load_run(run.directory)
    assert error.value.help == "pip install acme-layers==1.2"
