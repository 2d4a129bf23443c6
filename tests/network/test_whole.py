"""Whole numbers reach a layer that takes them as whole numbers; other layers get them in the network's dtype."""

import re
from collections import deque
from typing import ClassVar

import numpy as np
import pytest

import specnet
from specnet import Dataset, Layer, Transform
from specnet.datasets.base import Data, Samples, StreamedSamples
from specnet.datasets.rows import Rows
from specnet.errors import DataError
from specnet.network.network import Network
from specnet.runs.experiment import Experiment
from specnet.spec.memory import estimate_memory
from specnet.spec.plan import make_plan
from specnet.testing import ConformanceError
from specnet.training.timing import time_step


class Embedding(Layer):
    """Row x of a table, for each whole number x; dtable is the sum of dy over the places of each row."""

    takes = "whole"
    mask = "keep"
    count: int = 6
    seen: ClassVar[deque] = deque(maxlen=40)

    def build(self, input_shape):
        self.declare("table", (self.count, 2), "normal")
        return (*input_shape, 2)

    def forward(self, x, training):
        self.seen.append((x.dtype.name, training))
        self.x = x.astype(np.intp)
        return self.table[self.x]

    def backward(self, dy):
        self.grad.table[...] = 0
        np.add.at(self.grad.table, self.x, dy)
        assert not self.needs_dx


class Numbers(Embedding):
    """The same, but it does not say what it takes."""

    takes = "numbers"

    def example_inputs(self, rng, shape):
        return rng.integers(2, size=shape)


class Next(Transform):
    """The whole number after each."""

    dtypes = (np.integer,)

    def output_shape(self, shape):
        return shape

    def apply(self, x):
        return x + x.dtype.type(1)


class Tokens(Dataset):
    """Five numbers from 0 to 4 for each sample, and the last of them."""

    dtype: str = "uint8"
    streamed: bool = False

    def load(self, rng):
        x = rng.integers(5, size=(30, 5)).astype(self.dtype)
        t = x[:, -1].astype(float)
        if not self.streamed:
            return Data(Samples(x, t))
        x, t = (Rows(each.shape, each.dtype, lambda i, j, each=each: each[i:j].copy()) for each in (x, t))
        return Data(StreamedSamples(x, t, 800))


LAYERS = ["rows", "flatten", {"type": "linear", "units": 1}]


@pytest.fixture(autouse=True)
def components(local):
    for group, name, cls in (
        ("layers", "rows", Embedding),
        ("datasets", "tokens", Tokens),
        ("transforms", "next", Next),
    ):
        specnet.register(group, name)(cls)
    Embedding.seen.clear()


def make_spec(layers=LAYERS, dataset="tokens", **changes):
    spec = {"seed": 1, "dataset": dataset, "split": {"validation": 0.3}, "layers": layers, "loss": "mse", "plots": []}
    return specnet.load_spec(spec | {"training": {"epochs": 2, "batch_size": 4}} | changes)


def test_a_layer_that_takes_whole_numbers_gets_integers():
    network = Network([Embedding()], (3,))
    expected = network.params["layers.0.table"][[[1, 0, 1]]]
    for x in (np.array([[1, 0, 1]], np.uint8), [[True, False, True]], [[1.0, 0.0, 1.0]], np.array([[1, 0, 1]])):
        np.testing.assert_array_equal(network.forward(x), expected)
    assert [dtype for dtype, _ in Embedding.seen] == ["uint8", "int64", "int64", "int64"]
    assert network.backward(np.ones((1, 3, 2))).tolist() == [[0, 0, 0]]
    np.testing.assert_array_equal(network.grads["layers.0.table"][:2], [[1, 1], [2, 2]])


@pytest.mark.parametrize("number", [0.5, np.nan, np.inf, 1e30])
def test_numbers_that_are_not_whole_are_refused_by_row(number):
    network = Network([Embedding()], (2,))
    with pytest.raises(DataError, match=re.escape(f"expects whole numbers, but the input in row 1 has {number:g}")):
        network.forward(np.array([[0.0, 1.0], [1.0, number]]))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("dtype", "given"), [("uint8", "uint8"), ("int32", "int32"), ("float64", "int64")])
def test_in_a_run_whole_numbers_stay_what_they_are(tmp_path, dtype, given, streamed):
    dataset = {"type": "tokens", "dtype": dtype, "streamed": streamed}
    transforms = {"inputs": ["next"]} if dtype != "float64" else {}
    spec = make_spec(dataset=dataset, transforms=transforms, record={"every": 1})
    run = specnet.run(spec, out=tmp_path / "run")
    x = run.data.train.inputs[:7]
    run.predict(x)
    run.evaluate("validation")
    trained = {name for name, training in Embedding.seen if training}
    measured = {name for name, training in Embedding.seen if not training}
    assert trained - {"int64"} == {given} - {"int64"}
    assert measured - {"int64"} == {given} - {"int64"}
    assert np.isfinite(run.history["train/loss"]).all()


def test_other_layers_get_the_same_numbers_in_the_dtype_of_the_network(tmp_path):
    layers = [{"type": "linear", "units": 3}, "tanh", {"type": "linear", "units": 1}]
    whole, numbers = (
        specnet.run(make_spec(layers, {"type": "tokens", "dtype": dtype}), out=tmp_path / dtype)
        for dtype in ("int64", "float64")
    )
    assert {name: array.tobytes() for name, array in whole.params.items()} == {
        name: array.tobytes() for name, array in numbers.params.items()
    }


def test_a_random_transform_of_numbers_refuses_whole_ones():
    with pytest.raises(DataError, match="accepts floating, but the samples are uint8") as error:
        Experiment(make_spec(transforms={"inputs": [{"type": "gaussian_noise", "std": 0.1}]}))
    assert error.value.pointer == ("transforms", "inputs", 0)


def test_memory_and_times_are_measured_with_whole_numbers():
    spec = make_spec()
    estimate = estimate_memory(spec, make_plan(spec, (5,), 30))
    assert estimate.measured
    network = Network(spec.layers, (5,))
    assert all(seconds >= 0 for seconds in time_step(network, spec.optimizer, 4))
    assert {dtype for dtype, _ in Embedding.seen} == {"int64"}


def test_branches_take_whole_numbers_together():
    both = {"type": "parallel", "branches": [["rows"], ["rows"]], "merge": "add"}
    assert specnet.build_network([both], (3,)).whole
    beside = {"type": "parallel", "branches": [["rows", "flatten"], [{"type": "linear", "units": 3}]]}
    for layers in ([beside], ["flatten", "rows"], [{"type": "linear", "units": 3}], []):
        assert not specnet.build_network(layers, (3,)).whole
    specnet.build_network([both], (3,)).forward(np.array([[0, 5, 2]]))
    specnet.build_network([beside], (3,)).forward(np.array([[0, 5, 2]]))
    assert [dtype for dtype, _ in Embedding.seen] == ["int64", "int64", "float32"]


def test_conformance_tries_whole_numbers():
    specnet.testing.check_layer(Embedding())
    assert {dtype for dtype, _ in Embedding.seen} == {"int64"}
    with pytest.raises(ConformanceError, match=r'example_inputs are whole numbers, .*: set takes = "whole"'):
        specnet.testing.check_layer(Numbers())
