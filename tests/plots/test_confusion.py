from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from helpers import sampled

from specnet.component import build
from specnet.datasets.base import Data, Samples
from specnet.errors import PlotError

WANTED = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 1, 0])
COUNTS = [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


@pytest.fixture
def plot():
    return build("plots", "confusion_matrix")


def cells(figure):
    """Return the texts of a matrix by (row, column)."""
    return {tuple(map(int, text.get_position()[::-1])): text.get_text() for text in figure.axes[0].texts}


@pytest.mark.parametrize("wanted", [WANTED, WANTED[:, np.newaxis] * 1.0, np.eye(3)[WANTED]])
@pytest.mark.parametrize("predicted", [PREDICTED, PREDICTED[:, np.newaxis], np.eye(3, dtype="float32")[PREDICTED] + 1])
def test_cells_hold_counts_and_shares_of_the_true_class(plot, trained, samples, wanted, predicted):
    figure = plot.draw(trained(data=Data(samples(wanted, 4)), predict=lambda x: predicted))
    texts = cells(figure)
    assert {place: int(text.split()[0]) for place, text in texts.items()} == {
        place: count for place, count in np.ndenumerate(COUNTS) if count
    }
    assert texts[0, 0] == "2\n66.7%" and texts[0, 1] == "1\n33.3%"
    shares = np.array(COUNTS) / [[3], [2], [1]]
    mistakes, right = (image.get_array() for image in figure.axes[0].images)
    assert np.allclose(mistakes.filled(0) + right.filled(0), shares) and np.allclose(
        right.filled(0), np.diag(np.diag(shares))
    )
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("predicted class", "true class")


def test_probabilities_say_yes_from_one_half_on(plot, trained, samples):
    predicted = np.array([[0.2], [0.5], [0.9], [0.49]])
    figure = plot.draw(trained(data=Data(samples([0, 0, 1, 1], 4)), predict=lambda x: predicted))
    assert cells(figure)[0, 1] == "1\n50.0%" and cells(figure)[1, 0] == "1\n50.0%"
    assert "50.0% correct" in figure.get_suptitle()


@pytest.mark.parametrize(
    "splits", [("train",), ("train", "validation"), ("train", "validation", "test"), ("train", "test")]
)
def test_the_split_furthest_from_training_is_shown_and_named(plot, trained, splits):
    sizes = {"train": 4, "validation": 6, "test": 8}
    data = Data(**{name: Samples(np.zeros((sizes[name], 2)), np.arange(sizes[name]) % 2) for name in splits})
    figure = plot.draw(trained(data=data, predict=lambda x: np.arange(len(x)) % 2))
    assert f"{splits[-1]} split" in figure.get_suptitle().replace("\n", " ")
    assert cells(figure)[1, 1] == f"{sizes[splits[-1]] // 2}\n100.0%"


def test_classes_have_their_names_even_where_none_is_in_the_split(plot, trained, blobs):
    data = blobs(2, classes=("$a$", "_b", "never seen"))
    figure = plot.draw(trained(data=data, predict=lambda x: np.zeros(len(x), int)))
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        assert [text.get_text() for text in axis.get_ticklabels()] == [r"\$a\$", "_b", "never seen"]
    assert (2, 0) not in cells(figure)


@pytest.mark.parametrize(("count", "length"), sampled(product([2, 5, 10, 12, 13, 30], [1, 12, 40]), 5))
def test_no_texts_overlap(plot, trained, count, length):
    targets = np.repeat(np.arange(count), 9000 // count)
    names = tuple(f"{number:x>{length}}" for number in range(count))
    data = Data(Samples(np.zeros((len(targets), 2)), targets), classes=names)
    figure = plot.draw(trained(data=data, predict=lambda x: np.roll(targets, 700)))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    cell = axes.get_window_extent().width / count
    assert all(text.get_window_extent().width < cell for text in axes.texts)
    labels = axes.get_xticklabels()
    if labels[0].get_rotation() == 0:
        assert all(text.get_window_extent().width < cell for text in labels)
    else:
        assert labels[0].get_rotation() == 45 and length > 1


def test_a_large_matrix_leaves_empty_cells_empty(plot, trained, blobs):
    data = blobs(30)
    figure = plot.draw(trained(data=data, predict=lambda x: np.arange(len(x)) % 30))
    assert cells(figure) == {(number, number): "2" for number in range(30)}


@pytest.mark.parametrize("targets", [[0.5, 1.0], [[0.1, 0.9], [1.0, 0.0]]])
def test_targets_that_are_not_classes_are_refused(plot, trained, blobs, samples, targets):
    plot.check(trained(data=blobs(3)))
    with pytest.raises(PlotError, match="not classes") as caught:
        plot.check(trained(data=replace(blobs(3), validation=samples(targets, 2))))
    assert caught.value.help


def test_samples_without_one_class_each_are_refused_when_they_are_met(plot, trained, blobs, samples):
    data = replace(blobs(3), test=samples(np.zeros((2, 3)), 2))
    with pytest.raises(PlotError, match="not one class for each sample"):
        plot.draw(trained(data=data))


def test_few_mistakes_among_many_samples_stand_out(plot, trained):
    targets = np.repeat(np.arange(10), 100)
    found = targets.copy()
    found[[5, 105, 106]] = [3, 7, 7]
    figure = plot.draw(trained(data=Data(Samples(np.zeros((1000, 2)), targets)), predict=lambda x: found))
    mistakes = figure.axes[0].images[0]
    assert len(cells(figure)) == 12
    for row, column in [(0, 3), (1, 7)]:
        shade = mistakes.to_rgba(mistakes.get_array())[row, column, :3]
        assert shade.min() < 0.65, "not almost white"
