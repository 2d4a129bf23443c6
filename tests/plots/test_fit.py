import numpy as np
import pytest

from specnet.component import build
from specnet.datasets.base import Data, Samples
from specnet.errors import PlotError


def line(count):
    x = np.linspace(-3.0, 7.0, count)
    return Samples(x[:, np.newaxis], 2.0 * x[:, np.newaxis])


@pytest.fixture
def plot():
    return build("plots", "regression_fit")


@pytest.fixture
def drawn(plot, trained):
    """Draws and returns the axes and their lines by label."""

    def draw(data, **options):
        figure = plot.draw(trained(data=data, **options))
        return figure.axes[0], {found.get_label(): found for found in figure.axes[0].get_lines()}

    return draw


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_prediction_reaches_a_little_beyond_the_data(drawn, dtype):
    axes, lines = drawn(Data(line(11), input_names=("t",), target_names=("h",)), predict=lambda x: x.astype(dtype) ** 2)
    x, y = lines["prediction"].get_data()
    assert -4.0 < x[0] < -3.0 and 7.0 < x[-1] < 8.0
    assert np.allclose(y, x**2, rtol=1e-6)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("t", "h")
    assert axes.figure.get_suptitle().startswith("demo")


def test_the_points_of_each_split_are_told_apart(drawn):
    data = Data(line(11), line(5), line(3))
    _, lines = drawn(data, predict=lambda x: x)
    for split, samples in data.splits.items():
        assert lines[split].get_xdata().tolist() == samples.inputs[:, 0].tolist()
        assert lines[split].get_ydata().tolist() == samples.targets[:, 0].tolist()
    assert len({lines[split].get_marker() for split in data.splits}) == 3


def test_the_noise_free_function_is_drawn_where_it_is_known(drawn):
    def function(x):
        return np.where(x <= 7.0, np.sin(x), np.nan)

    _, lines = drawn(Data(line(11)), predict=lambda x: x, function=function)
    x, y = lines["without noise"].get_data()
    assert np.array_equal(y, function(x), equal_nan=True)
    assert np.isnan(y[-1])


def test_an_unknown_function_is_left_out(drawn):
    assert set(drawn(Data(line(11)), predict=lambda x: x)[1]) == {"train", "prediction"}


def test_targets_and_predictions_may_lack_the_last_axis(drawn):
    _, lines = drawn(Data(Samples(np.zeros((1, 1)), np.ones(1))), predict=lambda x: x[:, 0])
    assert lines["train"].get_data() == ([0.0], [1.0])
    assert lines["prediction"].get_xdata()[0] < 0.0 < lines["prediction"].get_xdata()[-1]


@pytest.mark.parametrize("shapes", [((2,), (1,)), ((1,), (2,)), ((28, 28, 1), ()), ((), (1,))])
def test_more_than_one_number_over_one_input_is_refused(plot, trained, shapes):
    inputs, targets = shapes
    with pytest.raises(PlotError) as caught:
        plot.check(trained(data=Data(Samples(np.zeros((4, *inputs)), np.zeros((4, *targets))))))
    assert str(inputs if inputs != (1,) else targets) in caught.value.message
    assert "confusion_matrix" in caught.value.help


def test_scores_for_several_classes_are_refused(plot, trained):
    data = Data(Samples(np.zeros((4, 1)), np.array([0, 1, 2, 0])))
    plot.check(trained(data=data))
    with pytest.raises(PlotError, match="one number"):
        plot.check(trained(data=data, predict=lambda x: np.zeros((len(x), 3))))


@pytest.fixture
def residuals():
    return build("plots", "residuals")


@pytest.mark.parametrize("flat", [False, True])
def test_a_residual_is_the_truth_minus_the_prediction(residuals, trained, flat):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
    data = Data(Samples(x[:2], y[:2]), test=Samples(x, y[:, 0] if flat else y), target_names=("height in m",))
    shown = trained(data=data, predict=lambda x: x.sum(axis=1) if flat else x.sum(axis=1, keepdims=True))
    residuals.check(shown)
    figure = residuals.draw(shown)
    left, right = figure.axes
    points = left.get_lines()[-1]
    expected = [float(y[row, 0]) - float(x[row].sum()) for row in range(50)]
    assert np.allclose(points.get_xdata(), x.sum(axis=1))
    assert np.allclose(points.get_ydata(), expected)
    title = figure.get_suptitle().replace("\n", " ")
    assert f"mean {np.mean(expected):.3g}, standard deviation {np.std(expected):.3g}" in title
    assert "test split" in title
    assert sum(bar.get_width() for bar in right.patches) == 50
    assert "height in m" in left.get_xlabel() and "height in m" in left.get_ylabel()


@pytest.mark.parametrize(
    ("targets", "message"),
    [(np.array([0, 1, 1]), "class numbers"), (np.zeros((3, 2)), r"\(2,\)"), (np.zeros((3, 1, 1)), r"\(1, 1\)")],
)
def test_residuals_of_other_than_one_number_are_refused(residuals, trained, samples, targets, message):
    with pytest.raises(PlotError, match=message) as caught:
        residuals.check(trained(data=Data(samples(targets, 2))))
    assert "confusion_matrix" in caught.value.help


def test_residuals_of_several_predictions_are_refused(residuals, trained, samples):
    with pytest.raises(PlotError, match=r"predictions have shape \(3,\)"):
        residuals.check(trained(data=Data(samples([0.5, 1.0], 2)), predict=lambda x: np.zeros((len(x), 3))))
