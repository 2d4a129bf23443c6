"""Layers that take outputs of others by name: U-shaped and densely connected networks."""

import json

import numpy as np
import pytest
from helpers import gradient_error, kernel_sets, numeric_gradient

import specnet
from specnet.errors import SpecnetError

LINEAR = {"type": "linear", "units": 3}
DENSE = [
    {**LINEAR, "name": "a"}, {"type": "tanh", "name": "b"},
    {"type": "concat", "from": ["input", "b"]},
    {**LINEAR, "name": "c"},
    {"type": "multiply", "from": ["a", "c", "c"]},
    {"type": "relu", "name": "d"},
    {"type": "average", "from": ["d", "b"], "name": "e"},
    {"type": "maximum", "from": ["input", "e", "a"]},
    {"type": "repeat", "times": 2, "layers": [{**LINEAR, "name": "a"}, {"type": "add", "from": ["input", "a"]}]},
]  # fmt: skip


def values(network, x):
    """Return what the layers of `DENSE` compute, written out."""
    w = network.params
    a = x @ w["layers.0.weight"] + w["layers.0.bias"]
    b = np.tanh(a)
    c = np.concatenate([x, b], axis=1) @ w["layers.3.weight"] + w["layers.3.bias"]
    d = np.maximum(a * c * c, 0)
    y = np.maximum(np.maximum(x, (d + b) / 2), a)
    for copy in range(2):
        place = f"layers.8.times.{copy}.layers.0"
        y = y + y @ w[f"{place}.weight"] + w[f"{place}.bias"]
    return y


@pytest.fixture(params=kernel_sets())
def network(request):
    found = specnet.build_network(DENSE, (3,), "float64", seed=4, kernels=request.param)
    found.params.flat[...] = np.random.default_rng(1).normal(size=found.params.flat.size)
    return found


X = np.random.default_rng(2).normal(size=(5, 3))


def test_outputs_are_taken_by_name(network):
    np.testing.assert_allclose(network.forward(X, training=True), values(network, X), rtol=1e-12)


def test_gradients_of_parameters_and_inputs_add_up_over_all_who_take_an_output(network):
    x, dy = X.copy(), np.random.default_rng(3).normal(size=(5, 3))

    def loss():
        return float(np.sum(network.forward(x, training=True) * dy))

    network.forward(x, training=True)
    dx, gradient = network.backward(dy.copy()), network.grads.flat.copy()
    assert gradient_error(dx, numeric_gradient(loss, x)) < 1e-7
    assert gradient_error(gradient, numeric_gradient(loss, network.params.flat)) < 1e-7


def test_branches_may_follow_each_other_in_one_list():
    layers = [{"type": "tanh", "name": "a"}, {"type": "add", "from": ["input"]}, {"type": "sine", "name": "b"},
              {"type": "multiply", "from": ["a", "b"]}]  # fmt: skip
    network = specnet.build_network(layers, (3,), "float64")
    np.testing.assert_allclose(network.forward(X, training=True), np.tanh(X) * np.sin(X))
    slope = (1 - np.tanh(X) ** 2) * np.sin(X) + np.tanh(X) * np.cos(X)
    np.testing.assert_allclose(network.backward(np.ones((5, 3))), slope)


def test_a_layer_may_merge_the_input_alone():
    network = specnet.build_network([{"type": "add", "from": ["input", "input"]}], (2,), "float64")
    np.testing.assert_array_equal(network.forward(np.ones((1, 2)), training=True), [[2, 2]])
    np.testing.assert_array_equal(network.backward(np.ones((1, 2))), [[2, 2]])


NAMED = {**LINEAR, "name": "a"}
MISTAKES = {
    "a name that is not there": ([NAMED, {"type": "add", "from": ["a", "b"]}], "unknown-layer", "/layers/1/from/1"),
    "a later layer": ([{"type": "add", "from": ["a"]}, NAMED], "unknown-layer", "/layers/0/from/0"),
    "itself": ([NAMED, {"type": "add", "from": ["a", "s"], "name": "s"}], "unknown-layer", "/layers/1/from/1"),
    "a name of another list": (
        [{"type": "sequential", "layers": [NAMED]}, {"type": "add", "from": ["a"]}], "unknown-layer", "/layers/1/from/0"
    ),
    "outputs that nothing takes": ([NAMED, "tanh", {"type": "add", "from": ["a"]}], "unused-layer", "/layers/1"),
    "the same name twice": ([NAMED, {"type": "tanh", "name": "a"}], "duplicate-name", "/layers/1/name"),
    "the name of the input": ([{**LINEAR, "name": "input"}], "duplicate-name", "/layers/0/name"),
    "shapes that differ": (
        [NAMED, {"type": "linear", "units": 2, "name": "b"}, {"type": "add", "from": ["a", "b"]}],
        "shape",
        "/layers/2/from/1",
    ),
    "an axis that is not there": (
        [NAMED, {"type": "concat", "from": ["a", "a"], "axis": 1}], "shape", "/layers/1/from/0"
    ),
    "no name at all": ([NAMED, {"type": "add", "from": []}], "wrong-length", "/layers/1/from"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_reported_in_its_place(what, tmp_path):
    layers, code, pointer = MISTAKES[what]
    spec = {"dataset": "spiral", "layers": [*layers, {"type": "linear", "units": 1}], "loss": "bce_with_logits"}
    with pytest.raises(SpecnetError) as raised:
        specnet.load_spec(spec)
    (found,) = raised.value.diagnostics
    assert (found.code, "".join(f"/{part}" for part in found.pointer)) == (code, pointer)


def test_a_run_with_names_resumes_to_the_same_bytes(tmp_path):
    spec = {
        "dataset": {"type": "spiral", "n_samples": 40},
        "layers": [{**LINEAR, "name": "a"}, {"type": "tanh", "name": "b"},
                   {"type": "concat", "from": ["input", "b", "a"]}, {"type": "linear", "units": 1}],
        "loss": "bce_with_logits", "training": {"epochs": 4, "batch_size": 16}, "plots": [],
        "record": {"every": 1, "points": 5, "units": True},
    }  # fmt: skip
    whole = specnet.run(spec, tmp_path / "whole", report=False)
    specnet.run(spec | {"training": {"epochs": 2, "batch_size": 16}}, tmp_path / "half", report=False)
    resumed = specnet.resume(tmp_path / "half", ["training.epochs=4"])
    np.testing.assert_array_equal(resumed.params.flat, whole.params.flat)
    saved = json.loads((tmp_path / "whole" / "spec.json").read_text())["layers"]
    assert [layer.get("name") for layer in saved] == ["a", "b", None, None]
    assert saved[2]["from"] == ["input", "b", "a"]
