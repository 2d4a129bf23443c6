import numpy as np
import pytest

import specnet
from specnet.errors import ShapeError

X = np.arange(24.0).reshape(2, 3, 4)  # two samples


def test_flatten_lists_each_sample_in_row_major_order():
    for shape, features in (((), 1), ((4,), 4), ((3, 5), 15), ((3, 1, 2), 6)):
        network = specnet.build_network(["flatten"], shape, "float64")
        x = np.random.default_rng(1).normal(size=(3, *shape))
        assert network.output_shape == (features,)
        y = network.forward(x)
        assert y.tolist() == [list(sample.flat) for sample in x]
        np.testing.assert_array_equal(network.backward(y), x)


def moved(x, steps):
    return np.array([x[t - steps] if 0 <= t - steps < len(x) else 0 * x[0] for t in range(len(x))])


@pytest.mark.parametrize(("layer", "of_a_sample"), [
    ({"type": "reshape", "target_shape": [4, 3]}, lambda x: np.array(x.flat).reshape(4, 3)),
    ({"type": "reshape", "target_shape": [2, -1, 1]}, lambda x: np.array(x.flat).reshape(2, 6, 1)),
    ({"type": "permute", "dims": [1, 0]}, lambda x: x.T),
    ("identity", lambda x: x),
    ({"type": "slice", "start": 1}, lambda x: x[1:]),
    ({"type": "slice", "start": -3, "stop": -1, "axis": 1}, lambda x: x[:, -3:-1]),
    ({"type": "slice", "step": 3, "axis": -1}, lambda x: x[:, ::3]),
    ("reverse", lambda x: x[::-1]),
    ({"type": "reverse", "axis": -1}, lambda x: x[:, ::-1]),
    ("shift", lambda x: moved(x, 1)),
    ({"type": "shift", "steps": -2, "axis": 1}, lambda x: moved(x.T, -2).T),
    ({"type": "shift", "steps": 5}, np.zeros_like),
    ("zero_pad", lambda x: np.array([x[0] * 0, *x, x[0] * 0])),
    ({"type": "zero_pad", "padding": [[0, 2]]}, lambda x: np.array([*x, x[0] * 0, x[0] * 0])),
    ("crop", lambda x: x[1:2]),
    ({"type": "crop", "cropping": [[2, 0]]}, lambda x: x[2:]),
])  # fmt: skip
def test_rearrangements_move_numbers_and_their_gradients_with_them(layer, of_a_sample):
    network = specnet.build_network([layer], (3, 4), "float64")
    y = network.forward(X, training=True)
    np.testing.assert_array_equal(y, [of_a_sample(x) for x in X])
    # Backward is the transpose of forward: <y, dy> = <x, dx> for all x and dy.
    dy = np.random.default_rng(0).normal(size=y.shape)
    expected = [[float((of_a_sample(e.reshape(3, 4)) * each).sum()) for e in np.eye(12)] for each in dy]
    np.testing.assert_allclose(network.backward(dy).reshape(2, 12), expected, rtol=1e-14)


def test_repeat_vector_makes_copies_and_adds_their_gradients():
    network = specnet.build_network([{"type": "repeat_vector", "n": 3}], (2,), "float64")
    assert network.forward(np.array([[1.0, 2]]), training=True).tolist() == [[[1, 2]] * 3]
    assert network.backward(np.array([[[1.0, 2], [3, 4], [5, 6]]])).tolist() == [[9, 12]]


def test_padding_and_cropping_of_images_leave_channels_alone():
    layers = [{"type": "zero_pad", "padding": [1, [0, 2]]}, {"type": "crop", "cropping": [1, [0, 2]]}]
    network = specnet.build_network(layers, (2, 3, 2), "float64")
    x = np.random.default_rng(0).normal(size=(2, 2, 3, 2))
    assert network.layers[0].output_shape == (4, 5, 2)
    np.testing.assert_array_equal(network.forward(x, training=True), x)
    np.testing.assert_array_equal(network.backward(x.copy()), x)


def test_the_mask_of_a_reversed_sequence_is_reversed():
    layer = specnet.build_network(["reverse"], (3, 4), "float64")
    mask = np.array([[True, True, False], [True, False, False]])
    layer.forward(X, mask=mask)
    np.testing.assert_array_equal(layer.layers[0].mask_out(), mask[:, ::-1])


@pytest.mark.parametrize(("layer", "message", "place"), [
    ({"type": "reshape", "target_shape": [5, 2]}, "cannot make [5, 2] from 12 numbers", ("target_shape",)),
    ({"type": "reshape", "target_shape": [-1, -1]}, "cannot make [-1, -1] from 12 numbers", ("target_shape",)),
    ({"type": "reshape", "target_shape": [0, -1]}, "cannot make [0, -1] from 12 numbers", ("target_shape",)),
    ({"type": "permute", "dims": [1, 2]}, "not each axis from 0 once", ("dims",)),
    ({"type": "slice", "axis": 2}, "has axis 2, which its input lacks", ("axis",)),
    ({"type": "slice", "start": 3}, "keeps none of the 3 positions of axis 0", ()),
    ({"type": "crop", "cropping": [[1, 2]]}, "cuts off all positions", ("cropping",)),
    ({"type": "zero_pad", "padding": [1, 1]}, "one value, or one for each of 1 axes, not 2", ("padding",)),
])  # fmt: skip
def test_what_does_not_fit_is_a_located_error(layer, message, place):
    with pytest.raises(ShapeError) as caught:
        specnet.build_network([layer], (3, 4))
    assert message in caught.value.message
    assert "its input has shape (3, 4)" in caught.value.message
    assert caught.value.pointer == ("layers", 0, *place)
