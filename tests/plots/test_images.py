import numpy as np
import pytest
from matplotlib.patches import Rectangle

from specnet.component import build
from specnet.datasets.base import Data, Samples
from specnet.errors import PlotError
from specnet.plots.sample_panels import pictures


@pytest.fixture
def plot():
    return build("plots", "samples")


@pytest.fixture
def texts():
    """Reads what is written above and below each image."""

    def read(figure):
        found = [text.get_text() for text in figure.axes[0].texts]
        return found[: len(found) // 2], found[len(found) // 2 :]

    return read


def images(targets, shape=(4, 4, 1)):
    """Return samples whose images are all of their number."""
    numbers = np.arange(len(targets)).reshape(-1, 1, 1, 1)
    return Samples(np.broadcast_to(numbers, (len(targets), *shape)), np.asarray(targets))


def frames(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]


@pytest.mark.parametrize(("count", "rows"), [(3, [0, 1, 2]), (47, range(0, 47, 2))])
def test_images_are_spread_evenly_over_the_split(plot, trained, texts, count, rows):
    targets = np.arange(count)
    figure = plot.draw(trained(data=Data(images([0]), test=images(targets)), predict=lambda x: x[:, 0, 0, 0]))
    assert texts(figure) == ([str(row) for row in rows], [str(row) for row in rows])
    values = [image.get_array()[0, 0] for image in figure.axes[0].images]
    assert np.allclose(values, np.array(rows) / (count - 1))
    shown = "samples of the test split" if count == 3 else "24 of 47 samples of the test split"
    assert f"demo: {shown}, {len(rows)} of {len(rows)} correct" in figure.get_suptitle()


def test_a_wrong_prediction_is_crossed_and_framed(plot, trained, texts):
    data = Data(images([0, 1, 1, 0]), classes=("cat", "do$g"))
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.25, 0.75], [0.5, 0.5]])
    figure = plot.draw(trained(data=data, predict=lambda x: scores[x[:, 0, 0, 0]]))
    above, below = texts(figure)
    assert above == ["cat", r"do\$g", r"do\$g", "cat"]
    assert below == ["cat\n90%", "✗ cat\n80%", "do\\$g\n75%", "cat\n50%"]
    (frame,) = frames(figure)
    second = figure.axes[0].images[1].get_extent()
    assert frame.get_x() < second[0] and frame.get_x() + frame.get_width() > second[1]
    assert "3 of 4 correct" in figure.get_suptitle() and "✗" in figure.axes[0].get_xlabel()


def test_any_number_of_classes_is_shown(plot, trained, texts):
    targets = np.arange(150)
    shown = trained(data=Data(images(targets)), predict=lambda x: np.eye(150)[(x[:, 0, 0, 0] + 1) // 2 * 2 % 150])
    plot.check(shown)
    figure = plot.draw(shown)
    above, below = texts(figure)
    rows = np.linspace(0, 149, 24).round().astype(int)
    assert above == [str(row) for row in rows]
    assert below == [f"{row}\n100%" if row % 2 == 0 else f"✗ {(row + 1) % 150}\n100%" for row in rows]


def test_whole_numbers_that_are_estimated_are_no_classes(plot, trained, texts):
    figure = plot.draw(trained(data=Data(images([7, 30, 2])), predict=lambda x: np.full((len(x), 1), 12.5)))
    assert texts(figure) == (["7", "30", "2"], ["12.5"] * 3)
    assert not frames(figure) and "right" not in figure.get_suptitle()


def test_a_probability_of_yes_is_told_as_that_of_what_is_predicted(plot, trained, texts):
    figure = plot.draw(trained(data=Data(images([0, 1])), predict=lambda x: np.array([[0.1], [0.7]])))
    assert texts(figure)[1] == ["0\n90%", "1\n70%"]


def test_scores_that_are_no_probabilities_are_not_told(plot, trained, texts):
    figure = plot.draw(trained(data=Data(images([0, 1])), predict=lambda x: np.array([[3.0, 1.0], [-2.0, 5.0]])))
    assert texts(figure)[1] == ["0", "1"]


def test_of_numbers_none_is_wrong(plot, trained, texts):
    shown = trained(data=Data(images([0.25, 1.5])), predict=lambda x: (x[:, 0, 0] + 1) / 2)
    plot.check(shown)
    figure = plot.draw(shown)
    assert texts(figure) == (["0.25", "1.5"], ["0.5", "1"])
    assert not frames(figure) and "right" not in figure.get_suptitle()


@pytest.mark.parametrize("shape", [(4, 4, 1), (2, 9, 3), (9, 2, 4)])
@pytest.mark.parametrize("count", [1, 8, 24])
def test_images_of_any_proportions_keep_their_places(plot, trained, tidy, shape, count):
    names = tuple(f"a class with a long name {number}" for number in range(24))
    data = Data(images(np.arange(count), shape), classes=names)
    figure = plot.draw(trained("x" * 100, data=data, predict=lambda x: np.zeros((len(x), 24))))
    tidy(figure)
    for image in figure.axes[0].images:
        left, right, bottom, top = image.get_extent()
        assert np.isclose((right - left) / (bottom - top), shape[1] / shape[0])
        assert max(right - left, bottom - top) == pytest.approx(1.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_reach_from_0_to_1_over_all_of_them(dtype, channels):
    values = np.linspace(10, 210, 2 * 3 * 3 * channels).reshape(2, 3, 3, channels).astype(dtype)
    shown = pictures(values)
    assert shown.shape == ((2, 3, 3) if channels == 1 else (2, 3, 3, channels))
    assert (shown.min(), shown.max()) == (0.0, 1.0)
    assert np.allclose(shown.reshape(values.shape) * 200 + 10, values, atol=1e-3)


@pytest.mark.parametrize("shape", [(2,), (4, 4), (4, 4, 2), (2, 4, 4, 1)])
def test_other_inputs_than_images_are_refused(plot, trained, samples, shape):
    with pytest.raises(PlotError, match="images of shape") as caught:
        plot.check(trained(data=Data(samples([0, 1], *shape))))
    assert "confusion_matrix" in caught.value.help


@pytest.mark.parametrize(
    ("targets", "prediction"),
    [(np.full((2, 3), 0.5), np.zeros((2, 3))), ([0.5, 0.2], np.zeros((2, 3))), ([0, 1], np.full((2, 3, 3), 0.5))],
)
def test_answers_that_are_not_one_word_are_refused(plot, trained, targets, prediction):
    with pytest.raises(PlotError) as caught:
        plot.check(trained(data=Data(images(targets)), predict=lambda x: prediction[: len(x)]))
    assert caught.value.help
