"""Masks go through a stack: set before each `forward`, passed on, refused where a layer says so."""

import numpy as np
import pytest

import specnet
from specnet import Layer
from specnet.errors import ShapeError
from specnet.layers.composite import Parallel, Repeat, Residual
from specnet.network.network import Network


class Masking(Layer):
    """Masks the positions whose numbers are all 0."""

    axes = ("time", "features")
    mask = "use"

    def forward(self, x, training):
        self.made = (x != 0).any(axis=-1)
        return x

    def backward(self, dy):
        return dy

    def mask_out(self):
        return self.made


class Mean(Layer):
    """The mean over the positions that count."""

    axes = ("time", "features")
    mask = "use"

    def build(self, input_shape):
        return input_shape[1:]

    def forward(self, x, training):
        self.seen = self.mask
        self.part = (self.mask / self.mask.sum(axis=1, keepdims=True)).astype(x.dtype)[..., np.newaxis]
        return (x * self.part).sum(axis=1)

    def backward(self, dy):
        return dy[:, np.newaxis] * self.part

    def mask_out(self):
        return None


MASK = np.array([[True, True, False], [True, False, False]])
LINEAR = specnet.build("layers", {"type": "linear", "units": 2})
DROPOUT = specnet.build("layers", {"type": "dropout", "rate": 0.5})
TANH, FLATTEN = (specnet.build("layers", name) for name in ("tanh", "flatten"))
STACKS = {
    "plain": [LINEAR, TANH],
    "residual": [Residual(layers=[LINEAR, TANH])],
    "parallel": [Parallel(branches=[[LINEAR], [Residual(layers=[TANH])]])],
    "repeat": [Repeat(times=3, layers=[Residual(layers=[LINEAR]), DROPOUT])],
}


def inputs():
    return np.random.default_rng(0).normal(size=(2, 3, 2))


@pytest.mark.parametrize("layers", STACKS.values(), ids=STACKS)
def test_padding_changes_neither_outputs_nor_gradients(layers):
    network = Network([*layers, Mean(), LINEAR], (3, 2), "float64", seed=1)
    x, dy, found = inputs(), np.ones((2, 2)), []
    for padding in (0.0, 5.0):
        x[~MASK] = padding
        y = network.forward(x, mask=MASK)
        dx = network.backward(dy)
        found.append([y, dx[MASK], network.grads.flat.copy()])
        assert not dx[~MASK].any()
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("layers", [[], *STACKS.values()], ids=["nothing", *STACKS])
def test_a_mask_that_a_layer_makes_is_seen_by_those_behind_it(layers):
    network = Network([Masking(), *layers, Mean()], (3, 2), "float64", seed=1)
    x = inputs()
    x[~MASK] = 0
    network.forward(x)
    np.testing.assert_array_equal(network.layers[-1].seen, MASK)


@pytest.mark.parametrize(
    "wrap", [lambda layer: layer, lambda layer: Parallel(branches=[[layer]])], ids=["alone", "inside"]
)
def test_a_layer_that_refuses_masks_is_named(wrap):
    network = Network([TANH, wrap(FLATTEN)], (3, 2), seed=1)
    network.forward(inputs())
    with pytest.raises(
        ShapeError, match=r"layers\.1.*\(Flatten\) cannot take sequences with masked positions"
    ) as error:
        network.forward(inputs(), mask=MASK)
    assert error.value.pointer[:2] == ("layers", 1)
    network.forward(inputs())  # without a mask again


def test_a_mask_is_gone_in_the_next_step_without_one():
    network = Network([Residual(layers=[TANH])], (3, 2))
    network.forward(inputs(), mask=MASK)
    assert all(layer.mask is not None for layer in network.named.values())
    network.forward(inputs())
    assert all(layer.mask is None for layer in network.named.values())
