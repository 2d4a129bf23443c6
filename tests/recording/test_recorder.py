"""What a run records: values against those computed anew from the run's own checkpoints."""

import signal

import numpy as np
import pytest

import specnet
from specnet.errors import DataError, Interrupted
from specnet.recording.recorder import FLAT, PROBED

EVERY = {"every": 1, "keep": 100}
HIDDEN = [{"type": "linear", "units": 5}, "tanh", {"type": "linear", "units": 3}, "relu"]


@pytest.fixture
def train(tmp_path):
    """Train a small spec with changes, all its checkpoints kept; return its directory and the arrays of its record."""

    def call(record, **changes):
        spec = {
            "seed": 3,
            "dataset": {"type": "spiral", "n_samples": 60},
            "split": {"validation": 0.2},
            "transforms": {"inputs": ["standardize"]},
            "layers": [*HIDDEN, {"type": "linear", "units": 1}],
            "loss": "bce_with_logits",
            "metrics": ["accuracy"],
            "training": {"epochs": 6, "batch_size": 20},
            "checkpoint": EVERY,
            "record": record,
            "plots": [],
        }
        run = specnet.run(specnet.load_spec(spec | changes), out=tmp_path / "run", report=False)
        with np.load(run.directory / "record.npz") as file:
            return run.directory, {name: file[name] for name in file.files}

    return call


def at_epochs(directory, epochs):
    """The run as it was after each epoch."""
    history = specnet.load_run(directory).history
    steps = {0: 0} | dict(zip(history["epoch"].tolist(), history["step"].tolist(), strict=True))
    return [specnet.load_run(directory, steps[epoch]) for epoch in epochs]


def test_of_two_inputs_predictions_over_a_grid_are_kept(train):
    directory, record = train({"every": 2, "points": 7, "margin": 1.0})
    assert record["epochs"].tolist() == [0, 2, 4, 6]
    assert record["predictions"].shape == (4, 7, 7, 1)
    assert record["predictions"].dtype == np.float16
    for run, predictions in zip(at_epochs(directory, record["epochs"]), record["predictions"], strict=True):
        inputs = np.concatenate([samples.inputs for samples in run.data.splits.values()])
        for number in (0, 1):
            axis = record[f"axis_{number}"]
            np.testing.assert_allclose(axis[[0, -1]], [inputs[:, number].min() - 1, inputs[:, number].max() + 1])
            np.testing.assert_allclose(np.diff(axis), axis[1] - axis[0])
        point = np.array([[record["axis_0"][2], record["axis_1"][5]]])
        assert predictions[2, 5] == pytest.approx(run.predict(point)[0], abs=1e-3)


def test_of_one_input_a_curve_in_the_units_of_the_targets_is_kept(train):
    both = {"inputs": ["standardize"], "targets": ["standardize"]}
    directory, record = train({}, dataset="waves", transforms=both, loss="mse", metrics=[])
    assert record["predictions"].shape == (7, 200, 1)
    assert record["predictions"].dtype == np.float32
    (last,) = at_epochs(directory, [6])
    np.testing.assert_allclose(record["predictions"][-1], last.predict(record["axis_0"][:, np.newaxis]), rtol=1e-5)
    x = np.concatenate([samples.inputs for samples in last.data.splits.values()])
    span = x.max() - x.min()
    np.testing.assert_allclose(record["axis_0"][[0, -1]], [x.min() - 0.1 * span, x.max() + 0.1 * span])


@pytest.mark.parametrize("columns", [1, 2])
def test_missing_values_do_not_change_the_range_of_a_grid(columns, train, tmp_path):
    inputs = np.random.default_rng(3).normal(size=(60, columns))
    inputs[[5, 50], 0] = np.nan
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=np.arange(60) % 2)
    dataset = {"type": "npz", "path": str(tmp_path / "data.npz")}
    directory, record = train({"margin": 1.0}, dataset=dataset, transforms={"inputs": ["impute", "standardize"]})
    for number in range(columns):
        known = inputs[~np.isnan(inputs[:, number]), number]
        np.testing.assert_allclose(record[f"axis_{number}"][[0, -1]], [known.min() - 1, known.max() + 1])
    (last,) = at_epochs(directory, [6])
    corner = last.predict([[record[f"axis_{number}"][0] for number in range(columns)]])
    assert record["predictions"][-1].reshape(-1)[0] == pytest.approx(corner[0, 0], abs=1e-3)
    last.plot("decision_boundary" if columns == 2 else "history_grid")
    last.report()


@pytest.mark.parametrize(("split", "name"), [({"test": 0.5, "validation": 0.1}, "test"), ({}, "train")])
def test_of_images_some_samples_of_the_last_split_are_kept(train, split, name):
    layers = ["flatten", *HIDDEN, {"type": "linear", "units": 4}]
    shapes = {"type": "shapes", "n_samples": 60, "size": 15}
    further = {"transforms": {}, "loss": "cross_entropy", "split": split}
    directory, record = train({"every": 3, "samples": 20}, dataset=shapes, layers=layers, **further)
    assert str(record["sample_split"]) == name
    assert record["predictions"].shape == (3, 20, 4)
    (last,) = at_epochs(directory, [6])
    samples = last.data.splits[name]
    rows = record["sample_rows"]
    assert (rows[0], rows[-1], len(set(rows))) == (0, len(samples.inputs) - 1, 20)
    np.testing.assert_allclose(record["predictions"][-1], last.predict(samples.inputs[rows]), atol=1e-3)


def test_class_numbers_are_kept_as_they_are(train):
    layers = [*HIDDEN, {"type": "linear", "units": 2}]
    _, record = train({}, transforms={"targets": ["one_hot"]}, layers=layers, loss="mse")
    assert record["predictions"].dtype == np.int64
    assert set(np.unique(record["predictions"])) <= {0, 1}


def test_values_of_the_history_are_kept_beside_the_frames(train):
    directory, record = train({"every": 4})
    history = specnet.load_run(directory).history
    assert record["epochs"].tolist() == [0, 4, 6]
    for name in ("train/loss", "validation/loss", "train/accuracy", "optimizer.learning_rate"):
        np.testing.assert_array_equal(record[name], [np.nan, *history[name][[3, 5]]])
    assert "seconds" not in record


def test_norms_are_those_of_each_layer_and_of_the_last_step(train):
    """With plain gradient descent the step is the gradient times the learning rate."""
    directory, record = train({"every": 2}, optimizer={"type": "sgd", "learning_rate": 0.1})
    assert record["layers"].tolist() == ["layers.0", "layers.2", "layers.4"]
    runs = at_epochs(directory, record["epochs"])
    for number, layer in enumerate(record["layers"]):
        flats = [np.concatenate([run.params[f"{layer}.{name}"].ravel() for name in ("weight", "bias")]) for run in runs]
        np.testing.assert_allclose(
            record["weight_norms"][:, number], [np.linalg.norm(flat) for flat in flats], rtol=1e-5
        )
    np.testing.assert_allclose(record["update_norms"], 0.1 * record["gradient_norms"], rtol=1e-3)
    assert np.isnan(record["gradient_norms"][0]).all()
    assert (record["gradient_norms"][1:] > 0).all()


def test_a_step_of_a_whole_epoch_is_as_large_as_the_parameters_move(train):
    directory, record = train({"every": 1}, training={"epochs": 3, "batch_size": None})
    runs = at_epochs(directory, record["epochs"])
    for before, after, norms in zip(runs, runs[1:], record["update_norms"][1:], strict=False):
        moved = {name: after.params[name] - before.params[name] for name in after.params}
        for layer, norm in zip(record["layers"], norms, strict=True):
            both = np.concatenate([moved[f"{layer}.weight"].ravel(), moved[f"{layer}.bias"]])
            assert norm == pytest.approx(np.linalg.norm(both), rel=1e-4)


def test_units_are_dead_or_saturated_whose_slope_is_0_for_all_samples(train):
    weights = {"type": "uniform", "low": 3.0, "high": 5.0}
    layers = [{"type": "linear", "units": 5, "weight_init": weights}, "relu", "tanh", {"type": "linear", "units": 1}]
    directory, record = train({}, layers=layers, optimizer={"type": "sgd", "learning_rate": 30.0})
    assert record["activations"].tolist() == ["layers.1", "layers.2"]
    shares = []
    for run in at_epochs(directory, record["epochs"]):
        assert len(run.data.train.inputs) <= PROBED
        x = run.model.inputs.apply(run.data.train.inputs).astype(np.float32)
        shut = (relu := np.maximum(x @ run.params["layers.0.weight"] + run.params["layers.0.bias"], 0)) <= 0
        flat = 1 - np.tanh(relu) ** 2 < FLAT
        shares.append([shut.all(axis=0).mean(), flat.all(axis=0).mean()])
    np.testing.assert_allclose(record["dead_units"], shares, rtol=1e-6)
    assert len(np.unique(shares)) > 1, "the test should see units die"


def test_activations_inside_other_layers_are_judged_too(train):
    inside = {"type": "residual", "layers": [{"type": "linear", "units": 5}, "sigmoid"]}
    _, record = train({}, layers=[HIDDEN[0], inside, {"type": "linear", "units": 1}])
    assert record["activations"].tolist() == ["layers.1.layers.1"]
    assert record["layers"].tolist() == ["layers.0", "layers.1.layers.0", "layers.2"]


def test_softmax_and_dropout_are_no_activations_of_single_units(train):
    layers = [HIDDEN[0], "dropout", "softmax", {"type": "linear", "units": 1}]
    _, record = train({}, layers=layers)
    assert record["activations"].tolist() == []
    assert record["dead_units"].shape == (7, 0)


def test_responses_of_hidden_units_are_kept_if_they_are_asked_for(train):
    directory, record = train({"every": 3, "units": True})
    assert record["unit_layers"].tolist() == ["layers.1", "layers.3"]
    assert record["units/layers.1"].shape == (3, 32, 32, 5)
    assert record["units/layers.3"].shape == (3, 32, 32, 3)
    assert record["units/layers.1"].dtype == np.float16
    for run, responses in zip(at_epochs(directory, record["epochs"]), record["units/layers.1"], strict=True):
        corner = run.model.inputs.apply(np.array([[record["axis_0"][0], record["axis_1"][-1]]])).astype(np.float32)
        expected = np.tanh(corner @ run.params["layers.0.weight"] + run.params["layers.0.bias"])
        np.testing.assert_allclose(responses[0, -1], expected[0], atol=1e-3)


def test_units_of_one_input_respond_along_the_curve(train):
    _, record = train({"units": True}, dataset="waves", loss="mse", metrics=[])
    assert record["units/layers.3"].shape == (7, 200, 3)


def test_of_a_wide_layer_the_first_units_are_kept(train):
    _, record = train({"units": True}, layers=[{"type": "linear", "units": 80}, "relu", {"type": "linear", "units": 1}])
    assert record["units/layers.1"].shape == (7, 32, 32, 64)


def test_responses_of_no_units_cannot_be_asked_for(train):
    with pytest.raises(DataError, match="no layer but the last") as caught:
        train({"units": True}, layers=[{"type": "linear", "units": 1}, "tanh"], loss="mse")
    assert caught.value.pointer == ("record", "units")


@pytest.mark.parametrize("record", [{"points": 5}, {"margin": 1.0}, {"units": True}])
def test_a_grid_cannot_be_asked_for_with_other_inputs_than_one_or_two(train, record):
    images = {"dataset": {"type": "shapes", "n_samples": 20, "size": 15}, "transforms": {}}
    with pytest.raises(DataError, match="needs one or two inputs") as caught:
        train(record, layers=["flatten", {"type": "linear", "units": 4}], loss="cross_entropy", **images)
    assert caught.value.pointer[0] == "record"
    assert "leave" in caught.value.help


def test_a_transform_that_does_not_take_a_grid_leaves_samples(train, install, tmp_path):
    source = """
import numpy as np
from specnet import Transform
from specnet.errors import DataError, Interrupted

class Roots(Transform):
    def fit(self, x): ...
    def apply(self, x):
        if x.min() < 0:
            raise DataError("there is no root")
        return np.sqrt(x)
    def invert(self, y): return y * y
    def save(self): return {}
    def restore(self, state): ...
"""
    install("acme", "[specnet.transforms]\nroots = acme_roots:Roots", acme_roots=source)
    rng = np.random.default_rng(0)
    inputs = rng.uniform(0, 1, (20, 1))
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=inputs)
    transforms = {"inputs": ["roots"]}
    _, record = train(
        {}, dataset={"type": "npz", "path": str(tmp_path / "data.npz")}, transforms=transforms, loss="mse", metrics=[]
    )
    assert record["predictions"].shape == (7, len(record["sample_rows"]), 1)
    assert "axis_0" not in record


def test_a_budget_drops_frames_but_not_the_first_and_the_last(train):
    frame = 5 * 5 * 2 + (3 * 3 + 2) * 4 + 8
    _, record = train({"every": 1, "points": 5, "budget": 4 * frame}, training={"epochs": 20, "batch_size": None})
    assert record["epochs"][[0, 1, -1]].tolist() == [0, 2, 20]
    assert len(record["epochs"]) == 4
    assert all(len(array) == 4 for name, array in record.items() if name in ("predictions", "train/loss", "dead_units"))


def test_a_record_does_not_change_what_is_trained(train, tmp_path):
    with_record, _ = train({"every": 1, "units": True}, layers=[*HIDDEN, "dropout", {"type": "linear", "units": 1}])
    spec = specnet.load_spec(with_record / "spec.json", ["record=null"])
    without = specnet.run(spec, out=tmp_path / "without", report=False)
    assert not (without.directory / "record.npz").exists()
    np.testing.assert_array_equal(
        specnet.load_run(with_record).model.network.params.flat, without.model.network.params.flat
    )
    assert specnet.load_run(with_record).history["train/loss"].tolist() == without.history["train/loss"].tolist()


def test_the_last_frame_of_a_shorter_run_goes_when_it_goes_on(train):
    directory, record = train({"every": 4})
    assert record["epochs"].tolist() == [0, 4, 6]
    specnet.resume(directory, ["training.epochs=9"], report=False)
    with np.load(directory / "record.npz") as record:
        assert record["epochs"].tolist() == [0, 4, 8, 9]


def contents(directory):
    with np.load(directory / "record.npz") as file:
        return {name: file[name].tobytes() for name in file.files}


def test_a_run_that_is_stopped_after_its_last_epoch_ends_in_the_same_record(train, tmp_path):
    """No frame is due in epoch 13; the last one is kept all the same, with the norms of its step."""
    changes = {"training": {"epochs": 13, "batch_size": 20}, "checkpoint": {"every": 5}}
    directory, _ = train({}, **changes)

    class Stopping(specnet.Observer):
        def epoch(self, view, values):
            if view.epoch == 13:
                signal.raise_signal(signal.SIGTERM)

    spec = specnet.load_spec(directory / "spec.json")
    with pytest.raises(Interrupted):
        specnet.run(spec, tmp_path / "stopped", Stopping(), report=False)
    specnet.resume(tmp_path / "stopped", report=False)
    assert contents(tmp_path / "stopped") == contents(directory)


def test_who_goes_back_behind_dropped_frames_may_stop_there_and_goes_on_to_the_same_record(train, tmp_path):
    frame = 5 * 5 * 2 + (3 * 3 + 2) * 4 + 8
    changes = {"training": {"epochs": 20, "batch_size": None}}
    directory, _ = train({"every": 1, "points": 5, "budget": 5 * frame}, **changes)
    before = contents(directory)

    class Stopping(specnet.Observer):
        def epoch(self, view, values):
            signal.raise_signal(signal.SIGTERM)

    for step in (12, "latest", "latest"):
        with pytest.raises(Interrupted):
            specnet.resume(directory, observer=Stopping(), checkpoint=step, report=False)
    specnet.resume(directory, report=False)
    assert contents(directory) == before


def test_responses_that_float16_cannot_hold_are_told_as_the_largest_that_it_can(train):
    layers = [{"type": "linear", "units": 3, "weight_init": {"type": "constant", "value": 1e6}}, "relu"]
    _, record = train({"units": True}, layers=[*layers, {"type": "linear", "units": 1, "weight_init": "zeros"}])
    assert record["units/layers.1"].max() == np.finfo(np.float16).max
