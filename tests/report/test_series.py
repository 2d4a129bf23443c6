import json
import math

import numpy as np
import pytest

from specnet.recording.curves import DEAD_UNITS
from specnet.report.entries import single
from specnet.report.series import ALL_POINTS, CURVE_POINTS, LAYERS, panels

NAN = math.nan


def history(**columns):
    """Columns by name, `train_loss` for "train/loss"."""
    named = {name.replace("__", "/"): np.asarray(column, float) for name, column in columns.items()}
    length = len(next(iter(named.values())))
    return {"epoch": np.arange(1, length + 1), "step": np.arange(length), "seconds": np.ones(length)} | named


def layers(count=2, frames=3, **further):
    norms = np.arange(1.0, frames * count + 1).reshape(frames, count).astype(np.float32)
    return {
        "epochs": np.arange(frames) * 2,
        "layers": np.array([f"layers.{number}" for number in range(count)]),
        "activations": np.array([], np.str_),
        "dead_units": np.zeros((frames, 0), np.float32),
        "weight_norms": np.full_like(norms, 2.0),
        "gradient_norms": norms,
        "update_norms": norms,
    } | further


def draw(run, *others):
    runs = [run, *others]
    found = panels([single(run)._replace(name=f"run {number}") for number, run in enumerate(runs)])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return {panel["title"]: panel for panel in found}


def curves(panel):
    return {series["name"]: series["y"] for series in panel["series"]}


def test_a_value_has_a_panel_and_each_split_a_curve(reported):
    columns = history(train__loss=[2, 1], validation__loss=[3, 2], train__accuracy=[0.5, 1])
    columns["optimizer.learning_rate"] = np.array([0.1, 0.1])
    found = draw(reported(history=columns))
    assert list(found) == ["loss", "accuracy", "learning rate"]
    assert curves(found["loss"]) == {"train": [2, 1], "validation": [3, 2]}
    assert curves(found["learning rate"]) == {"optimizer.learning_rate": [0.1, 0.1]}
    assert found["loss"]["series"][0]["x"] == [1, 2]


def test_curves_of_one_run_have_the_colour_of_their_split(reported):
    found = draw(reported(history=history(train__loss=[1], validation__loss=[1], test__loss=[1])))
    assert [(each["color"], each["dash"]) for each in found["loss"]["series"]] == [(0, 0), (1, 1), (2, 2)]


def test_curves_of_several_runs_have_the_colour_of_their_run(reported):
    columns = history(train__loss=[1], validation__loss=[2])
    found = draw(reported(history=columns), reported(history=columns))
    told = [(each["name"], each["color"], each["dash"]) for each in found["loss"]["series"]]
    assert told == [
        ("run 0 train", 0, 0), ("run 0 validation", 0, 1), ("run 1 train", 1, 0), ("run 1 validation", 1, 1),
    ]  # fmt: skip


def test_runs_may_know_different_values_for_different_times(reported):
    one = reported(history=history(train__loss=[3, 2, 1]), record=layers())
    found = draw(one, reported(history=history(train__loss=[1], train__r2=[0.5])), reported(history={}))
    assert list(found) == ["loss", "r2"]
    assert curves(found["loss"]) == {"run 0 train": [3, 2, 1], "run 1 train": [1]}


@pytest.mark.parametrize("record", [{}, layers(count=0)], ids=["no record", "no layers"])
def test_without_epochs_there_is_nothing_to_draw_of_the_history(record, reported):
    assert all(not panel["series"] for panel in draw(reported(history={}, record=record)).values())


def test_a_value_that_is_not_finite_leaves_a_gap(reported):
    found = draw(reported(history=history(train__loss=[1, NAN, math.inf, -math.inf, 2])))
    assert curves(found["loss"]) == {"train": [1, None, None, None, 2]}


@pytest.mark.parametrize(
    ("losses", "log"),
    [
        ([1.0, 0.5, 0.01], True),
        ([1.0, 0.5, 0.2], False),
        ([1.0, 0.5, 0.0], False),
        ([0.01, 1.0], False),
        ([NAN, 1.0, 0.01, NAN], True),
        ([NAN, NAN], None),
        ([1.0], False),
    ],
    ids=["far", "near", "to zero", "rising", "with gaps", "unknown", "a point"],
)
def test_what_falls_far_is_drawn_on_a_logarithmic_scale(losses, log, reported):
    assert draw(reported(history=history(train__loss=losses)))["loss"]["log"] is log


def test_numbers_have_five_digits(reported):
    found = draw(reported(history=history(train__loss=[1 / 3, 1e-9 / 3])))
    assert curves(found["loss"]) == {"train": [0.33333, 3.3333e-10]}


def test_a_long_curve_keeps_its_ends_and_peaks(reported):
    losses = np.linspace(2.0, 1.0, 20 * CURVE_POINTS)
    losses[12_345] = 9.0
    (series,) = draw(reported(history=history(train__loss=losses)))["loss"]["series"]
    assert CURVE_POINTS / 2 < len(series["x"]) == len(series["y"]) <= CURVE_POINTS
    assert (series["x"][0], series["x"][-1]) == (1, len(losses))
    assert series["y"][series["x"].index(12_346)] == 9.0


def test_a_long_curve_says_at_each_frame_what_the_history_says(reported):
    losses = np.random.default_rng(0).random(20_000)
    frames = [0, 1, 2, *range(37, 20_000, 331), 20_000, 30_000]
    (panel,) = panels([single(reported(history=history(train__loss=losses)))], frames)[:1]
    (series,) = panel["series"]
    assert len(series["x"]) <= CURVE_POINTS
    assert series["x"] == sorted(set(series["x"]))
    for epoch in frames[1:-1]:
        last = np.searchsorted(series["x"], epoch, side="right") - 1
        assert series["x"][last] == epoch
        assert series["y"][last] == pytest.approx(losses[epoch - 1], rel=1e-4)
    assert series["x"][-1] == 20_000


def test_a_run_without_a_history_has_nothing_to_say_at_any_frame(reported):
    assert panels([single(reported(history={}))], [0, 5]) == []


def test_a_record_of_an_older_version_has_no_curves_of_layers(reported):
    record = {name: array for name, array in layers().items() if name != "layers"}
    assert draw(reported(history={}, record=record)) == {}


def test_many_curves_have_fewer_points_each(reported):
    columns = {f"train__metric{number}": np.arange(1.0, 3001.0) for number in range(100)}
    found = draw(reported(history=history(**columns)))
    assert sum(len(each["x"]) for panel in found.values() for each in panel["series"]) <= ALL_POINTS


def test_layers_have_curves_of_what_is_recorded(reported):
    norms = np.array([[NAN, NAN], [4.0, 1.0]], np.float32)
    record = layers(frames=2, weight_norms=np.array([[1.0, 2.0], [8.0, 0.0]]), gradient_norms=norms, update_norms=norms)
    found = draw(reported(history={}, record=record))
    assert list(found) == ["gradient norm", "update / weight norm", "weight norm"]
    assert curves(found["gradient norm"]) == {"layers.0": [None, 4.0], "layers.1": [None, 1.0]}
    assert curves(found["update / weight norm"]) == {"layers.0": [None, 0.5], "layers.1": [None, None]}
    assert found["weight norm"]["series"][0]["x"] == [0, 2]


def test_activations_have_curves_of_their_dead_units(reported):
    record = layers(activations=np.array(["layers.1"]), dead_units=np.array([[0.0], [0.25], [1.0]]))
    assert curves(draw(reported(history={}, record=record))[DEAD_UNITS]) == {"layers.1": [0.0, 0.25, 1.0]}


def test_of_many_layers_some_are_shown_the_first_and_the_last_among_them(reported):
    found = draw(reported(history={}, record=layers(count=100)))
    names = list(curves(found["weight norm"]))
    assert len(names) == LAYERS
    assert (names[0], names[-1]) == ("layers.0", "layers.99")


def test_of_the_initial_weights_alone_there_is_no_curve(reported):
    assert draw(reported(history={}, record=layers(frames=1))) == {}
