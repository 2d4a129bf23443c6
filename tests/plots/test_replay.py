from dataclasses import replace

import numpy as np
import pytest

from specnet.component import build
from specnet.datasets.base import Data, Samples
from specnet.errors import PlotError
from specnet.functions import softmax
from specnet.plots.replay import frames_by_root


@pytest.fixture
def grid():
    return build("plots", "history_grid")


@pytest.fixture
def replay():
    return build("plots", "replay")


def half(axes):
    """Return the points (n, 2) of the line at which a probability is 0.5."""
    (line,) = [found for found in axes.collections if getattr(found, "levels", np.empty(0)).tolist() == [0.5]]
    return np.concatenate([path.vertices for path in line.get_paths()])


def line_through(samples):
    return Data(Samples(samples.inputs[:, :1], 2.0 * samples.inputs[:, :1]))


@pytest.mark.parametrize("most", [2, 9, 100])
@pytest.mark.parametrize(
    "epochs",
    [range(2001), range(0, 10_001, 50), range(9), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10_000], [*range(30), 60, 90]],
)
def test_frames_include_the_first_and_the_last_and_follow_the_root_of_the_epoch(epochs, most):
    epochs = np.array(epochs)
    frames = frames_by_root(epochs, most)
    count = min(most, len(epochs))
    assert len(frames) == count
    assert frames[0] == 0 and frames[-1] == len(epochs) - 1
    assert (np.diff(frames) > 0).all()
    if len(epochs) > 10 * count:
        wanted = np.square(np.linspace(0.0, np.sqrt(epochs[-1]), count))
        ideal = np.array([np.abs(epochs - each).min() for each in wanted])
        far = np.abs(epochs[frames] - wanted)
        assert (far[count // 2 :] <= ideal[count // 2 :] + np.diff(epochs).max()).all()


def test_the_only_frame_there_is_is_both_first_and_last():
    assert frames_by_root(np.array([0]), 9).tolist() == [0]


def test_a_grid_has_a_panel_for_each_epoch_with_the_curve_of_its_record(grid, trained, samples, record):
    data = line_through(samples(np.arange(30), 2))
    kept = record(data, np.sin, epochs=np.arange(101))
    figure = grid.draw(trained(data=data, predict=np.sin, record=kept))
    frames = [0, 2, 6, 14, 25, 39, 56, 77, 100]  # 100 (k / 8)^2, rounded
    assert len(figure.axes) == 9
    for axes, frame in zip(figure.axes, frames, strict=True):
        (curve,) = [line for line in axes.get_lines() if line.get_label() == "prediction"]
        assert np.array_equal(curve.get_xdata(), kept["axis_0"])
        assert np.allclose(curve.get_ydata(), kept["predictions"][frame][:, 0])
        loss = f"training loss {kept['train/loss'][frame]:#.3g}" if frame else "initial weights"
        assert axes.get_title() == f"epoch {frame}, {loss}"
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1


@pytest.mark.parametrize("feature", [0, 1])
def test_the_first_axis_of_a_recorded_grid_is_the_first_input(grid, replay, trained, blobs, record, feature):
    data = blobs(2)

    def predict(x):
        return 1.0 / (1.0 + np.exp(-4.0 * (x[:, feature : feature + 1] - 0.3)))

    shown = trained(data=data, predict=predict, record=record(data, predict))
    for figure in (grid.draw(shown), replay.draw(shown)):
        points = half(figure.axes[4] if len(figure.axes) > 1 else figure.axes[0])
        assert np.allclose(points[:, feature], 0.3, atol=0.01)
        assert np.ptp(points[:, 1 - feature]) > 1.0


def test_samples_lie_upon_the_plane_in_each_panel(grid, trained, blobs, record):
    data = blobs(2)
    shown = trained(data=data, predict=lambda x: x[:, :1], record=record(data, lambda x: x[:, :1]))
    for axes in grid.draw(shown).axes:
        order = {found.get_label(): found.get_zorder() for found in axes.collections}
        (filled,) = [found for found in axes.collections if getattr(found, "levels", np.empty(0)).size == 11]
        assert all(order[split] > filled.get_zorder() for split in data.splits)


def test_class_numbers_are_whole_again_after_the_record(replay, trained, blobs, record):
    data = blobs(4)

    def predict(x):
        return np.clip(np.rint(x[:, 0] + 1.5), 0, 3).astype(int)

    kept = record(data, predict)
    mesh = replay.draw(trained(data=data, predict=predict, record=kept)).axes[0].collections
    (regions,) = [found for found in mesh if hasattr(found, "get_coordinates")]
    assert np.array_equal(np.asarray(regions.get_array()), kept["predictions"][-1].T)


@pytest.fixture
def relief(trained, record):
    """A run of one number of two inputs, the first one plus three times the second."""

    def make(predict=lambda x: x @ [[1.0], [3.0]], name="a name", round=False):
        rng = np.random.default_rng(0)
        splits = [rng.uniform(-1.0, 1.0, (count, 2)) for count in (80, 20, 30)]
        data = Data(*(Samples(x, np.rint(9 * predict(x)) if round else predict(x)) for x in splits))
        data = replace(data, input_names=("width", "height"), target_names=(name,))
        return trained(data=data, predict=predict, record=record(data, predict))

    return make


def number_at(filled, x):
    """Return the numbers that the colours of a filled map stand for at points (n, 2)."""
    numbers = np.full(len(x), np.nan)
    for middle, path in zip(filled.cvalues, filled.get_paths(), strict=True):
        numbers[path.contains_points(x)] = middle
    return numbers


def test_one_number_of_two_inputs_is_a_map_in_the_colours_of_the_samples(grid, replay, relief, tidy):
    shown = relief()
    targets = [split.targets for split in shown.data.splits.values()]
    numbers = np.concatenate([*targets, shown.record["predictions"][-1].reshape(-1, 1)])
    low, high = numbers.min(), numbers.max()
    for figure in (grid.draw(shown), replay.draw(shown)):
        tidy(figure)
        *panels, bar = figure.axes
        assert (bar.get_ylabel(), bar.get_ylim()) == ("a name", pytest.approx((low, high)))
        axes = panels[-1]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "height")
        (filled,) = [found for found in axes.collections if hasattr(found, "levels")]
        step = (high - low) / 20
        x = np.random.default_rng(1).uniform(-0.9, 0.9, (200, 2))
        wanted = np.clip(x @ [1.0, 3.0], low, high)
        assert np.nanmax(np.abs(number_at(filled, x) - wanted)) < 0.6 * step
        points = {found.get_label(): found for found in axes.collections}
        for split, samples in shown.data.splits.items():
            assert np.array_equal(points[split].get_offsets(), samples.inputs)
            drawn = points[split].get_facecolors()
            assert (points[split].get_edgecolors()[:, :3] == (split == "train")).all()  # white or black
            assert np.allclose(drawn, filled.cmap((samples.targets[:, 0] - low) / (high - low)))
            assert points[split].get_zorder() > filled.get_zorder()


def test_a_map_keeps_its_scale_from_frame_to_frame(replay, relief):
    shown = relief()
    shown.record["predictions"][1] = 1000.0
    limits, filled = set(), []
    for figure in replay.frames(shown):
        limits.add(tuple(np.round(figure.axes[1].get_ylim(), 9)))
        (found,) = [found for found in figure.axes[0].collections if hasattr(found, "levels")]
        limits.add(tuple(found.levels[[0, -1]].round(9)))
        filled.append([middle for middle, path in zip(found.cvalues, found.get_paths(), strict=True) if len(path)])
    assert len(limits) == 1
    assert len(filled[0]) == len(filled[1]) == 1  # the same number everywhere
    assert filled[1] == [max(filled[-1])]
    assert len(filled[-1]) == 20


@pytest.mark.parametrize("name", ["history_grid", "replay"])
def test_one_whole_number_of_two_inputs_is_a_map_too(name, relief):
    shown = relief(round=True)
    build("plots", name).check(shown)
    assert build("plots", name).draw(shown).axes[-1].get_label() == "<colorbar>"


def test_a_map_of_the_same_number_everywhere_has_a_scale(grid, relief, tidy):
    tidy(grid.draw(relief(lambda x: np.full((len(x), 1), 7.0), name="a long name " * 20)))


def test_images_of_many_classes_are_replayed(replay, trained, samples, record):
    data = Data(samples(np.arange(150), 4, 4, 1))

    def predict(x):
        return np.eye(150)[np.zeros(len(x), int)]

    shown = trained(data=data, predict=predict, record=record(data, predict))
    replay.check(shown)
    below = [text.get_text() for text in replay.draw(shown).axes[0].texts][8:]
    assert below == ["0\n100%"] + ["✗ 0\n100%"] * 7


def test_many_classes_of_any_inputs_are_replayed(replay, trained, samples, record, tidy):
    data = Data(samples(np.arange(150) // 2 * 2, 5))

    def predict(x):
        return softmax(np.outer(np.abs(x[:, 0]), np.linspace(-1.0, 1.0, 150)))

    shown = trained(data=data, predict=predict, record=record(data, predict))
    replay.check(shown)
    tidy(replay.draw(shown))


def test_a_replay_draws_one_figure_anew_for_each_frame(replay, trained, samples, record):
    data = line_through(samples(np.arange(30), 2))
    kept = record(data, np.sin, epochs=[0, 1, 10, 100])
    titles, ends, figures = [], [], []
    for frame, figure in enumerate(replay.frames(trained(data=data, predict=np.sin, record=kept))):
        (axes,) = figure.axes
        (curve,) = [line for line in axes.get_lines() if line.get_label() == "prediction"]
        assert np.allclose(curve.get_ydata(), kept["predictions"][frame][:, 0])
        titles.append(axes.get_title(loc="left"))
        ends.append(figure.artists[0].get_xdata()[1])
        figures.append((figure, tuple(axes.get_position().bounds)))
    assert len(set(figures)) == 1
    assert titles[0] == "epoch \u2007\u20070, initial weights" and titles[-1] == "epoch 100, training loss 1.00"
    assert ends == [0.0, 0.01, 0.1, 1.0]


def test_a_replay_that_stands_still_is_its_last_frame(replay, trained, samples, record):
    data = line_through(samples(np.arange(30), 2))
    figure = replay.draw(trained(data=data, predict=np.sin, record=record(data, np.sin, epochs=[0, 5])))
    assert figure.axes[0].get_title(loc="left").startswith("epoch 5")


def test_a_long_record_is_shown_in_a_hundred_frames(replay, trained, samples, record):
    data = line_through(samples(np.arange(4), 2))
    kept = record(data, np.sin, epochs=np.arange(1001), points=5)
    titles = [
        figure.axes[0].get_title(loc="left")
        for figure in replay.frames(trained(data=data, predict=np.sin, record=kept))
    ]
    assert len(titles) == len(set(titles)) == 100
    assert "1000" in titles[-1]


def test_images_are_replayed_with_what_is_predicted_of_them(replay, trained, samples, record, tidy):
    targets = np.arange(40) % 2
    data = Data(samples(targets, 5, 5, 1), classes=("cat", "dog"))
    kept = record(data, lambda x: np.linspace(0.0, 1.0, len(x))[:, np.newaxis])
    shown = trained(data=data, predict=lambda x: np.zeros((len(x), 1)), record=kept)
    replay.check(shown)
    rows = np.linspace(0, 19, 8).round().astype(int)  # of the 20 that are recorded
    for frame, figure in enumerate(replay.frames(shown)):
        tidy(figure)
        found = [text.get_text() for text in figure.axes[0].texts]
        p = kept["predictions"][frame][rows, 0].astype(float)
        assert found[:8] == ["cat"] * 8  # every other sample is recorded
        assert found[8:] == [f"✗ dog\n{x:.0%}" if x >= 0.5 else f"cat\n{1 - x:.0%}" for x in p]


def test_numbers_are_replayed_as_predicted_over_true(replay, trained, samples, record, tidy):
    data = Data(samples(np.linspace(0.5, 3.5, 30), 4), target_names=("height in m",))
    kept = record(data, lambda x: x[:, :1])
    shown = trained(data=data, predict=lambda x: x[:, :1], record=kept)
    replay.check(shown)
    for frame, figure in enumerate(replay.frames(shown)):
        tidy(figure)
        points = figure.axes[0].get_lines()[-1]
        assert np.array_equal(points.get_xdata(), data.train.targets[::2])
        assert np.allclose(points.get_ydata(), kept["predictions"][frame][:, 0])
    assert "height in m" in figure.axes[0].get_xlabel() and "height in m" in figure.axes[0].get_ylabel()


def test_classes_of_any_inputs_are_replayed_by_the_score_of_the_truth(replay, trained, samples, record, tidy):
    targets = np.arange(60) % 3
    scores = softmax(np.random.default_rng(0).normal(size=(60, 3)))
    data = Data(samples(np.zeros(3, int), 4), test=samples(targets, 4))
    kept = record(data, lambda x: scores[::2])
    kept["predictions"][0] = 1 / 3
    shown = trained(data=data, predict=lambda x: np.full((len(x), 3), 1 / 3), record=kept)
    replay.check(shown)
    *_, figure = replay.frames(shown)
    tidy(figure)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    drawn = {x: (y, what) for what in ("right", "wrong") for x, y in zip(*lines[what].get_data(), strict=True)}
    order = sorted(range(0, 60, 2), key=lambda row: targets[row])
    for place, row in enumerate(order):
        y, what = drawn[place]
        assert y == pytest.approx(scores[row, targets[row]], abs=1e-3)
        assert what == ("right" if scores[row].argmax() == targets[row] else "wrong")
    assert lines["right"].get_marker() != lines["wrong"].get_marker()
    assert figure.axes[0].get_ylabel() == "probability of the truth"


def test_a_grid_of_epochs_needs_a_grid_of_inputs(grid, trained, samples, record):
    data = Data(samples([0, 1, 1, 0], 4))
    shown = trained(data=data, record=record(data, lambda x: x[:, :1]))
    with pytest.raises(PlotError, match="one or two inputs") as caught:
        grid.check(shown)
    assert "one class or one number" in caught.value.help


@pytest.mark.parametrize("name", ["history_grid", "replay"])
@pytest.mark.parametrize("inputs", [1, 2])
def test_several_numbers_over_a_grid_are_refused(name, inputs, trained, samples, record):
    data = Data(samples(np.full((4, 3), 0.5), inputs))

    def predict(x):
        return x[:, [0, 0, 0]]

    shown = trained(data=data, predict=predict, record=record(data, predict))
    with pytest.raises(PlotError, match="one number for each sample, but there are 3") as caught:
        build("plots", name).check(shown)
        assert caught.value.help


@pytest.mark.parametrize("targets", [np.full((4, 2), 0.5), np.full((4, 3, 3), 0.5)])
def test_samples_that_are_not_one_class_or_number_are_not_replayed(replay, trained, samples, record, targets):
    data = Data(samples(targets, 5))
    shown = trained(data=data, predict=lambda x: x[:, :2], record=record(data, lambda x: x[:, :2]))
    with pytest.raises(PlotError) as caught:
        replay.check(shown)
    assert caught.value.help
