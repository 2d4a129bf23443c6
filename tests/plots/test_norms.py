import numpy as np
import pytest
from helpers import sampled
from matplotlib.colors import to_rgb

from specnet.component import build
from specnet.errors import PlotError


@pytest.fixture
def plot():
    return build("plots", "gradient_norms")


def kept(layers, frames=5):
    """Return a record whose norms are products of the number of the frame, from 0, and that of the layer, from 1."""
    steps = np.arange(frames)[:, np.newaxis] * np.arange(1.0, layers + 1.0)
    unknown = np.where(np.arange(frames)[:, np.newaxis] == 0, np.nan, steps)
    return {
        "epochs": 10 * np.arange(frames),
        "train/loss": np.full(frames, 0.5),
        "predictions": np.zeros((frames, 1)),
        "layers": np.array([f"layers.{number}" for number in range(layers)]),
        "activations": np.empty(0, np.str_),
        "weight_norms": np.full((frames, layers), 4.0, np.float32),
        "gradient_norms": unknown.astype(np.float32),
        "update_norms": (0.1 * unknown).astype(np.float32),
    }


def test_gradients_and_steps_in_relation_to_weights_are_drawn_for_each_layer(plot, trained):
    left, right, _ = plot.draw(trained(record=kept(3))).axes
    for axes, factor in ((left, 1.0), (right, 0.1 / 4.0)):
        assert (axes.get_yscale(), axes.get_xlabel()) == ("log", "epoch")
        for number, line in enumerate(axes.get_lines()):
            assert line.get_xdata().tolist() == [10, 20, 30, 40]
            assert np.allclose(line.get_ydata(), factor * (number + 1) * np.arange(1, 5))


def test_what_is_0_or_unknown_is_left_out(plot, trained):
    record = kept(2)
    record["gradient_norms"][2] = 0.0
    record["update_norms"][-1] = np.nan
    record["weight_norms"][3] = 0.0
    left, right, _ = plot.draw(trained(record=record)).axes
    assert left.get_lines()[0].get_xdata().tolist() == [10, 30, 40]
    assert right.get_lines()[1].get_xdata().tolist() == [10, 20]


def test_layers_get_lighter_from_input_to_output_and_are_named_beside_their_colours(plot, trained):
    left, _, bar = plot.draw(trained(record=kept(4))).axes
    shades = [np.array(to_rgb(line.get_color())) @ [0.2126, 0.7152, 0.0722] for line in left.get_lines()]
    assert shades == sorted(shades) and len(set(shades)) == 4 and shades[-1] < 0.8
    assert [text.get_text() for text in bar.get_yticklabels()] == [f"layers.{number}" for number in range(4)]
    assert bar.yaxis_inverted()


@pytest.mark.parametrize("layers", sampled([1, 2, 20, 21, 100], 2))
def test_many_layers_leave_their_names_room(plot, trained, tidy, layers):
    figure = plot.draw(trained(record=kept(layers)))
    tidy(figure)
    names = [text.get_text() for text in figure.axes[2].get_yticklabels()]
    assert names[0] == "layers.0" and names[-1] == f"layers.{layers - 1}"
    assert len(names) == min(layers, 20)


def test_a_record_of_the_initial_weights_alone_has_no_curves_yet(plot, trained, tidy):
    figure = plot.draw(trained(record=kept(2, frames=1)))
    tidy(figure)
    assert not any(len(line.get_xdata()) for axes in figure.axes[:2] for line in axes.get_lines())


def test_a_network_without_parameters_is_refused(plot, trained):
    with pytest.raises(PlotError, match="no layer has parameters"):
        plot.check(trained(record=kept(0)))


@pytest.mark.parametrize("speck", [1e-13, 1e-30])
def test_a_value_near_zero_does_not_squash_the_others(plot, trained, tidy, speck):
    record = kept(3, frames=50)
    record["gradient_norms"][-1, 0] = speck
    figure = plot.draw(trained(record=record))
    tidy(figure)
    low, high = figure.axes[0].get_ylim()
    assert high / low < 1e6
    assert [text.get_text()[:8] for text in figure.axes[0].texts] == ["1 below "]
    assert not figure.axes[1].texts
