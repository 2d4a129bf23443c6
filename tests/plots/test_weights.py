import numpy as np
import pytest

from specnet.component import build
from specnet.datasets.base import Data
from specnet.errors import PlotError

RNG = np.random.default_rng(0)


@pytest.fixture
def plot():
    return build("plots", "weights")


@pytest.fixture
def drawn(plot, trained, samples):
    """Draws the weights of a network for inputs of a shape and returns the figure."""

    def draw(shape, names=(), **params):
        shown = trained(data=Data(samples([0, 1], *shape), input_names=names), params=params)
        plot.check(shown)
        return plot.draw(shown)

    return draw


def tile(figure, number, height, width, columns):
    """Return the values that are shown for a unit."""
    top, left = number // columns * (height + 1) + 1, number % columns * (width + 1) + 1
    return np.asarray(figure.axes[0].images[0].get_array())[top : top + height, left : left + width]


def test_a_unit_on_images_is_an_image_of_its_weights(drawn):
    weight = RNG.normal(size=(6, 5))
    figure = drawn((2, 3, 1), bias=np.zeros(5), weight=weight)
    for unit in range(5):
        for row in range(2):
            assert np.allclose(tile(figure, unit, 2, 3, 3)[row], weight[3 * row : 3 * row + 3, unit])
    assert "weight, all 5 units" in figure.get_suptitle()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["0", "3"]


def test_of_many_units_the_strongest_64_are_shown_with_their_numbers(drawn, tidy):
    weight = RNG.normal(size=(16, 100)) * np.where(np.arange(100) % 3 == 1, 0.01, 1.0)
    figure = drawn((4, 4, 1), weight=weight)
    strongest = np.sort(np.argsort(-np.linalg.norm(weight, axis=0))[:64])
    assert "the 64 strongest of 100 units" in figure.get_suptitle() and 1 not in strongest
    assert [int(text.get_text()) for text in figure.axes[0].texts] == strongest.tolist()
    assert np.allclose(tile(figure, 63, 4, 4, 8), weight[:, strongest[63]].reshape(4, 4))
    tidy(figure)


def test_images_without_channels_are_images_too(drawn):
    weight = RNG.normal(size=(9 * 8, 3))
    assert np.allclose(tile(drawn((9, 8), weight=weight), 2, 9, 8, 2), weight[:, 2].reshape(9, 8))


def test_kernels_of_a_convolution_are_images(drawn):
    kernel = RNG.normal(size=(3, 3, 1, 4))
    figure = drawn((8, 8, 1), kernel=kernel, weight=RNG.normal(size=(64, 2)))
    assert np.allclose(tile(figure, 2, 3, 3, 2), kernel[:, :, 0, 2])


def test_three_channels_are_colours_about_grey(drawn):
    kernel = RNG.normal(size=(3, 3, 3, 4))
    figure = drawn((8, 8, 3), kernel=kernel)
    shown = tile(figure, 1, 3, 3, 2)
    assert np.allclose(shown, 0.5 + kernel[..., 1] / (2 * np.abs(kernel).max()))
    assert len(figure.axes) == 1 and "grey 0" in figure.axes[0].get_xlabel()


def test_four_channels_are_shown_by_their_mean(drawn):
    weight = RNG.normal(size=(2 * 2 * 4, 3))
    figure = drawn((2, 2, 4), weight=weight)
    assert np.allclose(tile(figure, 0, 2, 2, 2), weight[:, 0].reshape(2, 2, 4).mean(axis=-1))
    assert "mean over channels" in figure.get_suptitle()


@pytest.mark.parametrize("shape", [(2,), (5, 1)])
def test_other_inputs_have_the_matrix_of_the_first_layer(drawn, shape):
    first = RNG.normal(size=(np.prod(shape), 7))
    figure = drawn(shape, gain=np.ones(3), first=first, second=np.zeros((7, 1)))
    assert np.allclose(figure.axes[0].images[0].get_array(), first)
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("unit", "input")
    assert "first" in figure.get_suptitle()


def test_inputs_have_their_names_where_there_is_room(drawn):
    figure = drawn((2,), ("width $", "height"), weight=np.ones((2, 3)))
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [r"width \$", "height"]
    many = drawn((40,), tuple(f"input {number}" for number in range(40)), weight=np.ones((40, 3)))
    assert not any("input" in text.get_text() for text in many.axes[0].get_yticklabels())


@pytest.mark.parametrize("weight", [RNG.normal(size=(3, 3)) + 5.0, np.zeros((3, 3))])
def test_colours_are_symmetric_about_0(drawn, weight):
    image = drawn((3,), weight=weight).axes[0].images[0]
    limit = np.abs(weight).max() or 1.0
    assert np.allclose(image.get_clim(), (-limit, limit))


@pytest.mark.parametrize("params", [{}, {"gain": np.ones(3)}, {"kernel": np.ones((3, 3, 2, 4))}])
def test_a_network_without_a_matrix_of_weights_is_refused(plot, trained, samples, params):
    with pytest.raises(PlotError, match="no layer has a matrix") as caught:
        plot.check(trained(data=Data(samples([0, 1], 8, 8, 1)), params=params))
    assert caught.value.help
