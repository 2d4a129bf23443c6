import io

import numpy as np
import pytest

from specnet.component import build
from specnet.errors import PlotError
from specnet.plots.curves import thin

HELD = [0.9, 0.5, 0.7, 0.8]


def history(**columns):
    """Return a history; `train_loss=` becomes the column "train/loss"."""
    values = {name.replace("_", "/", 1): np.array(column) for name, column in columns.items()}
    return {"epoch": np.arange(1, 1 + len(next(iter(values.values())))), **values, "seconds": np.array([0.0])}


@pytest.fixture
def draw(trained):
    return lambda name="demo", **columns: build("plots", "curves").draw(trained(name, history(**columns)))


def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_each_value_has_a_panel_with_its_curves(draw):
    figure = draw(
        train_loss=[4.0, 3.0, 2.0, 1.0], train_r2=[0.1, 0.2, 0.3, 0.4], validation_loss=HELD, validation_r2=HELD
    )
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "r2"]
    assert {axes.get_xlabel() for axes in figure.axes} == {"epoch"}
    lines = curves(figure.axes[1])
    assert lines["train"].get_xdata().tolist() == [1, 2, 3, 4]
    assert lines["train"].get_ydata().tolist() == [0.1, 0.2, 0.3, 0.4]
    assert lines["validation"].get_ydata().tolist() == HELD
    assert figure.get_suptitle().startswith("demo")


def test_the_epoch_of_the_lowest_validation_loss_is_marked_in_every_panel(draw, legend_texts):
    figure = draw(train_loss=HELD, train_r2=HELD, validation_loss=HELD, validation_r2=HELD)
    assert "lowest validation loss: epoch 2" in legend_texts(figure)
    for axes in figure.axes:
        assert curves(axes)["lowest validation loss: epoch 2"].get_xdata() == [2, 2]


def test_validation_that_is_not_finite_is_never_the_best(draw, legend_texts):
    figure = draw(train_loss=HELD, validation_loss=[np.nan, 3.0, 2.0, np.inf])
    assert legend_texts(figure)[-1].endswith("epoch 3")


def test_without_validation_there_is_the_training_curve_alone(draw, legend_texts):
    assert legend_texts(draw(train_loss=HELD)) == ["train"]


@pytest.mark.parametrize(
    ("train", "held", "scale"),
    [
        ([10.0, 1.0, 0.1], [10.0, 2.0, 1.0], "log"),
        ([3.0, 2.0, 1.0], [3.0, 2.0, 1.0], "linear"),
        ([10.0, 1.0, 0.1], [10.0, 2.0, 0.0], "linear"),
        ([10.0, 1.0, -0.1], [10.0, 2.0, 1.0], "linear"),
        ([0.01, 0.5, 0.99], [0.01, 0.5, 0.9], "linear"),
    ],
)
def test_positive_values_that_fall_far_have_a_logarithmic_scale(draw, train, held, scale):
    assert draw(train_loss=train, validation_loss=held).axes[0].get_yscale() == scale


def test_a_single_epoch_is_a_visible_point_over_a_whole_number(draw):
    axes = draw(train_loss=[0.5]).axes[0]
    assert axes.get_lines()[0].get_marker() not in ("", "None", None)
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1.0]


def test_a_hundred_thousand_epochs_are_thinned_and_keep_their_extremes(draw):
    values = np.random.default_rng(0).lognormal(size=100_000)
    values[12_345], values[67_890] = 1e5, 1e-5
    figure = draw(train_loss=values, validation_loss=values[::-1])
    figure.savefig(io.BytesIO(), format="png")
    line = figure.axes[0].get_lines()[0]
    assert len(line.get_xdata()) < 3000
    assert (line.get_xdata()[[0, -1]] == [1, 100_000]).all()
    points = dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
    assert (points[12_346], points[67_891]) == (1e5, 1e-5)


@pytest.mark.parametrize("count", [1, 2, 2000])
def test_short_curves_are_drawn_whole(count):
    assert thin(np.zeros(count)).tolist() == list(range(count))


def test_a_run_without_an_epoch_has_no_curves_yet(trained):
    with pytest.raises(PlotError) as caught:
        build("plots", "curves").draw(trained(history={}))
    assert "no epoch is complete" in caught.value.message
    assert caught.value.help


@pytest.fixture
def rates(trained):
    """Draws a schedule and returns its panel."""

    def draw(*values):
        steps = 50 * np.arange(1, 1 + len(values))
        shown = trained(history={"epoch": steps // 50, "step": steps, "optimizer.learning_rate": np.array(values)})
        return build("plots", "schedule").draw(shown).axes[0]

    return draw


def test_a_schedule_is_the_learning_rate_over_the_steps(rates):
    axes = rates(0.1, 0.3, 0.2)
    (line,) = axes.get_lines()
    assert line.get_xdata().tolist() == [50, 100, 150]
    assert line.get_ydata().tolist() == [0.1, 0.3, 0.2]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "learning rate")


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (0.1 * 0.5 ** np.arange(20), "log"),
        ([1.0] * 5 + [0.1] * 5 + [0.01] * 5, "log"),
        (0.5 + 0.5 * np.cos(np.linspace(0.0, 3.1, 40)), "linear"),
        ([0.1] * 10, "linear"),
        ([1.0, 0.0, 0.0, 0.0], "linear"),
    ],
)
def test_a_schedule_that_spends_long_far_below_its_peak_has_a_logarithmic_scale(rates, values, scale):
    axes = rates(*values)
    assert axes.get_yscale() == scale
    assert scale == "log" or axes.get_ylim()[0] == 0.0


def test_a_run_without_an_epoch_has_no_schedule_yet(trained):
    with pytest.raises(PlotError, match="no epoch is complete"):
        build("plots", "schedule").draw(trained(history={}))


def test_splits_are_told_apart_without_colours(draw):
    lines = draw(train_loss=HELD, validation_loss=HELD).axes[0].lines
    assert lines[0].get_linestyle() != lines[1].get_linestyle()
