"""A trace is what a run computes, and can be checked by hand."""

import json

import numpy as np
import pytest
from runs.sequences import register

import specnet
from specnet.errors import UsageError

LINEAR = {"type": "linear", "units": 3}
LAST = {"type": "linear", "units": 1}
X = np.random.default_rng(1).normal(size=(12, 2))
SPEC = {
    "seed": 3,
    "dtype": "float64",
    "dataset": {"type": "spiral", "n_samples": 12},
    "split": {"validation": 0},
    "layers": [LINEAR, "tanh", LAST],
    "loss": "bce_with_logits",
    "training": {"epochs": 2, "batch_size": 5},
    "record": None,
    "plots": [],
}
SGD = {"type": "sgd", "learning_rate": 0.1}
TRAINING = SPEC["training"]
SHARED = [{**LINEAR, "units": 2, "name": "a"}, "tanh", {**LINEAR, "units": 2, "share": "a"}, "tanh", LAST]
NAMED = [{**LINEAR, "name": "a"}, {"type": "tanh", "name": "b"}, {"type": "add", "from": ["a", "b"]}, LAST]
COMPOSITE = [
    LINEAR,
    {"type": "residual", "layers": [LINEAR, "tanh"]},
    {"type": "repeat", "times": 2, "layers": [LINEAR, "gelu"]},
    {"type": "parallel", "branches": [[LINEAR], []]},
    LAST,
]
CASES = {
    "adam": {},
    "clipped": {"training": {**TRAINING, "clip_norm": 0.05, "clip_value": 0.03}},
    "clipped by weight": {"training": {**TRAINING, "clip_norm_per_weight": 0.02}},
    "weight decay": {"optimizer": {"type": "adamw", "weight_decay": 0.1}},
    "penalties": {"training": {**TRAINING, "l2": 0.1, "l1": 0.01}, "optimizer": SGD},
    "activity": {"layers": [{**LINEAR, "activity_l2": 0.1, "max_norm": 0.5}, "tanh", LAST]},
    "schedule": {"optimizer": {**SGD, "momentum": 0.9, "learning_rate": {"type": "cosine", "initial": 0.1}}},
    "momentum from 0": {"optimizer": {**SGD, "momentum": {"type": "linear", "initial": 0.0, "final": 0.9}}},
    "dropout": {"layers": [LINEAR, {"type": "dropout", "rate": 0.4}, LAST]},
    "batch norm": {"layers": [LINEAR, "batch_norm", "tanh", LAST]},
    "accumulation": {"training": {**TRAINING, "batch_size": 2, "gradient_accumulation_steps": 3}},
    "composites": {"layers": COMPOSITE},
    "named outputs": {"layers": NAMED},
    "shared": {"layers": SHARED},
    "frozen": {"layers": [{**LINEAR, "trainable": False}, "tanh", LAST]},
    "averaged": {"training": {**TRAINING, "weight_averaging": {"type": "ema"}}},
    "plateau": {"optimizer": {**SGD, "learning_rate": {"type": "reduce_on_plateau", "initial": 0.1, "patience": 1,
                                                       "monitor": "train/loss"}}},
    "smaller batches": {"training": {"epochs": 2, "batch_size": {"type": "piecewise", "boundaries": [1],
                                                                 "values": [12, 3]}}},
    "sharpness-aware": {"optimizer": {"type": "sam", "optimizer": SGD}},
    "groups": {"optimizer": {**SGD, "groups": [{"layers": [0], "learning_rate": 0.5}]}},
    "class weights": {"loss": {"type": "bce_with_logits", "pos_weight": 3.0}},
    "recurrent": {
        "dataset": {"type": "copy", "n_samples": 12, "length": 3, "symbols": 4},
        "layers": [
            {"type": "embedding", "output_dim": 4},
            {"type": "lstm", "units": 4, "return_sequences": True},
            "linear",
        ],
        "loss": "cross_entropy",
    },
    "quasi-Newton": {"optimizer": "lbfgs", "training": {"epochs": 3, "batch_size": "full"}},
    "augmented": {"transforms": {"inputs": ["standardize", {"type": "gaussian_noise", "std": 0.1}]}},
    "weighted sum": {"loss": {"type": "bce_with_logits", "reduction": "sum"}, "optimizer": SGD},
    "masked": {
        "dataset": {"type": "padded", "form": "masked", "target": "sequence"},
        "layers": [LINEAR, "tanh", "mean_over_time", LAST],
        "loss": "mse",
    },
}  # fmt: skip


def make(**changes):
    return specnet.load_spec({**SPEC, **changes}, kernels="textbook")


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_a_trace_ends_in_the_parameters_of_the_run(changes, local, tmp_path):
    register()
    spec = make(**changes)
    run = specnet.run(spec, out=tmp_path / "run", report=False)
    steps = max(run.steps)
    found = specnet.trace(spec, samples=None, steps=steps)
    names = {row.place for row in found.rows if row.phase == "update" and row.name == "gradient"}
    assert names
    state, layout = run.state(steps), run.model.network.params.slots
    for slot in layout:
        if slot.name in names:
            expected = state.arrays["params"][slot.part].reshape(slot.shape)
            np.testing.assert_allclose(found[slot.name, "after", steps], expected, rtol=1e-12, atol=1e-14)
            np.testing.assert_array_equal(found[slot.name, "before", steps], found[slot.name, "after", steps - 1])


def test_the_heads_of_a_network_are_traced_as_in_a_run(tmp_path):
    spec = specnet.load_spec(
        "specs/penguins_heads.json", ['dtype="float64"', "training.epochs=1", "record=null"], kernels="textbook"
    )
    run = specnet.run(spec, out=tmp_path / "run", report=False, plots=False)
    found = specnet.trace(spec, None, max(run.steps))
    for name, values in run.params.items():
        np.testing.assert_allclose(found[name, "after", max(run.steps)], values, rtol=1e-12, atol=1e-14)


def test_the_numbers_are_those_of_the_formulas():
    spec = make(optimizer={**SGD, "momentum": 0.5}, loss="mse")
    t = specnet.trace(spec, samples=2, steps=2)
    for step in (1, 2):
        x, w, b = (t["layers.0", name, step] for name in ("x", "weight", "bias"))
        assert x.shape == (2, 2)
        np.testing.assert_allclose(t["layers.0", "y", step], x @ w + b, rtol=1e-12)
        h = np.tanh(x @ w + b)
        v, c = t["layers.2", "weight", step], t["layers.2", "bias", step]
        y = h @ v + c
        error = y - t["loss", "target", step]
        assert t["loss", "loss", step] == pytest.approx(np.mean(error**2), rel=1e-12)
        dy = error  # 2 (y - t) / 2
        np.testing.assert_allclose(t["loss", "dy", step], dy, rtol=1e-12)
        np.testing.assert_allclose(t["layers.2", "dweight", step], h.T @ dy, rtol=1e-12)
        da = dy @ v.T * (1 - h**2)
        np.testing.assert_allclose(t["layers.1", "dx", step], da, rtol=1e-12)
        np.testing.assert_allclose(t["layers.0", "dweight", step], x.T @ da, rtol=1e-12)
        np.testing.assert_allclose(t["layers.0", "dx", step], da @ w.T, rtol=1e-12)
        np.testing.assert_allclose(t["layers.0.weight", "gradient", step], x.T @ da, rtol=1e-12)
        velocity = t["layers.0.weight", "velocity", step]
        before = 0.5 * t["layers.0.weight", "velocity", 1] if step == 2 else 0
        np.testing.assert_allclose(velocity, before + x.T @ da, rtol=1e-12)
        np.testing.assert_allclose(t["layers.0.weight", "after", step], w - 0.1 * velocity, rtol=1e-12)


def test_what_is_asked_of_a_float32_spec_is_computed_in_float64():
    single, double = (specnet.trace(specnet.load_spec({**SPEC, "dtype": dtype})) for dtype in ("float32", "float64"))
    assert [row.numbers.values.tolist() for row in single.rows] == [row.numbers.values.tolist() for row in double.rows]


def test_one_layer_is_shown_with_those_inside_it():
    spec = make(layers=COMPOSITE)
    places = {row.place for row in specnet.trace(spec, layer="layers.1").rows}
    assert places == {"layers.1", "layers.1.layers.0", "layers.1.layers.1", "layers.1.layers.0.weight",
                      "layers.1.layers.0.bias"}  # fmt: skip
    assert {row.place for row in specnet.trace(make(layers=NAMED), layer="b").rows} == {"layers.1"}


def test_running_state_and_clipped_gradients_are_shown():
    t = specnet.trace(make(layers=CASES["batch norm"]["layers"]), None)
    assert t["layers.1.moving_mean", "before"].tolist() != t["layers.1.moving_mean", "after"].tolist()
    t = specnet.trace(make(**CASES["clipped by weight"]), None)
    norms = [np.linalg.norm(row.numbers.values) for row in t.rows if row.name == "clipped gradient"]
    assert max(norms) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": 0}, "0 samples: expected 1 to 12 training samples"),
        ({"samples": 13}, "13 samples: expected 1 to 12"),
        ({"steps": 0}, "0 steps: expected 1 to 6 steps in a run"),
        ({"steps": 7}, "7 steps"),
        ({"layer": "layers.9"}, 'there is no layer "layers.9"'),
    ],
)
def test_what_there_is_not_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message) as error:
        specnet.trace(make(), **arguments)
    if "layer" in arguments:
        assert "layers.0, layers.1, layers.2" in error.value.diagnostics[0].help


def test_a_long_trace_needs_one_layer():
    spec = make(training={"epochs": 1000, "batch_size": 1})
    with pytest.raises(UsageError, match="more than 3,000 arrays"):
        specnet.trace(spec, steps=2_000)


def test_a_wide_network_is_folded():
    spec = make(layers=[{**LINEAR, "units": 700}, "tanh", {**LINEAR, "units": 700}, LAST])
    found = specnet.trace(spec, None)
    assert "(700, 700)" in found.text()
    for text in (found.text(), found.markdown(), found._repr_html_()):
        assert len(text) < 100_000
    assert len(json.dumps(found.to_json())) < 3_000_000
    assert len([*found.cells()]) < 100_000
    row = next(row for row in found.to_json()["rows"] if row["shape"] == [700, 700])
    assert row["kept"] == [[0, 1, 2, 697, 698, 699]] * 2
    assert np.shape(row["values"]) == (6, 6)


def test_numbers_that_json_has_not_are_null():
    spec = make(loss="mse", layers=[{**LAST, "weight_init": {"type": "constant", "value": 1e200}}])
    with pytest.raises(specnet.SpecnetError):
        specnet.trace(spec)


def test_all_forms_show_the_same(tmp_path):
    found = specnet.trace(make())
    assert repr(found) == found.text()
    table = [*found.cells()]
    total = sum(row.numbers.values.size for row in found.rows)
    assert len(table) == total
    value = {(place, name, index): number for _, _, place, _, name, index, number in table}
    assert float(value["layers.0", "weight", "1,2"]) == found["layers.0", "weight"][1, 2]
    rows = json.loads(json.dumps(found.to_json(), allow_nan=False))["rows"]
    assert [row["values"] for row in rows] == [row.numbers.values.tolist() for row in found.rows]
    for text in (found.text(), found.markdown(), found._repr_html_()):
        assert "y = x W + b" in text
        assert "layers.2.weight" in text


@pytest.mark.parametrize("batch_size", [1, "full"])
def test_a_single_sample_is_traced_by_default(batch_size):
    spec = {"layers": ["linear"], "loss": "mse", "training": {"batch_size": batch_size}}
    found = specnet.trace(specnet.load_spec(spec, data=(np.ones((1, 2)), np.ones((1, 1)))))
    assert "1 of the 1 samples of a batch" in found.about
