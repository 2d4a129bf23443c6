from typing import Any

import numpy as np
import pytest
from pydantic import Field

import specnet
from specnet import Layer
from specnet.errors import ShapeError, SpecnetError
from specnet.initializers.constant import Constant
from specnet.layers.base import walk
from specnet.layers.stack import Stack
from specnet.network.network import Network


class Declaring(Layer):
    """Declares one parameter and one running state as it is told, and keeps the shape."""

    parameter: str = "weight"
    shape: tuple[int, ...] = (2, 3)
    fans: dict[str, int] = Field(default={})
    running: str = "passes"

    def build(self, input_shape):
        self.declare(self.parameter, self.shape, "zeros", **self.fans)
        self.declare_state(self.running, (2,), 1.5)
        return input_shape

    def forward(self, x, training):
        if training:
            self.passes += 1
        return x

    def backward(self, dy):
        self.grad.weight[...] = np.sum(dy)
        return dy


@pytest.mark.parametrize(
    ("shape", "fan_in", "fan_out"),
    [((4, 7), 4, 7), ((3, 5, 2, 6), 30, 90), ((3, 2, 6), 6, 18), ((5,), 5, 5), ((), 1, 1)],
)
def test_fans_come_from_the_last_two_axes_and_the_kernel_before_them(shape, fan_in, fan_out):
    layer = Declaring(shape=shape)
    layer.build((1,))
    (parameter,) = layer.parameters
    assert (parameter.shape, parameter.fan_in, parameter.fan_out) == (shape, fan_in, fan_out)


def test_given_fans_win():
    layer = Declaring(fans={"fan_in": 11, "fan_out": 13})
    layer.build((1,))
    assert (layer.parameters[0].fan_in, layer.parameters[0].fan_out) == (11, 13)


@pytest.mark.parametrize(("shape", "decay", "decays"), [
    ((4, 7), None, True), ((3, 2, 6), None, True), ((5,), None, False), ((), None, False), ((4, 7), False, False),
    ((5,), True, True),
])  # fmt: skip
def test_parameters_of_two_or_more_axes_decay_unless_declared_otherwise(shape, decay, decays):
    layer = Declaring()
    layer.declare("kernel", shape, "zeros", decay=decay)
    assert layer.parameters[0].decay == decays


class Filled(Layer):
    """Declares a parameter with an initializer in any of its forms."""

    init: Any

    def build(self, input_shape):
        self.declare("weight", (2,), self.init)
        return input_shape

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


@pytest.mark.parametrize(
    ("init", "values"),
    [
        ("ones", [1.0, 1.0]),
        ({"type": "constant", "value": 0.25}, [0.25, 0.25]),
        (Constant(value=3.0), [3.0, 3.0]),
        ({"type": "zeros"}, [0.0, 0.0]),
    ],
)
def test_an_initializer_is_declared_by_name_as_json_or_as_an_instance(init, values):
    assert Network([Filled(init=init)], (1,)).params["layers.0.weight"].tolist() == values


@pytest.mark.parametrize(
    ("init", "code", "message"),
    [
        ("one", "unknown-component", 'Filled declares weight, but there is no initializer "one"'),
        ({"type": "constant"}, "missing-key", "Filled declares weight, but "),
        ({"type": "normal", "std": -1}, "out-of-range", "Filled declares weight, but "),
        (3, "wrong-type", "Filled declares weight, but an initializer is a name or an object"),
    ],
)
def test_a_wrong_initializer_is_an_error_at_the_place_of_the_layer(init, code, message):
    with pytest.raises(SpecnetError) as caught:
        Network([Filled(init="zeros"), Filled(init=init)], (1,))
    (found,) = caught.value.diagnostics
    assert (found.code, found.pointer) == (code, ("layers", 1))
    assert found.message.startswith(message)


@pytest.mark.parametrize("name", ["forward", "build", "shape", "grad", "rng", "parameters", "states", "model_fields"])
@pytest.mark.parametrize("field", ["parameter", "running"])
def test_a_name_that_the_layer_has_already_is_refused(field, name):
    with pytest.raises(ValueError, match=f"already has an attribute '{name}'"):
        Declaring(**{field: name}).build((1,))


def test_a_name_declared_twice_is_refused():
    with pytest.raises(ValueError, match="already has an attribute 'weight'"):
        Declaring(parameter="weight", running="weight").build((1,))


def test_an_empty_parameter_is_a_shape_error():
    with pytest.raises(ShapeError, match=r"layers\.0"):
        Network([Declaring(shape=(3, 0))], (1,))


def test_running_state_is_in_the_networks_state_and_not_in_its_params():
    network = Network([Declaring()], (3,), "float64")
    assert list(network.params) == ["layers.0.weight"]
    assert list(network.state) == ["layers.0.passes"]
    assert network.state["layers.0.passes"].tolist() == [1.5, 1.5]
    network.forward(np.ones((2, 3)), training=True)
    assert network.state.flat.tolist() == [2.5, 2.5]
    network.backward(np.ones((2, 3)))
    assert network.grads["layers.0.weight"].tolist() == [[6.0] * 3] * 2


def test_a_layer_of_one_network_can_be_built_into_another():
    first = Network([Declaring()], (3,))
    second = Network(first.layers, (4,))
    assert second.params.layout == first.params.layout
    second.params.flat[...] = 1
    second.forward(np.ones((1, 4), "float32"), training=True)
    assert not first.params.flat.any()
    assert first.state.flat.tolist() == [1.5, 1.5]


def test_a_layer_without_parameters_needs_forward_and_backward_alone():
    class Double(Layer):
        def forward(self, x, training):
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    network = specnet.build_network([Double(), {"type": "linear", "units": 2}, Double()], (3,), "float64")
    x = np.ones((1, 3))
    np.testing.assert_allclose(network.forward(x), 4 * x @ network.params["layers.1.weight"])
    np.testing.assert_allclose(network.backward(np.ones((1, 2))), 4 * network.params["layers.1.weight"].sum(1)[None])


class Eight(Layer):
    """Takes 8 features, and gives as many as it is told."""

    features: int = 8
    field: str | None = None

    def build(self, input_shape):
        if input_shape != (8,):
            place = (self.field,) if self.field else ()
            raise ShapeError("expects 8 features", pointer=place, help="put a linear layer before it")
        return (self.features,)

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


class Holding(Layer):
    """Contains layers, one after the other."""

    inner: list[Layer]

    def build(self, input_shape):
        self.f = self.stack(self.inner, "inner")
        return self.f.build(input_shape)

    def forward(self, x, training):
        return self.f.forward(x, training)

    def backward(self, dy):
        return self.f.backward(dy)


def stacked(layers, shape):
    stack = Stack(layers, ("layers",), "layers")
    return stack, stack.build(shape)


def test_a_stack_sets_the_place_and_the_shapes_of_each_layer():
    stack, shape = stacked([Eight(), Holding(inner=[Eight(), Eight(features=3)])], (8,))
    assert shape == (3,)
    holding = stack.layers[1]
    first, second = holding.f.layers
    assert [layer.place for layer in (*stack.layers, first, second)] == [
        ("layers", 0),
        ("layers", 1),
        ("layers", 1, "inner", 0),
        ("layers", 1, "inner", 1),
    ]
    assert [(layer.input_shape, layer.output_shape) for layer in (holding, second)] == [((8,), (3,))] * 2
    assert stacked([], (4, 2))[1] == (4, 2)


def test_a_stack_copies_its_layers_without_what_they_were_in_another():
    layer = Declaring()
    first, _ = stacked([layer, layer], (1,))
    second, _ = stacked(first.layers, (2,))
    assert not layer.parameters
    assert [len(each.parameters) + len(each.states) for each in (*first.layers, *second.layers)] == [2] * 4
    assert [each.input_shape for each in (*first.layers, *second.layers)] == [(1,), (1,), (2,), (2,)]


@pytest.mark.parametrize(
    ("layers", "shape", "message", "pointer"),
    [
        ([Eight()], (2,), "layers.0 expects 8 features; its input has 2", ("layers", 0)),
        ([Eight()], (2, 8), "layers.0 expects 8 features; its input has shape (2, 8)", ("layers", 0)),
        ([Eight()], (), "layers.0 expects 8 features; its input has shape ()", ("layers", 0)),
        (
            [Eight(), Eight(features=16), Eight()],
            (8,),
            "layers.2 expects 8 features; layers.1 returns 16",
            ("layers", 2),
        ),
        ([Eight(field="features")], (2,), "layers.0 expects 8 features; its input has 2", ("layers", 0, "features")),
        (
            [Eight(), Holding(inner=[Eight(features=5), Eight(field="features")])],
            (8,),
            "layers.1.inner.1 expects 8 features; layers.1.inner.0 returns 5",
            ("layers", 1, "inner", 1, "features"),
        ),
        (
            [Eight(features=3), Holding(inner=[Holding(inner=[Eight()])])],
            (8,),
            "layers.1.inner.0.inner.0 expects 8 features; its input has 3",
            ("layers", 1, "inner", 0, "inner", 0),
        ),
    ],
)
def test_a_layer_that_cannot_take_its_input_is_told_with_what_gives_it(layers, shape, message, pointer):
    with pytest.raises(ShapeError) as caught:
        stacked(layers, shape)
    error = caught.value
    assert (error.message, error.pointer, error.help) == (message, pointer, "put a linear layer before it")


def test_walk_names_layers_inside_layers_by_their_place_outer_ones_first():
    (layer,) = stacked([Holding(inner=[Eight(), Holding(inner=[Eight()])])], (8,))[0].layers
    first, second = layer.f.layers
    assert list(walk(layer, "layers.2")) == [
        ("layers.2", layer),
        ("layers.2.inner.0", first),
        ("layers.2.inner.1", second),
        ("layers.2.inner.1.inner.0", second.f.layers[0]),
    ]


def test_what_a_layer_inside_declares_is_in_the_networks_vectors():
    network = Network([Holding(inner=[Holding(inner=[Declaring()])])], (3,), "float64")
    assert list(network.params) == ["layers.0.inner.0.inner.0.weight"]
    network.forward(np.ones((2, 3)), training=True)
    assert network.state["layers.0.inner.0.inner.0.passes"].tolist() == [2.5, 2.5]
    network.backpropagate(np.ones((2, 3)))
    assert network.grads.flat.tolist() == [6.0] * 6
