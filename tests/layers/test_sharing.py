"""Layers that use the parameters of earlier ones, as tied autoencoders do."""

import pickle

import numpy as np
import pytest
from helpers import gradient_error, numeric_gradient

import specnet
from specnet import build_network
from specnet.errors import SpecnetError
from specnet.exporters.base import export
from specnet.training.regularization import Regularization

LINEAR = {"type": "linear", "units": 4}
NAMED = {**LINEAR, "name": "a"}


def tied(units=4, **fields):
    return {"type": "linear", "units": units, "share": "encoder", "transpose": True, **fields}


def draw(network):
    rng = np.random.default_rng(3)
    return rng.normal(size=(3, *network.input_shape)), rng.normal(size=(3, *network.output_shape))


SHARED = {
    "a tied decoder": (
        [{"type": "linear", "units": 3, "name": "encoder"}, "tanh", tied(), "tanh", {"type": "linear", "units": 4}],
        (4,),
    ),
    "a layer used three times, once transposed": (
        [
            {"type": "linear", "units": 4, "name": "encoder"},
            "tanh",
            {"type": "linear", "units": 4, "share": "encoder"},
            "tanh",
            tied(use_bias=False),
        ],
        (4,),
    ),
    "a share of a share": (
        [
            {"type": "linear", "units": 3, "name": "encoder"},
            tied(name="decoder"),
            {"type": "linear", "units": 3, "share": "decoder", "transpose": True},
        ],
        (4,),
    ),
    "convolution and its transpose": (
        [
            {"type": "conv1d", "filters": 3, "kernel_size": 2, "name": "encoder"},
            {"type": "conv1d_transpose", "filters": 2, "kernel_size": 2, "share": "encoder", "transpose": True},
        ],
        (5, 2),
    ),
    "two directions": (
        [
            {"type": "gru", "units": 2, "bidirectional": True, "return_sequences": True, "name": "a"},
            {"type": "gru", "units": 2, "bidirectional": True, "share": "a"},
        ],
        (3, 4),
    ),
    "the same layers for two parts of the input, with a tied decoder inside": (
        [
            {
                "type": "parallel",
                "branches": [
                    [
                        {"type": "slice", "start": start, "stop": start + 2, "axis": 0},
                        {
                            "type": "sequential",
                            **name,
                            "layers": [
                                "layer_norm",
                                {"type": "linear", "units": 2, "name": "encoder"},
                                {"type": "prelu"},
                                tied(units=3),
                            ],
                        },
                    ]
                    for start, name in ((0, {"name": "twin"}), (2, {"share": "twin"}))
                ],
            },
        ],
        (4, 3),
    ),
    "one layer in all copies": (
        [
            {"type": "linear", "units": 3, "name": "a"},
            {
                "type": "repeat",
                "times": 2,
                "layers": [
                    {"type": "linear", "units": 3, "share": "a"},
                    {"type": "linear", "units": 2, "name": "b"},
                    {"type": "linear", "units": 3, "share": "b", "transpose": True},
                ],
            },
        ],
        (3,),
    ),
}


@pytest.mark.parametrize("kernels", ["numpy", "textbook"])
@pytest.mark.parametrize(("layers", "shape"), SHARED.values(), ids=SHARED)
def test_a_shared_parameter_gets_the_gradients_of_all_its_uses(layers, shape, kernels):
    network = specnet.build_network(layers, shape, "float64", 2, kernels)
    network.params.flat[...] += np.random.default_rng(1).normal(size=network.params.flat.shape) / 10
    x, dy = draw(network)

    def f():
        return float(np.sum(dy * network.forward(x)))

    for _ in range(2):  # gradients are overwritten, not added from step to step
        f()
        dx = network.backward(dy)
    grads = network.grads.flat.copy()
    assert gradient_error(grads, numeric_gradient(f, network.params.flat)) < 1e-6
    assert gradient_error(dx, numeric_gradient(f, x)) < 1e-6
    assert set(network.sources.values()) <= set(network.params) and not set(network.sources) & set(network.params)
    twin = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(twin.forward(x), network.forward(x))


def test_a_frozen_layer_is_frozen_wherever_it_is_shared():
    linear = {"type": "linear", "units": 4}
    layers = [linear, {**linear, "name": "encoder", "trainable": False}, "tanh", {**linear, "share": "encoder"}]
    network = build_network([*layers, tied(use_bias=False)], (4,), "float64")
    x, dy = draw(network)
    network.forward(x)
    network.backpropagate(dy)
    assert not network.grads["layers.1.weight"].any() and network.grads["layers.0.weight"].all()
    outer = {"type": "sequential", "trainable": False, "layers": [linear, "tanh"]}
    network = build_network([linear, outer], (4,), "float64")
    network.forward(x)
    network.backpropagate(dy)
    assert not network.grads["layers.1.layers.0.weight"].any() and network.grads["layers.0.weight"].all()


MISTAKES = {
    "a name that is not there": ([NAMED, {**LINEAR, "share": "b"}], "unknown-layer", "/layers/1/share"),
    "a later layer": ([{**LINEAR, "share": "a"}, NAMED], "unknown-layer", "/layers/0/share"),
    "a circle": ([{**NAMED, "share": "b"}, {**LINEAR, "name": "b", "share": "a"}], "unknown-layer", "/layers/0/share"),
    "itself": ([{**NAMED, "share": "a"}], "unknown-layer", "/layers/0/share"),
    "several copies": (
        [{"type": "repeat", "times": 2, "layers": [NAMED]}, {**LINEAR, "share": "a"}],
        "duplicate-name",
        "/layers/1/share",
    ),
    "another shape": ([NAMED, {"type": "linear", "units": 3, "share": "a"}], "shape", "/layers/1/share"),
    "another shape, transposed": ([NAMED, {**LINEAR, "share": "a", "transpose": True}], "shape", "/layers/1/share"),
    "a parameter that the other lacks": (
        [{**NAMED, "use_bias": False}, LINEAR, {**LINEAR, "units": 2, "share": "a"}], "shape", "/layers/2/share"
    ),
    "other layers inside": (
        [{"type": "sequential", "name": "a", "layers": [LINEAR]},
         {"type": "sequential", "share": "a", "layers": [LINEAR, "tanh"]}], "shape", "/layers/1/share"
    ),
    "an initial value": (
        [NAMED, {**LINEAR, "share": "a", "weight_init": "ones"}], "shared-parameter", "/layers/1/weight_init"
    ),
    "a transpose of nothing": ([{**LINEAR, "transpose": True}], "wrong-value", "/layers/0"),
    "an activation": ([NAMED, {"type": "tanh", "share": "a"}], "unknown-key", "/layers/1/share"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_reported_in_its_place(what):
    layers, code, pointer = MISTAKES[what]
    spec = {"dataset": "spiral", "layers": [*layers, {"type": "linear", "units": 1}], "loss": "bce_with_logits"}
    with pytest.raises(SpecnetError) as raised:
        specnet.load_spec(spec)
    (found,) = raised.value.diagnostics
    assert (found.code, "".join(f"/{part}" for part in found.pointer)) == (code, pointer)


def test_where_no_earlier_layer_has_a_name_the_message_says_to_give_one():
    with pytest.raises(SpecnetError, match='give an earlier layer this "name"'):
        build_network([{**LINEAR, "share": "a"}], (4,))


SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "layers": [{**NAMED, "l2": 0.1, "max_norm": 1.0}, "tanh",
               {"type": "linear", "units": 2, "share": "a", "transpose": True}, {"type": "linear", "units": 1}],
    "loss": "bce_with_logits", "plots": [], "training": {"epochs": 4, "batch_size": 16},
    "optimizer": {"type": "adam", "weight_decay": 0.1},
}  # fmt: skip


def test_a_run_with_shared_weights_resumes_to_the_same_bytes(tmp_path):
    whole = specnet.run(SPEC, tmp_path / "whole", report=False)
    specnet.run(SPEC | {"training": {"epochs": 2, "batch_size": 16}}, tmp_path / "half", report=False)
    resumed = specnet.resume(tmp_path / "half", ["training.epochs=4"])
    np.testing.assert_array_equal(resumed.params.flat, whole.params.flat)
    assert whole.params["layers.2.bias"].shape == (2,) and "layers.2.weight" not in whole.params
    assert np.linalg.norm(whole.params["layers.0.weight"], axis=0).max() <= 1 + 1e-6
    assert (whole.history["train/l2"] > 0).all()


def test_a_penalty_counts_a_shared_weight_once():
    network = build_network(SPEC["layers"], (2,), "float64")
    found = specnet.load_spec(SPEC | {"dtype": "float64"})
    penalties = Regularization(network, found.training, found.loss, 1).add(1.0)
    assert penalties["l2"] == pytest.approx(0.1 * np.square(network.params["layers.0.weight"]).sum())


@pytest.mark.parametrize(("target", "extension"), [("numpy", ".py"), ("notebook", ".ipynb"), ("onnx", ".onnx")])
def test_an_exported_network_has_a_shared_weight_once(target, extension, tmp_path):
    run = specnet.run(SPEC | {"layers": [NAMED, *SPEC["layers"][1:]]}, tmp_path / "run", report=False)
    lines = export(run, target, tmp_path / f"model{extension}")  # which compares with the run
    assert any("difference" in line for line in lines)
