import tracemalloc
from itertools import product

import numpy as np
import pytest
from helpers import STACKS, kernel_sets, sampled

import specnet
from specnet import Layer, build
from specnet.errors import BrokenComponentError
from specnet.kernels.base import find_kernels
from specnet.network.dry_run import Subject, TooLongError, dry_run


def subject(layers, *shape, dtype="float32", **further):
    built = [layer if isinstance(layer, Layer) else build("layers", layer) for layer in layers]
    return Subject(built, shape, dtype, **further)


def held(layers, *shape):
    """Return the numbers that each layer holds for a sample, by its place below the network."""
    less, more = (dry_run(subject(layers, *shape, dtype="float64"), rows, 1).layers for rows in (100, 300))
    return {place[1:]: (more[place] - less[place]) / 200 / 8 for place in more}


def test_an_array_counts_once_at_the_layer_that_makes_it():
    linear, inner = {"type": "linear", "units": 8}, ("layers", 0, "layers")
    repeated = {"type": "repeat", "times": 3, "layers": [linear, "relu"]}
    layers = [linear, "tanh", {"type": "residual", "layers": [repeated]}, "flatten", {"type": "linear", "units": 2}]
    found = held(layers, 5, 4)
    assert found.pop((0,)) == pytest.approx(40, abs=2)  # y, which tanh keeps as its x
    assert found.pop((1,)) == pytest.approx(40, abs=2)  # y
    assert found.pop((2, *inner, 0)) == pytest.approx(3 * 40, abs=2)  # y of each copy
    assert found.pop((2, *inner, 1)) == pytest.approx(3 * 40, abs=2)  # the same
    assert found.pop((2,)) == pytest.approx(40, abs=2)  # the sum, which the last layer keeps, flattened
    assert all(abs(size) < 3 for size in found.values())


class Plain(Layer):
    """y = x s with s = tanh x, written without a thought of memory."""

    def forward(self, x, training):
        self.x, self.s = x, np.tanh(x)
        return x * self.s

    def backward(self, dy):
        return dy * (self.s + self.x * (1 - self.s**2))


def test_what_a_layer_returns_counts_for_it_while_anything_holds_it():
    block = build("layers", {"type": "residual", "layers": ["tanh"]})
    block.layers[:] = [Plain(), Plain()]
    found = held([Plain(), block, Plain()], 50)
    assert found[1, "layers", 0] == pytest.approx(100, abs=2)  # s, and y for the next one
    assert found[1, "layers", 1] == pytest.approx(50, abs=2)  # nothing holds its y after the step
    assert found[2,] == pytest.approx(50, abs=2)


@pytest.mark.parametrize(("name", "kernels"), sampled(product(STACKS, kernel_sets()), 3))
def test_what_layers_hold_is_what_stays_after_a_step(name, kernels):
    network = specnet.build_network(STACKS[name], (128,), kernels=kernels)
    x = np.ones((2000, 128), "float32")
    tracemalloc.start()
    try:
        network.backpropagate(np.ones_like(network.propagate(x, training=True)))
        stays, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    layers = dry_run(subject(STACKS[name], 128, kernels=find_kernels(kernels)), 2000, 1).layers
    assert stays == pytest.approx(sum(layers.values()), rel=0.01, abs=20_000)


def test_parameters_and_gradients_are_not_counted():
    usage = dry_run(subject([{"type": "linear", "units": 1000}, {"type": "linear", "units": 1000}], 1000), 1, 1)
    assert usage.peak < 100_000


def test_a_loss_counts_where_its_targets_are_known():
    layers, loss = ["tanh", {"type": "linear", "units": 100}], build("losses", "mse")
    known, unknown = (dry_run(subject(layers, 4, loss=loss, target=target), 1000, 1) for target in ((100,), None))
    assert known.peak > unknown.peak + 1000 * 100 * 4


def test_a_loss_that_takes_no_zeros_is_left_out():
    layers, loss = [{"type": "linear", "units": 3}], build("losses", "cross_entropy")
    assert dry_run(subject(layers, 4, loss=loss, target=(7, 7)), 10, 1).peak > 0


class Odd(Layer):
    """Does what a field says."""

    what: str

    def forward(self, x, training):
        if self.what == "raise":
            raise KeyError("odd")
        return x / 0 if self.what == "divide" else x

    def backward(self, dy):
        return dy


def test_a_layer_that_raises_is_named():
    layers = ["tanh", build("layers", {"type": "residual", "layers": ["tanh"]})]
    layers[1].layers[0] = Odd(what="raise")
    with pytest.raises(BrokenComponentError, match=r"layers\.1\.layers\.0 \(Odd\) fails in forward: KeyError"):
        dry_run(subject(layers, 4), 1, 1)


def test_what_zeros_bring_about_is_no_warning(recwarn):
    dry_run(subject([Odd(what="divide")], 4), 1, 1)
    assert not recwarn.list


def test_a_dry_run_ends_where_it_takes_too_long():
    with pytest.raises(TooLongError):
        dry_run(subject(["tanh"], 4), 1, 1, deadline=0)


def test_memory_is_traced_as_before_when_a_dry_run_has_ended():
    assert not tracemalloc.is_tracing()
    dry_run(subject(["tanh"], 4), 1, 1)
    assert not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        dry_run(subject(["tanh"], 4), 1, 1)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_layers_are_left_as_they_are():
    given = subject([{"type": "linear", "units": 3}, "relu"], 4)
    before = [sorted(vars(layer)) for layer in given.layers]
    dry_run(given, 3, 3)
    assert [sorted(vars(layer)) for layer in given.layers] == before
