from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from specnet.component import build
from specnet.datasets.base import Data, Samples
from specnet.errors import PlotError


@pytest.fixture
def plot():
    return build("plots", "decision_boundary")


def probability(x):
    """0.5 where the inputs sum to 0."""
    return 1.0 / (1.0 + np.exp(-x.sum(axis=1, keepdims=True)))


def scores(count):
    """Scores of classes whose regions are the strips of the first input around 0, 1, 2, …"""
    return lambda x: -np.square(x[:, :1] - np.arange(count))


@pytest.mark.parametrize("flat", [False, True])
def test_a_probability_has_its_line_at_one_half(plot, trained, blobs, flat):
    figure = plot.draw(trained(data=blobs(2), predict=lambda x: probability(x)[:, 0] if flat else probability(x)))
    (half,) = [found for found in figure.axes[0].collections if getattr(found, "levels", np.empty(0)).tolist() == [0.5]]
    points = np.concatenate([path.vertices for path in half.get_paths()])
    assert len(points) > 100
    assert np.allclose(points.sum(axis=1), 0.0, atol=1e-3)
    assert figure.axes[1].get_ylabel() == "probability of 1"


@pytest.mark.parametrize("constant", [0.0, 0.3, 0.5, 1.0, 1.5])
def test_a_probability_that_is_the_same_everywhere_fills_the_plane(plot, trained, blobs, constant):
    figure = plot.draw(trained(data=blobs(2), predict=lambda x: np.full((len(x), 1), constant)))
    (filled,) = [found for found in figure.axes[0].collections if getattr(found, "levels", np.empty(0)).size == 11]
    corners = np.concatenate([path.vertices for path in filled.get_paths()])
    assert np.allclose([corners.min(axis=0), corners.max(axis=0)], figure.axes[0].viewLim.get_points())


@pytest.mark.parametrize("count", [2, 3, 9, 30])
@pytest.mark.parametrize("numbers", [False, True])
def test_scores_and_class_numbers_give_the_regions_of_the_winners(plot, trained, blobs, count, numbers):
    predict = (lambda x: np.argmax(scores(count)(x), axis=1)) if numbers else scores(count)
    figure = plot.draw(trained(data=blobs(count), predict=predict))
    (mesh,) = [found for found in figure.axes[0].collections if hasattr(found, "get_coordinates")]
    corners = mesh.get_coordinates()[..., 0]
    middle = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    nearest = np.clip(np.rint(middle), 0, count - 1)
    assert (mesh.get_array() == nearest).mean() > 0.99
    assert len(figure.axes) == 1


def test_one_class_everywhere_is_one_region(plot, trained, blobs):
    figure = plot.draw(trained(data=blobs(3), predict=lambda x: np.zeros(len(x), int)))
    *_, mesh, line = figure.axes[0].collections
    assert (mesh.get_array() == 0).all()
    assert not any(len(path) for path in line.get_paths())


@pytest.mark.parametrize("form", ["numbers", "column", "one-hot"])
def test_samples_have_their_place_and_the_colour_of_their_class(plot, trained, blobs, legend_texts, form):
    data = blobs(3, input_names=("width $", "height"), classes=("a", "_b", "c $x$"))
    for split, (inputs, targets, *_) in data.splits.items():
        forms = {"numbers": targets, "column": targets[:, np.newaxis] * 1.0, "one-hot": np.eye(3)[targets]}
        data = replace(data, **{split: Samples(inputs, forms[form])})
    figure = plot.draw(trained(data=data, predict=scores(3)))
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (r"width \$", "height")
    assert legend_texts(figure) == ["a", "_b", r"c \$x\$", "train", "validation", "test"]
    patches = [to_hex(patch.get_facecolor()) for patch in figure.legends[0].get_patches()]
    points = {found.get_label(): found for found in axes.collections}
    for split, samples in data.splits.items():
        assert np.array_equal(points[split].get_offsets(), samples.inputs)
        shown = points[split].get_facecolors() if split == "train" else points[split].get_edgecolors()
        assert [to_hex(color) for color in shown] == [patches[n] for n in np.arange(len(samples.inputs)) % 3]
    assert to_hex(points["test"].get_facecolors()[0]) == "#ffffff"


@pytest.mark.parametrize("count", [2, 7, 30, 100])
def test_nothing_overlaps_or_leaves_the_figure(plot, trained, blobs, count):
    names = tuple(f"a class with a long name {number}" for number in range(count))
    figure = plot.draw(trained("x" * 100, data=blobs(count, classes=names), predict=scores(count)))
    figure.draw_without_rendering()
    legend, title = figure.legends[0].get_window_extent(), figure._suptitle.get_window_extent()
    panel = figure.axes[0].get_window_extent()
    assert not (legend.overlaps(panel) or legend.overlaps(title) or title.overlaps(panel))
    for box in (legend, title, panel):
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1
    assert panel.width > 300


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2), ()])
def test_other_than_two_inputs_are_refused(plot, trained, samples, shape):
    with pytest.raises(PlotError, match="two inputs") as caught:
        plot.check(trained(data=Data(samples([0, 1], *shape))))
    assert "confusion_matrix" in caught.value.help


def test_targets_that_are_not_classes_are_refused(plot, trained, samples, blobs):
    plot.check(trained(data=blobs(2)))
    with pytest.raises(PlotError, match="not classes"):
        plot.check(trained(data=Data(samples([0, 1], 2), test=samples([0.5, 1.0], 2))))


@pytest.mark.parametrize("stretch", [1.0, 1.5, 20.0])
def test_inputs_of_like_ranges_have_one_scale(plot, trained, blobs, stretch):
    data = blobs(2)
    for split in data.splits.values():
        split.inputs[:, 1] *= stretch
    axes = plot.draw(trained(data=data, predict=lambda x: np.full((len(x), 1), 0.3))).axes[0]
    spans = [np.ptp(limits) for limits in (axes.get_xlim(), axes.get_ylim())]
    assert (axes.get_aspect() == 1) == (0.5 < spans[1] / spans[0] < 2)


def test_the_legend_is_not_beside_the_bar_of_colours(plot, trained, blobs):
    figure = plot.draw(trained(data=blobs(2), predict=lambda x: np.full((len(x), 1), 0.3)))
    figure.draw_without_rendering()
    bar, legend = figure.axes[1].get_tightbbox(), figure.legends[0].get_window_extent()
    assert legend.y1 <= bar.y0
