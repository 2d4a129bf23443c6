import json
import math

import numpy as np
import pytest

from specnet.datasets.base import Data, Samples
from specnet.errors import DataError, PlotError
from specnet.recording.classes import class_names
from specnet.recording.scenes import IMAGES, OUTPUTS, SAMPLES
from specnet.report.replay import GRID_POINTS, left_out, numbers, replay
from specnet.task import MAX_CLASSES

PLENTY = 10**9
FRAMES = 5
CROSS_ENTROPY = {"loss": "cross_entropy", "layers": [{"type": "linear", "units": 3}]}
MSE = {"loss": "mse"}


@pytest.fixture
def recorded(reported):
    """Makes a run with a record: predictions come, share by share, from 0 to those of `predict`."""

    def make(data, predict, spec=(), points=12, frames=FRAMES, record=(), **changes):
        inputs = data.train.inputs
        if inputs.shape[1:] in [(1,), (2,)]:
            axes = list(np.linspace(inputs.min(axis=0) - 0.5, inputs.max(axis=0) + 0.5, points).T)
            grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
            final = predict(grid.reshape(-1, len(axes)))
            final = final.reshape(*grid.shape[:-1], *final.shape[1:])
            kept = {f"axis_{number}": axis for number, axis in enumerate(axes)}
        else:
            split, samples = list(data.splits.items())[-1]
            rows = np.arange(0, len(samples.inputs), 2)
            final = predict(samples.inputs[rows])
            kept = {"sample_split": np.array(split), "sample_rows": rows}
        if np.issubdtype(final.dtype, np.integer):
            predictions = np.stack([final] * frames)
        else:
            predictions = np.stack([share * final for share in np.linspace(0.0, 1.0, frames)]).astype(np.float32)
        kept |= {
            "epochs": np.arange(frames) * 10,
            "train/loss": np.array([np.nan, *np.linspace(2.0, 1.0, frames - 1)])[:frames],
            "predictions": predictions,
            "unit_layers": np.array([], np.str_),
            "layers": np.array(["layers.0"]),
        }
        return reported(spec, data=data, predict=predict, record=kept | dict(record), **changes)

    return make


def played(run, budget=PLENTY):
    """The scene of a run, that it is JSON."""
    scene = replay(run, budget)
    read = json.loads(json.dumps(scene, allow_nan=False))
    assert read["recorded"] == len(run.record["predictions"])
    assert len(read["epochs"]) == len(read["losses"])
    return read


def plane(count, targets, **names):
    inputs = np.random.default_rng(0).normal(size=(count, 2))
    return Data(Samples(inputs, np.asarray(targets(inputs))), **names)


def softmax(x):
    y = np.exp(np.stack([x[:, 0], x[:, 1], -x.sum(axis=1)], axis=1))
    return y / y.sum(axis=1, keepdims=True)


def sure(x):
    return 1 / (1 + np.exp(-x.sum(axis=1, keepdims=True)))


def near(found, expected, step):
    assert found.shape == expected.shape
    error = np.abs(found - expected).reshape(len(found), -1).max(axis=1)
    assert (error <= 0.51 * np.asarray(step) + 1e-9).all()


def test_a_plane_shows_the_probability_of_the_second_class_with_rows_of_the_second_input(recorded, unpack):
    data = plane(30, lambda x: (x.sum(axis=1) > 0).astype(int), classes=("no", "yes"), input_names=("a", "b"))
    run = recorded(data, sure, classes=data.classes, input_names=data.input_names)
    scene = played(run)
    assert (scene["kind"], scene["classes"]) == ("plane", ["no", "yes"])
    assert [axis["name"] for axis in scene["axes"]] == ["a", "b"]
    assert [axis["count"] for axis in scene["axes"]] == [12, 12]
    assert scene["axes"][1]["low"] == pytest.approx(run.record["axis_1"][0])
    packed = scene["arrays"]["probability"]
    near(unpack(packed), np.swapaxes(run.record["predictions"][..., 0], 1, 2), packed["step"])
    assert packed["step"] == 1 / 65535
    (split,) = scene["splits"]
    np.testing.assert_allclose(split["inputs"], data.train.inputs.T, atol=np.ptp(data.train.inputs) / 2**17)
    assert split["truth"] == data.train.targets.tolist()


def test_a_plane_shows_which_of_several_classes_wins_with_what_share(recorded, unpack):
    data = plane(30, lambda x: softmax(x).argmax(axis=1))
    run = recorded(data, softmax, CROSS_ENTROPY)
    scene = played(run)
    expected = np.swapaxes(run.record["predictions"], 1, 2)
    assert unpack(scene["arrays"]["winner"]).tolist() == expected.argmax(axis=-1).tolist()
    near(unpack(scene["arrays"]["share"]), expected.max(axis=-1), scene["arrays"]["share"]["step"])
    assert scene["classes"] == ["0", "1", "2"]


def test_a_plane_of_one_hot_targets_shows_class_numbers(recorded, unpack):
    data = plane(30, lambda x: softmax(x).argmax(axis=1))
    run = recorded(data, lambda x: softmax(x).argmax(axis=1), CROSS_ENTROPY | {"transforms": {"targets": ["one_hot"]}})
    arrays = played(run)["arrays"]
    assert list(arrays) == ["winner"]
    assert unpack(arrays["winner"]).tolist() == np.swapaxes(run.record["predictions"], 1, 2).tolist()


def test_a_plane_shows_numbers_in_a_range_that_holds_the_truth(recorded, unpack):
    data = plane(30, lambda x: 100 * x[:, :1], target_names=("height",))
    run = recorded(data, lambda x: x[:, :1], MSE, target_names=data.target_names)
    scene = played(run)
    assert (scene["classes"], scene["outputs"]) == (None, ["height"])
    low, high = scene["range"]
    assert (low, high) == pytest.approx((data.train.targets.min(), data.train.targets.max()), rel=1e-4)
    packed = scene["arrays"]["value"]
    near(unpack(packed), np.swapaxes(run.record["predictions"], 1, 2), packed["step"])


def test_a_fine_plane_is_shown_coarser(recorded, unpack):
    run = recorded(plane(9, lambda x: x[:, :1]), lambda x: x[:, 1:], MSE, points=2 * GRID_POINTS + 1, frames=2)
    scene = played(run)
    for number, axis in enumerate(scene["axes"]):
        shown = run.record[f"axis_{number}"][::3]
        assert (axis["count"], axis["high"]) == (len(shown), pytest.approx(shown[-1]))
    packed = scene["arrays"]["value"]
    near(unpack(packed)[..., 0], np.swapaxes(run.record["predictions"][:, ::3, ::3, 0], 1, 2), packed["step"])


def line(count, targets, **names):
    inputs = np.linspace(-1.0, 1.0, count)[:, np.newaxis]
    return Data(Samples(inputs, np.asarray(targets(inputs))), **names)


def test_a_curve_shows_numbers_and_what_is_true_without_noise(recorded, unpack):
    data = line(21, np.square)
    run = recorded(data, np.square, MSE)
    run.dataset.function = np.square
    scene = played(run)
    assert (scene["kind"], scene["outputs"], scene["classes"]) == ("curve", ["target"], None)
    assert scene["function"] == pytest.approx(run.record["axis_0"] ** 2, abs=2.25 / 2**17)
    low, high = scene["range"]
    assert (low, high) == pytest.approx((-0.1, 1.1), rel=1e-4)
    near(unpack(scene["arrays"]["value"]), run.record["predictions"], scene["arrays"]["value"]["step"])


def test_a_curve_of_classes_shows_a_probability_for_each(recorded):
    def predict(x):
        return softmax(np.concatenate([x, -x], axis=1))

    scene = played(recorded(line(20, lambda x: predict(x).argmax(axis=1)), predict, CROSS_ENTROPY))
    assert scene["outputs"] == scene["classes"] == ["0", "1", "2"]
    one = played(recorded(line(20, lambda x: (x[:, 0] > 0).astype(int)), sure))
    assert (one["outputs"], one["classes"]) == (["1"], ["0", "1"])
    assert one["range"] == pytest.approx([-0.05, 1.05])


def test_a_curve_of_class_numbers_shows_these(recorded, unpack):
    data = line(20, lambda x: np.digitize(x[:, 0], [-0.3, 0.3]))
    run = recorded(data, lambda x: np.digitize(x[:, 0], [-0.3, 0.3]), MSE)
    scene = played(run)
    assert (scene["classes"], scene["outputs"]) == (None, ["target"])
    assert scene["splits"][0]["truth"] == [[number] for number in data.train.targets.tolist()]
    near(unpack(scene["arrays"]["value"])[..., 0], run.record["predictions"], scene["arrays"]["value"]["step"])


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_what_never_changes_has_a_range_all_the_same(value, recorded):
    scene = played(recorded(line(9, lambda x: np.full((9, 1), value)), lambda x: np.full((len(x), 1), value), MSE))
    low, high = scene["range"]
    assert low < value < high


def test_more_outputs_than_colours_are_not_shown(recorded, unpack):
    def predict(x):
        return x * np.arange(0.5, OUTPUTS + 2)

    run = recorded(line(9, predict), predict, MSE)
    scene = played(run)
    assert len(scene["outputs"]) == OUTPUTS
    assert scene["notes"] == [f"{OUTPUTS} of {OUTPUTS + 2} outputs are shown."]
    assert unpack(scene["arrays"]["value"]).shape == (FRAMES, 12, OUTPUTS)


def images(count=60, channels=1):
    rng = np.random.default_rng(0)
    return Samples(rng.random((count, 4, 6, channels)), np.arange(count) % 3)


def scored(x):
    return softmax(x.reshape(len(x), -1)[:, :2])


def test_images_are_shown_with_what_they_are_and_which_class_wins(recorded, unpack):
    data = Data(images(), test=images())
    run = recorded(data, scored, CROSS_ENTROPY)
    scene = played(run)
    assert (scene["kind"], scene["split"]) == ("images", "test")
    assert len(scene["images"]) == len(scene["truth"]) == IMAGES
    chosen = np.unique(np.linspace(0, 29, IMAGES).round().astype(int))
    assert scene["truth"] == data.test.targets[::2][chosen].tolist()
    winner = run.record["predictions"][:, chosen].argmax(axis=-1)
    assert unpack(scene["arrays"]["winner"]).tolist() == winner.tolist()


@pytest.mark.parametrize("shape", [(60, 24), (60, 4, 6, 2), (60, 24, 1)], ids=["features", "two channels", "sequence"])
def test_other_inputs_are_shown_by_the_probability_of_what_they_are(shape, recorded, unpack):
    samples = images()
    run = recorded(Data(Samples(np.resize(samples.inputs, shape), samples.targets)), scored, CROSS_ENTROPY)
    scene = played(run)
    assert (scene["kind"], scene["measure"]) == ("verdicts", "probability of the truth")
    own = run.record["predictions"][:, np.arange(30), samples.targets[::2]]
    near(unpack(scene["arrays"]["share"]), own, scene["arrays"]["share"]["step"])
    low, high = scene["range"]
    assert (low, high) == pytest.approx((-0.04, 1.04))


def test_scores_beyond_probabilities_are_told_as_such(recorded):
    samples = Samples(np.random.default_rng(0).random((9, 5)), np.arange(9) % 3)
    assert played(recorded(Data(samples), lambda x: 5 * x[:, :3], CROSS_ENTROPY))["measure"] == "score of the truth"


def test_numbers_of_many_inputs_are_shown_over_the_truth(recorded, unpack):
    inputs = np.random.default_rng(0).random((20, 5))
    run = recorded(Data(Samples(inputs, inputs[:, :2])), lambda x: x[:, :2], MSE)
    scene = played(run)
    assert (scene["kind"], scene["outputs"]) == ("numbers", ["output 0", "output 1"])
    np.testing.assert_allclose(scene["truth"], inputs[::2, :2], atol=1 / 2**17)
    near(unpack(scene["arrays"]["value"]), run.record["predictions"], scene["arrays"]["value"]["step"])


def test_streamed_samples_are_shown_as_others(recorded, streamed):
    data = Data(images(), test=images())
    run = recorded(data, scored, CROSS_ENTROPY)
    here = played(run)
    run.data = streamed(data, buffer=4000)
    assert played(run) == here


def test_of_many_samples_some_are_shown(recorded):
    data = line(3 * SAMPLES, np.square)
    (split,) = played(recorded(data, np.square, MSE))["splits"]
    assert len(split["truth"]) == len(split["inputs"][0]) == SAMPLES


@pytest.mark.parametrize("budget", [0, 500, 2000, 8000])
def test_a_small_budget_leaves_frames_out_but_not_the_first_and_the_last(budget, recorded, unpack):
    predictions = np.random.default_rng(0).normal(size=(40, 10, 10, 1))
    further = {"predictions": predictions}
    run = recorded(plane(9, lambda x: x[:, :1]), lambda x: x[:, 1:], MSE, points=10, frames=40, record=further)
    scene = played(run, budget)
    assert 2 <= len(scene["epochs"]) < 40
    assert (scene["epochs"][0], scene["epochs"][-1]) == (0, 390)
    assert len(scene["arrays"]["value"]["data"]) <= budget or len(scene["epochs"]) == 2
    chosen = np.array(scene["epochs"]) // 10
    expected = np.swapaxes(run.record["predictions"][chosen], 1, 2)
    near(unpack(scene["arrays"]["value"]), expected, scene["arrays"]["value"]["step"])


def test_a_single_frame_is_a_replay(recorded):
    assert played(recorded(line(9, np.square), np.square, MSE, frames=1), 0)["epochs"] == [0]


def test_frames_that_are_not_finite_are_left_out(recorded):
    run = recorded(line(9, np.square), np.square, MSE)
    run.record["predictions"][1, 3] = np.nan
    run.record["predictions"][3, 0] = np.inf
    scene = played(run)
    assert scene["epochs"] == [0, 20, 40]
    assert scene["losses"] == [None, 1.6667, 1.0]
    assert scene["notes"] == ["Of 5 recorded frames 3 are shown: in 2 not all predictions are finite."]


@pytest.mark.parametrize(
    ("recorded", "finite", "shown", "notes"),
    [
        (5, 5, 5, []),
        (5, 4, 4, ["Of 5 recorded frames 4 are shown: in 1 not all predictions are finite."]),
        (5, 5, 4, ["Of 5 recorded frames 4 are shown: 1 is left out to keep this page small."]),
        (9, 6, 2, ["Of 9 recorded frames 2 are shown: in 3 not all predictions are finite, and "
                   "4 are left out to keep this page small."]),
        (2, 1, 1, ["Of 2 recorded frames 1 is shown: in 1 not all predictions are finite."]),
    ],
)  # fmt: skip
def test_it_is_told_why_frames_are_left_out(recorded, finite, shown, notes):
    assert left_out(recorded, finite, shown) == notes


@pytest.mark.parametrize("kind", ["plane", "curve", "numbers"])
def test_a_frame_that_overshoots_leaves_the_others_as_they_were(kind, recorded, unpack):
    inputs = np.random.default_rng(0).random((20, {"plane": 2, "curve": 1, "numbers": 5}[kind]))
    run = recorded(Data(Samples(inputs, inputs[:, :1])), lambda x: x[:, :1], MSE)
    run.record["predictions"][2] *= 1e9
    scene = played(run)
    assert scene["kind"] == kind
    packed = scene["arrays"]["value"]
    expected = run.record["predictions"].astype(float)
    near(unpack(packed), np.swapaxes(expected, 1, 2) if kind == "plane" else expected, packed["step"])
    for frame in (1, 3, 4):
        assert packed["step"][frame] == pytest.approx(np.ptp(expected[frame]) / 65_535)


def test_scores_that_overshoot_in_a_frame_leave_the_others_as_they_were(recorded, unpack):
    samples = Samples(np.random.default_rng(0).random((30, 5)), np.arange(30) % 3)
    run = recorded(Data(samples), lambda x: 5 * x[:, :3], CROSS_ENTROPY)
    run.record["predictions"][1] *= 1e6
    packed = played(run)["arrays"]["share"]
    own = run.record["predictions"][:, np.arange(15), samples.targets[::2]].astype(float)
    near(unpack(packed), own, packed["step"])
    assert max(packed["step"][2:]) < 1e-3


@pytest.mark.parametrize(
    ("offset", "span"), [(1.7e9, 1000.0), (5_400_000.0, 3.0), (-2e6, 0.5), (0.0, 1e-9), (0.0, 1e30)]
)
def test_columns_are_told_as_finely_as_their_range_asks_for(offset, span):
    values = offset + span * np.random.default_rng(0).random(500)
    np.testing.assert_allclose(numbers(values), values, rtol=0, atol=span / 2**16)


def test_columns_may_be_the_same_everywhere_or_unknown():
    assert numbers(np.array([1.7e9 + 0.25] * 3)) == [1.7e9 + 0.25] * 3
    assert numbers(np.array([1, 1])) == [1.0, 1.0]
    assert numbers(np.array([math.nan, 0.5, math.inf])) == [None, 0.5, None]
    assert numbers(np.array([])) == []


def test_timestamps_are_told_apart(recorded):
    stamps = 1.7e9 + np.arange(40.0)
    inputs = np.stack([stamps, np.arange(40.0)], axis=1)
    data = Data(Samples(inputs, stamps[:, np.newaxis]))
    (split,) = played(recorded(data, lambda x: x[:, 1:], MSE))["splits"]
    np.testing.assert_allclose(split["inputs"][0], stamps, rtol=0, atol=40 / 2**16)
    np.testing.assert_allclose(np.ravel(split["truth"]), stamps, rtol=0, atol=40 / 2**16)


@pytest.mark.parametrize("key", ["train/loss", "layers", "predictions"])
def test_an_older_record_is_told_to_be_one(key, recorded):
    run = recorded(line(9, np.square), np.square, MSE)
    del run.record[key]
    with pytest.raises(PlotError, match="by an older version of specnet"):
        replay(run, PLENTY)


def test_so_many_frames_are_shown_at_most(recorded):
    run = recorded(line(9, np.square), np.square, MSE, frames=50)
    scene = replay(run, PLENTY, frames=10)
    assert len(scene["epochs"]) == 10
    assert (scene["epochs"][0], scene["epochs"][-1]) == (0, 490)
    assert scene["notes"] == ["Of 50 recorded frames 10 are shown: 40 are left out to keep this page small."]


def test_curves_of_many_classes_are_as_many_as_colours(recorded, unpack):
    def predict(x):
        y = np.exp(x * np.arange(OUTPUTS + 2))
        return y / y.sum(axis=1, keepdims=True)

    scene = played(recorded(line(20, lambda x: np.arange(20) % (OUTPUTS + 2)), predict, CROSS_ENTROPY))
    assert len(scene["classes"]) == OUTPUTS + 2
    assert scene["outputs"] == scene["classes"][:OUTPUTS]
    assert unpack(scene["arrays"]["value"]).shape[-1] == OUTPUTS
    assert scene["notes"] == [f"{OUTPUTS} of {OUTPUTS + 2} outputs are shown."]


def test_a_single_frame_that_is_finite_is_a_replay(recorded):
    run = recorded(line(9, np.square), np.square, MSE, frames=2)
    run.record["predictions"][1] = np.inf
    assert played(run)["epochs"] == [0]


def test_a_loss_that_is_not_finite_is_unknown(recorded):
    losses = np.array([math.nan, math.inf, 1.0, -math.inf, 0.5])
    run = recorded(line(9, np.square), np.square, MSE, record={"train/loss": losses})
    assert played(run)["losses"] == [None, None, 1.0, None, 0.5]


@pytest.mark.parametrize("inputs", [1, 2])
def test_units_have_their_own_responses_from_least_to_most(inputs, recorded, unpack):
    data = line(9, np.square) if inputs == 1 else plane(9, lambda x: x[:, :1])
    responses = np.random.default_rng(1).normal(size=(FRAMES, *[7] * inputs, 3)).astype(np.float16)
    responses[0, 0] = np.nan
    further = {"unit_layers": np.array(["layers.1"]), "units/layers.1": responses}
    scene = played(recorded(data, lambda x: x[:, :1], MSE, record=further))
    assert scene["units"] == ["layers.1"]
    packed = scene["arrays"]["units/layers.1"]
    order = (0, 2, 1) if inputs == 1 else (0, 3, 2, 1)
    near(unpack(packed), np.transpose(np.nan_to_num(responses), order), packed["step"])
    most = float(np.nanmax(np.abs(responses)))
    assert (packed["low"], packed["low"] + 255 * packed["step"]) == pytest.approx((-most, most))


def moved(run):
    """The same run when its data are no longer there."""

    class Other(type(run)):
        @property
        def data(self):
            raise DataError("there is no file table.csv")

    return Other(**{name: part for name, part in vars(run).items() if name != "data"})


def test_over_a_grid_a_replay_does_without_the_samples(recorded):
    data = plane(30, lambda x: (x.sum(axis=1) > 0).astype(int))
    scene = played(moved(recorded(data, sure, classes=("no", "yes"))))
    assert (scene["kind"], scene["splits"], scene["classes"]) == ("plane", [], ["no", "yes"])
    assert played(moved(recorded(line(9, np.square), np.square, MSE)))["splits"] == []


def test_of_samples_there_is_no_replay_without_them(recorded):
    with pytest.raises(DataError, match=r"table\.csv"):
        replay(moved(recorded(Data(images()), scored, CROSS_ENTROPY)), PLENTY)


def test_without_a_record_there_is_nothing_to_replay(reported):
    with pytest.raises(PlotError, match="the run has no record"):
        replay(reported(), PLENTY)


def test_without_a_finite_prediction_there_is_nothing_to_replay(recorded):
    run = recorded(line(9, np.square), np.square, MSE)
    run.record["predictions"][...] = np.nan
    with pytest.raises(PlotError, match="no recorded prediction is finite"):
        replay(run, PLENTY)


def test_predictions_of_several_axes_are_not_replayed(recorded):
    data = Data(Samples(np.random.default_rng(0).random((9, 5)), np.zeros((9, 2, 2, 2))))
    with pytest.raises(PlotError, match=r"shape \(2, 2, 2\)"):
        replay(recorded(data, lambda x: np.zeros((len(x), 2, 2, 2)), MSE), PLENTY)


ONE_HOT = np.eye(3)
NAMES = {
    "names of the dataset": ([0, 1], {}, {"classes": ("a", "b")}, ["a", "b"]),
    "class numbers": ([0, 2], CROSS_ENTROPY, {}, ["0", "1", "2"]),
    "a single class": ([0, 0], {}, {}, ["0", "1"]),
    "whole numbers of a loss on classes": ([0.0, 1.0], {}, {}, ["0", "1"]),
    "columns": ([[0.0], [2.0]], CROSS_ENTROPY, {}, ["0", "1", "2"]),
    "one-hot": (ONE_HOT, CROSS_ENTROPY, {}, ["0", "1", "2"]),
    "one-hot with names": (ONE_HOT, CROSS_ENTROPY, {"target_names": ("a", "b", "c")}, ["a", "b", "c"]),
    "0 and 1 as numbers to be met": ([0, 1], MSE, {}, ["0", "1"]),
    "counts": ([0, 5], MSE, {}, None),
    "counts that are predicted as such": ([0, 2], MSE, {"predict": lambda x: np.zeros(len(x), int)}, ["0", "1", "2"]),
    "numbers": ([0.5, 1.5], MSE, {}, None),
    "whole numbers": ([0.0, 1.0], MSE, {}, None),
    "probabilities": ([0.25, 1.0], {}, {}, None),
    "negative numbers": ([-1, 1], MSE, {}, None),
    "large numbers": ([0, MAX_CLASSES], CROSS_ENTROPY, {}, None),
    "very large numbers": ([0, 2**62], MSE, {}, None),
    "rows of whole numbers": ([[1, 2], [3, 4]], MSE, {}, None),
    "several classes each": ([[1, 1, 0], [0, 1, 0]], {}, {}, None),
    "maps": (np.zeros((2, 3, 3), int), CROSS_ENTROPY, {}, None),
}
"""Targets, spec and what else is known of a run, and the names of its classes."""


@pytest.mark.parametrize("case", NAMES)
def test_classes_are_known_by_targets_and_loss(case, reported, data, streamed):
    targets, spec, further, names = NAMES[case]
    made = data(targets)
    for each in (made, streamed(made)):
        assert class_names(reported(spec, data=each, **further)) == names


def test_a_class_that_only_the_test_split_has_counts(reported):
    splits = [Samples(np.zeros((1, 1)), np.array([number])) for number in (0, 1, 2)]
    data = Data(*splits)
    assert class_names(reported(CROSS_ENTROPY, data=data)) == ["0", "1", "2"]


def test_a_trained_run_is_replayed(train, unpack):
    run = train(record={"every": 1})
    scene = played(run)
    assert scene["epochs"] == [0, 1, 2, 3, 4]
    assert scene["classes"] == list(run.data.classes)
    assert [split["split"] for split in scene["splits"]] == ["train", "validation", "test"]
    packed = scene["arrays"]["probability"]
    near(unpack(packed), np.swapaxes(run.record["predictions"][..., 0], 1, 2).astype(float), packed["step"])
