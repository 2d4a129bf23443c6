import copy
import pickle
import re
from typing import ClassVar

import numpy as np
import pytest
from helpers import gradient_error, numeric_gradient

import specnet
from specnet import Layer
from specnet.errors import ShapeError, SpecnetError
from specnet.layers.composite import Parallel, Repeat, Residual
from specnet.layers.linear import Linear
from specnet.network.building import build_network
from specnet.network.network import Network

MIXED = [
    "flatten",
    {"type": "linear", "units": 5},
    "tanh",
    {"type": "dropout", "rate": 0.3},
    {"type": "linear", "units": 2, "use_bias": False},
    "softmax",
]


@pytest.fixture(params=["float32", "float64"])
def network(request):
    return build_network(MIXED, (3, 4), request.param, seed=3)


def draw(network, batch=7):
    rng = np.random.default_rng(15)
    shapes = (batch, *network.input_shape), (batch, *network.output_shape)
    return [rng.normal(size=shape).astype(network.dtype) for shape in shapes]


def test_parameters_are_named_by_their_place_in_the_spec(network):
    shapes = {name: array.shape for name, array in network.params.items()}
    assert shapes == {"layers.1.weight": (12, 5), "layers.1.bias": (5,), "layers.4.weight": (5, 2)}
    assert {name: array.shape for name, array in network.grads.items()} == shapes
    assert network.shapes == [(12,), (5,), (5,), (5,), (2,), (2,)]
    assert (network.input_shape, network.output_shape) == ((3, 4), (2,))
    assert network.params.flat.size == 12 * 5 + 5 + 5 * 2


def test_what_is_written_to_params_is_what_forward_uses(network):
    x, dy = draw(network)
    before = network.forward(x).copy()
    network.params["layers.1.bias"][2] += 0.5
    assert not np.array_equal(network.forward(x), before)
    network.params.flat[...] = 0
    np.testing.assert_allclose(network.forward(x), np.full((7, 2), 0.5))
    network.params.flat[...] = 0.1
    network.forward(x)
    network.backward(dy)
    assert np.shares_memory(network.grads["layers.4.weight"], network.grads.flat)
    assert network.grads["layers.4.weight"].any()


def test_the_gradient_of_a_stack_is_the_central_difference():
    network = build_network(MIXED, (3, 4), "float64", seed=3)
    x, dy = draw(network)
    generator = network.layers[3].rng.bit_generator.state

    def f():
        network.layers[3].rng.bit_generator.state = generator
        return float(np.sum(dy * network.forward(x, training=True)))

    f()
    dx, grads = network.backward(dy).copy(), network.grads.flat.copy()
    assert gradient_error(dx, numeric_gradient(f, x)) < 1e-6
    assert gradient_error(grads, numeric_gradient(f, network.params.flat)) < 1e-6


def test_backward_leaves_dy_alone_and_forward_leaves_x_alone(network):
    x, dy = draw(network)
    kept = x.copy(), dy.copy()
    network.forward(x, training=True)
    network.backward(dy)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(dy, kept[1])


RESIDUAL = {"type": "residual", "layers": ["tanh", {"type": "linear", "units": 4}]}


@pytest.mark.parametrize(
    "layers",
    [
        MIXED,
        MIXED[1:],
        [{"type": "linear", "units": 3}],
        ["flatten", "tanh"],
        [],
        [{"type": "residual", "layers": ["tanh"]}, RESIDUAL, "tanh", *MIXED[4:]],
    ],
)
def test_without_dx_the_gradients_are_those_of_backward(layers):
    network = build_network(layers, (4,), "float64")
    x, dy = draw(network)
    network.forward(x)
    network.backward(dy)
    grads = network.grads.flat.copy()
    network.grads.flat[...] = np.nan
    assert network.backpropagate(dy.copy()) is None
    np.testing.assert_array_equal(network.grads.flat, grads)


def test_a_seed_determines_the_weights_and_a_further_layer_changes_none_below():
    first, again, other = (build_network(MIXED, (3, 4), seed=seed) for seed in (5, 5, 6))
    assert first.params.flat.tobytes() == again.params.flat.tobytes()
    assert first.params.flat.tobytes() != other.params.flat.tobytes()
    longer = build_network([*MIXED, {"type": "linear", "units": 9}], (3, 4), seed=5)
    assert longer.params["layers.4.weight"].tobytes() == first.params["layers.4.weight"].tobytes()


def test_float32_weights_are_the_rounded_float64_weights():
    single, double = (build_network(MIXED, (3, 4), dtype, seed=5) for dtype in ("float32", "float64"))
    np.testing.assert_array_equal(single.params.flat, double.params.flat.astype("float32"))
    assert single.params.flat.dtype == single.grads.flat.dtype == single.state.flat.dtype == np.float32


def test_networks_of_the_same_layer_instances_share_nothing():
    layers = [specnet.build("layers", layer) for layer in MIXED]
    first, second = Network(layers, (3, 4), seed=1), Network(layers, (2, 2), seed=1)
    x, dy = draw(first)
    y, generator = first.forward(x).copy(), first.layers[3].rng.bit_generator.state
    second.params.flat[...] = 9
    second.forward(draw(second)[0], training=True)
    assert first.layers[3].rng.bit_generator.state == generator
    np.testing.assert_array_equal(first.forward(x), y)
    first.backward(dy)
    assert not second.grads.flat.any()
    assert not hasattr(layers[1], "weight")


@pytest.mark.parametrize(
    ("layers", "pointer"),
    [
        (["tanh", {"type": "linear"}], ("layers", 1)),
        (["tanh", {"type": "linear", "units": 0}], ("layers", 1, "units")),
        (["tanh", "tahn"], ("layers", 1)),
        (
            ["tanh", {"type": "linear", "units": 2, "weight_init": {"type": "normal", "std": -1}}],
            ("layers", 1, "weight_init", "std"),
        ),
        (["tanh", 3], ("layers", 1)),
    ],
)
def test_a_wrong_layer_is_named(layers, pointer):
    with pytest.raises(SpecnetError) as caught:
        build_network(layers, (4,))
    assert [found.pointer for found in caught.value.diagnostics] == [pointer]


def test_a_layer_that_does_not_fit_is_named():
    with pytest.raises(ShapeError, match=r"layers\.1"):
        build_network(["tanh", {"type": "linear", "units": 2}], ())


def test_arrays_of_another_shape_are_refused():
    network = specnet.build_network([{"type": "linear", "units": 2}], (3,))
    network.forward(np.zeros((4, 3)))
    with pytest.raises(ShapeError, match=r"shape \(5,\), but the network takes \(3,\)"):
        network.forward(np.zeros((4, 5)))
    with pytest.raises(ShapeError, match=r"the network returns \(2,\)"):
        network.backward(np.zeros((4, 1)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inputs_of_any_dtype_become_the_networks(dtype):
    network = specnet.build_network([{"type": "linear", "units": 2}], (3,), dtype)
    for given in ("int64", "float32", "float64"):
        assert network.forward(np.ones((4, 3), given)).dtype == dtype
        assert network.backward(np.ones((4, 2), given)).dtype == dtype


def test_initial_values_that_the_dtype_cannot_hold_are_refused():
    layer = {"type": "linear", "units": 2, "weight_init": {"type": "constant", "value": 1e300}}
    with pytest.raises(SpecnetError, match="not finite as float32") as error:
        specnet.build_network(["tanh", layer], (3,))
    assert error.value.pointer == ("layers", 1)


def test_what_forward_and_backward_return_stays_as_it_is():
    network = specnet.build_network([{"type": "linear", "units": 3}, "tanh", {"type": "linear", "units": 2}], (4,))
    rng = np.random.default_rng(0)
    xs, dys = rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 5, 2))
    y = network.forward(xs[0])
    dx = network.backward(dys[0])
    kept = y.tobytes(), dx.tobytes()
    network.forward(xs[1])
    network.backward(dys[1])
    assert (y.tobytes(), dx.tobytes()) == kept


class Watched(Layer):
    """The identity, which notes whether its dx is needed."""

    asked: ClassVar[dict] = {}
    label: str = ""

    def forward(self, x, training):
        return x

    def backward(self, dy):
        self.asked[self.label] = self.needs_dx
        return dy


class WatchedLinear(Linear):
    """A linear layer that notes whether its dx is needed."""

    label: str = ""

    def backward(self, dy):
        Watched.asked[self.label] = self.needs_dx
        return super().backward(dy)


def watched(label):
    return Watched(label=label)


def trained(label):
    return WatchedLinear(label=label, units=4)


NEEDS = {
    "the lowest trained layer needs no dx and those below are not run": (
        [watched("a"), trained("b"), watched("c"), trained("d")],
        {"b": False, "c": True, "d": True},
    ),
    "a stack passes it on": (
        [watched("a"), Residual(layers=[watched("b"), trained("c"), watched("d")]), watched("e")],
        {"c": False, "d": True, "e": True},
    ),
    "to each branch": (
        [Parallel(branches=[[trained("a"), trained("b")], [watched("c")]], merge="add")],
        {"a": False, "b": True},
    ),
    "to the first of several copies": (
        [Repeat(times=2, layers=[watched("a"), trained("b")])],
        {"a": True, "b": False},
    ),
    "above a trained layer each is needed": (
        [trained("a"), Residual(layers=[watched("b"), trained("c")])],
        {"a": False, "b": True, "c": True},
    ),
    "without a trained layer nothing is run": ([watched("a"), "tanh"], {}),
}


@pytest.mark.parametrize(("layers", "needs"), NEEDS.values(), ids=NEEDS)
def test_dx_is_computed_where_something_below_is_trained(layers, needs):
    network = build_network(layers, (4,), "float64")
    x, dy = draw(network)
    network.forward(x, training=True)

    def asked(backward):
        Watched.asked.clear()
        backward(dy.copy())
        return dict(Watched.asked)

    assert asked(network.backpropagate) == needs
    assert all(asked(network.backward).values())
    assert asked(network.backpropagate) == needs


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda network: pickle.loads(pickle.dumps(network))}
every_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


@every_copy
def test_a_copy_is_in_the_same_state_and_shares_no_memory(copied):
    network = specnet.build_network([{"type": "linear", "units": 3}, {"type": "dropout", "rate": 0.5}], (4,), seed=5)
    x = np.random.default_rng(0).normal(size=(6, 4))
    network.params["layers.0.bias"][:] = 1.0
    network.forward(x, training=True)
    twin = copied(network)
    assert twin.forward(x, training=True).tobytes() == network.forward(x, training=True).tobytes()
    twin.params["layers.0.weight"][:] = 0.0
    twin.params.flat[-3:] = 7.0
    assert twin.forward(x).tolist() == [[7.0] * 3] * 6
    assert network.params["layers.0.bias"].tolist() == [1.0] * 3


@every_copy
def test_a_copy_trains_on_to_the_same_bytes(copied):
    layers = [*MIXED[:4], {"type": "residual", "layers": [{"type": "linear", "units": 5}, "gelu"]}, *MIXED[4:]]
    network = build_network(layers, (3, 4), "float32", seed=3)
    x, dy = draw(network)

    def train(network):
        for _ in range(3):
            network.propagate(x, training=True)
            network.backpropagate(dy.copy())
            network.params.flat[...] -= 0.1 * network.grads.flat
        return network.params.flat.tobytes(), network.grads.flat.tobytes(), network.layers[3].rng.random()

    train(network)
    twin = copied(network)
    again = copied(twin)
    assert train(network) == train(twin) == train(again)


def test_a_notebook_shows_a_table_of_the_layers():
    network = specnet.build_network([{"type": "residual", "layers": ["tanh"]}, {"type": "linear", "units": 3}], (4,))
    rows = re.findall(r"<tr>(.*?)</tr>", network._repr_html_())
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in rows]
    assert cells == [
        ["", "type", "output", "parameters"],
        ["layers.0", "Residual", "(4,)", "0"],
        ["layers.0.layers.0", "Tanh", "(4,)", "0"],
        ["layers.1", "Linear", "(3,)", "15"],
        ["total", "", "(3,)", "15"],
    ]
