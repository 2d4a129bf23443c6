import time
from typing import ClassVar

import numpy as np
import pytest

import specnet
from specnet import Layer, Optimizer
from specnet.training.batches import Batch
from specnet.training.loop import run_epoch
from specnet.training.model import Model
from specnet.training.settings import Training
from specnet.training.timing import time_step
from specnet.training.trainer import Trainer
from specnet.transforms.pipeline import Pipeline

LAYERS = [
    {"type": "linear", "units": 8},
    "tanh",
    {
        "type": "residual",
        "layers": [{"type": "repeat", "times": 3, "layers": [{"type": "linear", "units": 8}, "relu"]}],
    },
    "flatten",
    {"type": "linear", "units": 2, "use_bias": False},
]


@pytest.fixture
def network():
    return specnet.build_network(LAYERS, (5, 4), "float64")


def test_the_time_of_a_step_is_that_of_its_layers_and_its_optimizer():
    # A matrix product takes longer than a rectifier of the same outputs, by far.
    network = specnet.build_network([{"type": "linear", "units": 300}, "relu"], (500,))
    seconds = time_step(network, specnet.build("optimizers", "sgd"), 64)
    assert len(seconds) == 3
    assert all(0 < second < 1 for second in seconds)
    assert seconds[0] > seconds[1]


def test_measuring_takes_the_slots_that_the_optimizer_asks_for(network):
    before = network.params.flat.copy()
    assert np.isfinite(time_step(network, specnet.build("optimizers", "adam"), 1)).all()
    assert not np.array_equal(network.params.flat, before)


class Counting(Layer):
    """The identity, which notes what it is asked for; with a parameter of no use if it is to be trained."""

    trained: bool = False

    def build(self, input_shape):
        self.calls = []
        if self.trained:
            self.declare("unused", (2, 3), "zeros")
        return input_shape

    def forward(self, x, training):
        self.calls.append(f"forward, training={training}")
        return x

    def backward(self, dy):
        self.calls.append("backward")
        return dy


class Whole(Optimizer):
    """Notes the shapes that it gets."""

    whole_tensors: ClassVar[bool] = True
    seen: ClassVar[set] = set()

    @property
    def state_names(self):
        return ("total",)

    def update(self, w, g, state, step):
        self.seen.add((w.shape, g.shape, state.total.shape))


def test_the_measured_step_calls_what_a_step_of_training_calls():
    layers = [Counting(), Counting(trained=True), Counting(), Counting(trained=True)]
    measured, trained = specnet.build_network(layers, (2,)), specnet.build_network(layers, (2,))
    sgd = specnet.build("optimizers", "sgd")
    seconds = time_step(measured, sgd, 3)
    rounds = len(measured.layers[0].calls)
    trainer = make_trainer(trained, sgd, 3)
    for _ in range(rounds):
        run_epoch(trainer)
    forward = "forward, training=True"
    calls = [[forward], [forward, "backward"], [forward, "backward"], [forward, "backward"]]
    for number, expected in enumerate(calls):
        assert measured.layers[number].calls == trained.layers[number].calls == rounds * expected
    assert len(seconds) == 5


def test_a_network_without_parameters_is_measured_without_a_backward_pass():
    network = specnet.build_network([Counting(), Counting()], (2,))
    time_step(network, specnet.build("optimizers", "adam"), 3)
    assert {call for layer in network.layers for call in layer.calls} == {"forward, training=True"}


def test_an_optimizer_of_whole_tensors_is_measured_with_whole_tensors():
    network, optimizer = specnet.build_network([{"type": "linear", "units": 3}], (2,)), Whole()
    time_step(network, optimizer, 4)
    assert optimizer.seen == {((2, 3),) * 3, ((3,),) * 3}


def test_what_overflows_is_measured_without_a_warning():
    network = specnet.build_network([{"type": "linear", "units": 8}, "elu", {"type": "linear", "units": 1}], (4,))
    optimizer = specnet.build("optimizers", {"type": "sgd", "learning_rate": 1e30})
    assert np.isfinite(time_step(network, optimizer, 16)).all()
    assert not np.isfinite(network.params.flat).all()


def make_trainer(network, optimizer, rows):
    """Return a trainer on ones; no pipeline transforms anything."""
    model = Model(network, specnet.build("losses", "mse"), Pipeline([], ()), Pipeline([], ()))
    x, target = (np.ones((rows, *shape), network.dtype) for shape in (network.input_shape, network.output_shape))
    return Trainer(model, optimizer, Training(batch_size=None), {"train": Batch(x, target, target)}, seed=0)


def test_the_measured_seconds_are_about_those_of_a_step_of_training():
    layers = [{"type": "linear", "units": 256}, "tanh", {"type": "linear", "units": 256}, "gelu"]
    network, optimizer = specnet.build_network(layers, (256,)), specnet.build("optimizers", "adam")
    trainer = make_trainer(network, optimizer, 2000)
    least = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        run_epoch(trainer)
        least = min(least, time.perf_counter() - start)
    assert least / 3 < sum(time_step(network, optimizer, 2000)) < 3 * least
