"""Layers that write y over x do so only where nobody needs x."""

import numpy as np
import pytest
from helpers import built_in, gradient_error, numeric_gradient

import specnet
from specnet import registry
from specnet.layers.activation import Sigmoid
from specnet.layers.linear import Linear

LINEAR = {"type": "linear", "units": 4}
IN_PLACE = [name for name in built_in("layers") if registry.find("layers", name).load().in_place]
DISPOSABLE = [name for name in built_in("layers") if registry.find("layers", name).load().disposable]
STACKS = {
    "at the bottom": lambda name: [name, LINEAR],
    "behind a linear layer": lambda name: [LINEAR, name, LINEAR],
    "behind another": lambda name: [LINEAR, "sigmoid", name, LINEAR],
    "behind nothing but a view": lambda name: [LINEAR, "sigmoid", "flatten", name, LINEAR],
    "behind dropout that drops nothing": lambda name: [LINEAR, "tanh", {"type": "dropout", "rate": 0.0}, name, LINEAR],
    "in a block": lambda name: [LINEAR, {"type": "residual", "layers": [name, LINEAR, name]}],
    "in branches": lambda name: [LINEAR, {"type": "parallel", "branches": [[name], [], [LINEAR, name]]}],
    "repeated": lambda name: [LINEAR, {"type": "repeat", "times": 2, "layers": [name, LINEAR]}, name],
}


def test_there_are_such_layers():
    assert {"sigmoid", "tanh", "relu"} <= set(IN_PLACE)
    assert DISPOSABLE == ["linear"]


@pytest.mark.parametrize("place", STACKS)
@pytest.mark.parametrize("name", [name for name in IN_PLACE if name != "dropout"])
def test_gradients_are_central_differences_wherever_the_layer_stands(name, place):
    network = specnet.build_network(STACKS[place](name), (4,), "float64", seed=3)
    rng = np.random.default_rng(0)
    network.params.flat[...] = rng.normal(size=network.params.flat.size)
    x = rng.normal(size=(3, 4))
    given, dy = x.copy(), rng.normal(size=(3, *network.output_shape))
    network.forward(x, training=True)
    assert x.tobytes() == given.tobytes()
    dx = network.backward(dy)
    grads = network.grads.flat.copy()

    def f():
        return float(np.sum(dy * network.forward(x)))

    assert gradient_error(dx, numeric_gradient(f, x)) < 1e-6
    assert gradient_error(grads, numeric_gradient(f, network.params.flat)) < 1e-6


class Squared(Linear):
    """A linear layer that needs its own outputs again: y = (x W + b)^2."""

    def forward(self, x, training):
        self.z = super().forward(x, training)
        return self.z * self.z

    def backward(self, dy):
        return super().backward(2.0 * dy * self.z)


class Shifted(Sigmoid):
    """An activation that needs its inputs again: y = sigmoid(x) x."""

    def forward(self, x, training):
        self.x = x
        return super().forward(x, training) * x

    def backward(self, dy):
        dx = dy * self.y
        return dx + super().backward(dy * self.x)


class Scaled(Linear):
    """A linear layer with a parameter more: y = (x W + b) s."""

    def build(self, input_shape):
        shape = super().build(input_shape)
        self.declare("scale", (self.units,), "zeros")
        return shape

    def forward(self, x, training):
        self.z = super().forward(x, training).copy()
        return self.z * self.scale

    def backward(self, dy):
        np.sum(dy * self.z, axis=0, out=self.grad.scale)
        return super().backward(dy * self.scale)


@pytest.mark.parametrize("layer", [Squared(units=4), Shifted(), Scaled(units=4)])
def test_a_class_derived_from_such_a_layer_may_need_what_that_does_not(layer):
    network = specnet.build_network([LINEAR, layer, "sigmoid", LINEAR], (4,), "float64", seed=3)
    rng = np.random.default_rng(0)
    network.params.flat[...] = rng.normal(size=network.params.flat.size)
    x, dy = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    network.forward(x, training=True)
    network.backward(dy)
    grads = network.grads.flat.copy()
    expected = numeric_gradient(lambda: float(np.sum(dy * network.forward(x))), network.params.flat)
    assert gradient_error(grads, expected) < 1e-6


@pytest.mark.parametrize("name", IN_PLACE)
def test_y_takes_the_memory_of_x_only_behind_a_layer_whose_y_is_disposable(name):
    network = specnet.build_network([LINEAR, name, name], (4,))
    assert [layer.overwrites for layer in network.layers] == [False, True, False]
