"""Functions of the package, called from Python: wrong arguments are named, and what is natural to pass is taken."""

import numpy as np
import pytest

import specnet
from specnet.errors import ShapeError, SpecnetError, UsageError

X = np.random.default_rng(0).normal(size=(40, 4))
Y = (X[:, 0] > 0).astype(int)
SPEC = {
    "layers": [{"type": "linear", "units": 4}, "tanh", "linear"],
    "loss": "cross_entropy",
    "training": {"epochs": 2},
    "record": None,
    "plots": [],
}


class Overwriting(specnet.Callback):
    def epoch(self, training, values):
        values["train/loss"] = 0.0


@pytest.fixture
def network():
    return specnet.build_network(["tanh"], (4,))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: specnet.load_spec(None), "a spec is the path of a file or a mapping, not of type NoneType"),
        (lambda: specnet.run([1]), "not of type list"),
        (lambda: specnet.build_network("tanh", (4,)), "layers is a list of layers, not 'tanh'"),
        (lambda: specnet.build_network(None, (4,)), "layers is a list of layers, not None"),
        (lambda: specnet.build_network(["tanh"], 4), r"input_shape is the shape of a sample, such as \(4,\), not 4"),
        (lambda: specnet.build_network(["tanh"], (-4,)), r"input_shape .* not \(-4,\)"),
        (lambda: specnet.build_network(["tanh"], (4,), seed=-1), "seed is a whole number from 0, not -1"),
        (lambda: specnet.build_network(["tanh"], (4,), seed=True), "seed is a whole number from 0, not True"),
        (lambda: specnet.build_network(["tanh"], (4,), dtype="float16"), "dtype is float32 or float64, not 'float16'"),
    ],
)
def test_a_wrong_argument_is_named(call, words):
    with pytest.raises(UsageError, match=words):
        call()


@pytest.mark.parametrize("shards", [0, -1])
def test_a_batch_has_at_least_one_shard(shards, tmp_path):
    with pytest.raises(UsageError, match=f"a batch cannot be divided into {shards} shards"):
        specnet.run(SPEC, tmp_path / "run", data=(X, Y), shards=shards)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("callbacks", [Overwriting(), [Overwriting], [print]])
def test_callbacks_that_are_no_list_of_them_are_refused_before_a_directory_is_made(callbacks, tmp_path):
    with pytest.raises(UsageError, match="callbacks is a list of"):
        specnet.run(SPEC, tmp_path / "run", data=(X, Y), callbacks=callbacks)
    assert not (tmp_path / "run").exists()


def test_a_callback_cannot_change_the_history(tmp_path):
    with pytest.raises(TypeError, match="does not support item assignment"):
        specnet.run(SPEC, tmp_path / "run", data=(X, Y), callbacks=[Overwriting()])


def test_backward_belongs_to_the_last_forward(network):
    with pytest.raises(UsageError, match="backward needs the outputs of a forward pass"):
        network.backward(X)
    network.forward(X)
    with pytest.raises(ShapeError, match="gradients of 1 samples, but the last forward had 40"):
        network.backward(X[:1])


def test_one_sample_without_its_axis_is_told_to_add_it(network):
    with pytest.raises(SpecnetError, match=r"x\[np.newaxis\]"):
        network.forward(X[0])


def test_a_name_that_does_not_exist_is_told_which_was_meant(tmp_path):
    run = specnet.run(SPEC, tmp_path / "run", data=(X, Y))
    with pytest.raises(KeyError, match='"train/los": did you mean "train/loss"'):
        run.history["train/los"]
    with pytest.raises(KeyError, match=r'did you mean "layers\.0\.weight"'):
        run.params["layers.0.wieght"]


def test_a_spec_may_contain_numbers_of_numpy_and_components(tmp_path):
    plain = specnet.load_spec({**SPEC, "layers": [{"type": "linear", "units": 3}, "linear"]}, data=(X, Y))
    linear = specnet.build("layers", {"type": "linear", "units": 3})
    for layers in ([linear, "linear"], [{"type": "linear", "units": np.int64(3)}, "linear"]):
        assert specnet.load_spec({**SPEC, "layers": layers}, data=(X, Y)).layers == plain.layers


def test_a_run_stands_for_its_directory_and_traces_take_what_runs_take(tmp_path):
    run = specnet.run(SPEC, tmp_path / "run", data=(X, Y))
    assert specnet.resume(run, ["training.epochs=3"], data=(X, Y)).history["epoch"][-1] == 3
    assert specnet.load_run(run).directory == run.directory
    assert specnet.trace(SPEC, data=(X, Y)).rows
