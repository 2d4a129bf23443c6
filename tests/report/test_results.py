import json
import math

import numpy as np
import pytest

from specnet.datasets.base import Data, Samples
from specnet.errors import DataError
from specnet.report.results import EXAMPLES, RESIDUALS, confusions, residuals, scores, worst
from specnet.task import Task, TaskPart

THREE = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3]]
CROSS_ENTROPY = {"loss": "cross_entropy", "layers": [{"type": "linear", "units": 3}]}
MSE = {"loss": "mse"}


def confusion(run):
    """Return that of the last split, or nothing."""
    return next(iter(confusions(run)), None)


def test_scores_are_those_of_each_split(train):
    run = train()
    assert scores(run) == {split: run.evaluate(split) for split in ("train", "validation", "test")}


def test_confusion_counts_what_samples_are_in_rows_and_what_is_predicted_in_columns(reported, data, answer):
    found = confusion(reported(CROSS_ENTROPY, data=data([0, 1, 2, 2]), predict=answer(THREE)))
    assert found.counts.tolist() == [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    assert (found.split, found.names) == ("train", ["0", "1", "2"])


@pytest.mark.parametrize(
    ("targets", "predictions", "spec", "counts"),
    [
        ([0, 1, 1], [[0.5], [0.4], [0.9]], {}, [[0, 1], [1, 1]]),
        ([0.0, 1.0, 1.0], [0.1, 0.4, 0.9], {}, [[1, 0], [1, 1]]),
        ([[0], [1], [1]], [[0.1], [0.4], [0.9]], {}, [[1, 0], [1, 1]]),
        ([[1, 0, 0], [0, 0, 1]], THREE[:2], CROSS_ENTROPY, [[1, 0, 0], [0, 0, 0], [0, 1, 0]]),
        ([0, 2, 1], [0, 1, 1], MSE, [[1, 0, 0], [0, 1, 0], [0, 1, 0]]),
        ([[0.0], [2.0]], np.array([[0], [2]]), MSE, [[1, 0, 0], [0, 0, 0], [0, 0, 1]]),
        ([0, 0], [[0.1], [0.2]], {}, [[2, 0], [0, 0]]),
    ],
    ids=["one output", "numbers", "columns", "one-hot", "class numbers", "class numbers in columns", "a single class"],
)
def test_whatever_form_classes_have_they_are_counted(targets, predictions, spec, counts, reported, data, answer):
    found = confusion(reported(spec, data=data(targets), predict=answer(predictions)))
    assert found.counts.tolist() == counts


@pytest.mark.parametrize(
    ("targets", "predictions", "spec"),
    [
        ([0.5, 1.5], [[0.0], [1.0]], MSE),
        ([3, 1_000_000_000], [[0.0], [1.0]], MSE),
        ([-1, 1], [[0.0], [1.0]], MSE),
        ([0.0, 1.0], [[0.0], [1.0]], MSE),
        ([0, 5], [[0.2], [4.8]], MSE),
        ([0.25, 1.0], [[0.0], [1.0]], {}),
        ([[1, 1], [0, 1]], [[0.9, 0.1], [0.1, 0.8]], {}),
        (np.zeros((2, 3, 3), int), np.zeros((2, 3, 3, 2)), CROSS_ENTROPY),
    ],
    ids=["numbers", "large", "negative", "whole", "counts", "shares", "several classes each", "maps"],
)
def test_there_is_no_confusion_where_there_are_no_classes(targets, predictions, spec, reported, data, answer):
    assert confusion(reported(spec, data=data(targets), predict=answer(predictions))) is None


def test_classes_have_the_names_of_the_dataset_and_further_ones_a_number(reported, data, answer):
    predict = answer([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    found = confusion(reported(CROSS_ENTROPY, data=data([0, 1]), predict=predict, classes=("cat", "dog")))
    assert found.names == ["cat", "dog", "2"]
    assert found.counts.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_one_hot_classes_have_the_names_of_their_columns(reported, data, answer):
    run = reported(CROSS_ENTROPY, data=data(np.eye(3)), predict=answer(THREE), target_names=("a", "b", "c"))
    assert confusion(run).names == ["a", "b", "c"]


def test_results_are_of_the_split_furthest_from_training(reported, answer):
    first, last = (Samples(np.arange(3.0)[:, np.newaxis], np.full(3, number)) for number in (0, 1))
    predict = answer([[0.1], [0.2], [0.3]])
    assert confusion(reported(data=Data(first, last), predict=predict)).split == "validation"
    found = confusion(reported(data=Data(first, first, last), predict=predict))
    assert (found.split, found.counts.tolist()) == ("test", [[0, 0], [3, 0]])
    assert worst(reported(data=Data(first, last, first), predict=predict)).split == "test"
    assert residuals(reported(MSE, data=Data(first, last), predict=predict)) is None


def test_confusion_of_a_trained_run_agrees_with_its_accuracy(train):
    run = train()
    found = confusion(run)
    assert found.split == "test"
    assert np.trace(found.counts) / found.counts.sum() == run.evaluate("test")["accuracy"]
    assert found.counts.sum(axis=1).tolist() == np.bincount(run.data.test.targets).tolist()


def test_each_split_has_its_confusion_the_last_one_first(train):
    run = train()
    found = confusions(run)
    assert [each.split for each in found] == ["test", "validation", "train"]
    for each in found:
        assert np.trace(each.counts) / each.counts.sum() == run.evaluate(each.split)["accuracy"]


def test_each_head_that_learns_classes_has_its_confusion(reported):
    samples = Samples(np.zeros((3, 1)), np.array([[0, 0.5, 1], [1, 0.5, 0], [1, 0.5, 1]]))
    parts = (
        TaskPart("multiclass", (0, 2), ("cat", "dog"), ("kind",), (0,)),
        TaskPart("regression", (2, 3), (), ("size",), (1,)),
        TaskPart("binary", (3, 4), ("no", "yes"), ("wild",), (2,)),
    )
    y = np.array([[0.9, 0.1, 0.5, 0.2], [0.9, 0.1, 0.5, 0.2], [0.1, 0.9, 0.5, 0.9]])
    run = reported(data=Data(samples), predict=lambda x: y, target_names=("kind", "size", "wild"))
    run.task = Task(parts)
    kind, wild = confusions(run)
    assert (kind.head, kind.names, kind.counts.tolist()) == ("kind", ["cat", "dog"], [[1, 0], [1, 1]])
    assert (wild.head, wild.names, wild.counts.tolist()) == ("wild", ["no", "yes"], [[1, 0], [1, 1]])


def test_residuals_are_of_numbers(reported, data, answer):
    found = residuals(reported(MSE, data=data([[0.5], [2.0]]), predict=answer([[0.25], [3.0]])))
    assert (found.truth.tolist(), found.prediction.tolist()) == ([0.5, 2.0], [0.25, 3.0])
    assert found.split == "train"


@pytest.mark.parametrize(
    ("targets", "predictions", "spec"),
    [
        ([0, 1], [[0.1], [0.9]], {}),
        ([[0.5, 1.0], [0.0, 1.0]], [[0.5, 1.0], [0.0, 1.0]], MSE),
        ([0.5, 1.5], [[np.nan], [np.inf]], MSE),
        ([0.5, 1.5], [[1.0, 2.0], [3.0, 4.0]], MSE),
    ],
    ids=["classes", "several numbers", "not finite", "several predictions"],
)
def test_there_are_no_residuals_of_anything_else(targets, predictions, spec, reported, data, answer):
    assert residuals(reported(spec, data=data(targets), predict=answer(predictions))) is None


def test_residuals_leave_out_what_is_not_finite_and_are_json(reported, data, answer):
    found = residuals(reported(MSE, data=data([0.5, 1.5, 2.5]), predict=answer([[1.0], [np.nan], [-np.inf]])))
    assert json.loads(json.dumps([found.truth.tolist(), found.prediction.tolist()], allow_nan=False)) == [[0.5], [1.0]]


def test_of_many_samples_residuals_are_of_evenly_chosen_ones_and_of_the_worst(reported, data):
    count, worst_rows = 3 * RESIDUALS, np.arange(101, 101 + 2 * EXAMPLES, 2)
    inputs = np.arange(count)[:, np.newaxis] + 0.5
    inputs[worst_rows] += 0.25
    predict = lambda x: x + np.where(x % 1 == 0.75, 1e4, 1.0)  # noqa: E731
    found = residuals(reported(MSE, data=data(inputs[:, 0], inputs), predict=predict))
    assert RESIDUALS <= len(found.truth) <= RESIDUALS + EXAMPLES
    assert found.label == f"train ({len(found.truth):,} of {count:,})"
    assert (found.truth[0], found.truth[-1]) == (0.5, count - 0.5)
    assert np.diff(found.truth).max() <= 4.25
    assert set(inputs[worst_rows, 0]) <= set(found.truth)
    assert found.counts.sum() == count and found.beyond == EXAMPLES and found.edge == 2.0


def test_bins_of_residuals_reach_as_far_as_the_largest_where_none_is_far_off(reported, data, answer):
    found = residuals(reported(MSE, data=data([0.5, 1.5, 3.5]), predict=answer([[1.0], [1.0], [3.0]])))
    assert (found.edge, found.beyond, found.counts.sum(), len(found.counts)) == (0.5, 0, 3, 7)
    exact = residuals(reported(MSE, data=data([0.5, 1.5]), predict=answer([[0.5], [1.5]])))
    assert exact.edge == 1.0 and exact.counts.tolist() == [0, 0, 0, 2, 0, 0, 0]


def test_the_worst_of_numbers_are_furthest_from_the_truth(reported, data, answer):
    truth, prediction = np.linspace(0.5, 20.25, 40), np.linspace(3.0, 4.0, 40)
    found = worst(reported(MSE, data=data(truth), predict=answer(prediction[:, np.newaxis])))
    error = np.abs(truth - prediction)
    assert found.measure == "|prediction − truth|"
    assert [example.row for example in found.examples] == np.argsort(-error)[:EXAMPLES].tolist()
    assert [example.error for example in found.examples] == np.sort(error)[::-1][:EXAMPLES].tolist()
    first = found.examples[0]
    assert (first.row, first.inputs.tolist(), first.truth, first.prediction) == (39, [39.0], "20.25", "4")


def test_the_error_of_several_numbers_is_their_distance(reported, data, answer):
    found = worst(reported(MSE, data=data([[0.5, 1.0], [0.0, 0.25]]), predict=answer([[0.5, 1.0], [3.0, 4.25]])))
    assert "distance" in found.measure
    (example,) = found.examples
    assert (example.row, example.truth, example.prediction, example.error) == (1, "0, 0.25", "3, 4.25", 5.0)


@pytest.mark.parametrize(
    ("truth", "prediction", "told"),
    [
        (0.5, 1.25, ("0.5", "1.25")),
        (1_700_000_000.0, 1_700_000_123.5, ("1.7e+09", "1.70000012e+09")),
        (123456.0, 123457.0, ("123,456", "123,457")),
        (1.0, 1.00001234, ("1", "1.000012")),
        (0.0, 1e-9, ("0", "1e-09")),
        (1.0, 1e9, ("1", "1e+09")),
        (1.0, math.inf, ("1", "inf")),
    ],
)
def test_truth_and_prediction_have_the_digits_of_their_difference(truth, prediction, told, reported, data, answer):
    (example,) = worst(reported(MSE, data=data([truth]), predict=answer([[prediction]]))).examples
    assert (example.truth, example.prediction) == told


def test_of_many_numbers_the_first_are_told(reported, data, answer):
    (example,) = worst(reported(MSE, data=data(np.full((1, 9), 0.5)), predict=answer(np.ones((1, 9))))).examples
    assert example.prediction == "1, 1, 1, 1, 1, 1, 1 …"


def test_the_error_of_a_class_is_what_its_probability_lacks(reported, data, answer):
    found = worst(reported(CROSS_ENTROPY, data=data([0, 0, 2, 2]), predict=answer(THREE)))
    assert found.measure == "1 − probability of the true class"
    told = [(example.row, example.truth, example.prediction) for example in found.examples]
    assert told == [(1, "0", "1 (60 %)"), (2, "2", "1 (50 %)"), (3, "2", "0 (40 %)")]
    assert [example.error for example in found.examples] == pytest.approx([0.9, 0.7, 0.7])
    assert (found.mistakes, found.total) == (3, 4)


def test_right_classes_are_not_listed_however_unsure_they_are(reported, data, answer):
    unsure, wrong = [0.34, 0.33, 0.33], [0.0, 0.55, 0.45]
    found = worst(reported(CROSS_ENTROPY, data=data([0, 2]), predict=answer([unsure, wrong])))
    assert [example.row for example in found.examples] == [1]
    assert [example.error for example in found.examples] == pytest.approx([0.55])


@pytest.mark.parametrize("predictions", [[[0.0], [1.0]], [[0.4], [0.6]], [0, 1]], ids=["sure", "unsure", "numbers"])
def test_without_mistakes_that_is_what_is_said(predictions, reported, data, answer):
    found = worst(reported(data=data([0, 1]), predict=answer(predictions)))
    assert (found.examples, found.mistakes, found.total) == ([], 0, 2)


def test_one_probability_tells_two_classes(reported, data, answer):
    found = worst(
        reported(data=data([0, 1, 1, 0]), predict=answer([[0.125], [0.25], [1.0], [0.0]]), classes=("no", "yes"))
    )
    told = [(example.row, example.truth, example.prediction, example.error) for example in found.examples]
    assert told == [(1, "yes", "no (75 %)", 0.75)]


def test_of_class_numbers_only_the_wrong_are_listed(reported, data, answer):
    found = worst(reported(MSE, data=data([0, 1, 2, 2]), predict=answer([0, 2, 2, 0])))
    assert found.measure == "1 where the class is wrong"
    told = [(example.row, example.truth, example.prediction, example.error) for example in found.examples]
    assert told == [(1, "1", "2", 1.0), (3, "2", "0", 1.0)]


def test_scores_that_are_no_probabilities_are_not_told_as_such(reported, data, answer):
    found = worst(reported(MSE, data=data(np.eye(2)), predict=answer([[0.25, 1.5], [0.75, 0.5]])))
    assert found.measure == "|1 − score of the true class|"
    told = [(example.row, example.prediction, example.error) for example in found.examples]
    assert told == [(0, "1", 0.75), (1, "0", 0.5)]


def test_a_class_beyond_all_scores_has_none(reported, data, answer):
    (example,) = worst(
        reported(CROSS_ENTROPY, data=data([2]), predict=answer([[0.1, 0.9]]), classes=("a", "b", "c"))
    ).examples
    assert (example.truth, example.prediction, example.error) == ("c", "b (90 %)", 1.0)


@pytest.mark.parametrize(
    ("targets", "predictions", "spec"),
    [
        ([0.5, 1.5], [0.5, 1.5], MSE),
        (np.full((2, 3, 3), 0.5), np.zeros((2, 3, 3)), MSE),
        (np.full((2, 2), 0.5), np.zeros((2, 3)), MSE),
        (np.zeros((2, 3), int), np.zeros((2, 3, 4)), CROSS_ENTROPY),
    ],
    ids=["exact", "maps", "other shapes", "class maps"],
)
def test_there_is_no_worst_where_nothing_is_wrong_or_it_cannot_be_told(
    targets, predictions, spec, reported, data, answer
):
    assert worst(reported(spec, data=data(targets), predict=answer(predictions))) is None


def test_nothing_is_worse_than_a_prediction_that_is_no_number(reported, data, answer):
    predictions = [[9.0], [np.nan], [1.0], [-np.inf]]
    found = worst(reported(MSE, data=data(np.full(4, 0.5)), predict=answer(predictions)))
    told = [(example.row, example.error, example.prediction) for example in found.examples]
    assert told == [(1, math.inf, "nan"), (3, math.inf, "-inf"), (0, 8.5, "9"), (2, 0.5, "1")]


@pytest.mark.parametrize("spec", [MSE, {}], ids=["numbers", "classes"])
def test_streamed_samples_have_the_same_results(spec, reported, streamed):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 2))
    targets = (inputs[:, 0] > 0).astype(int) if spec == {} else inputs[:, :1] + rng.normal(size=(300, 1))
    here = Data(Samples(inputs, targets), Samples(inputs, targets))
    there = streamed(here)
    assert len(list(there.validation.pieces())) > 10
    one, other = (
        reported(spec, data=data, predict=lambda x: 1 / (1 + np.exp(-x.sum(axis=1, keepdims=True))))
        for data in (here, there)
    )
    for result in (confusions, residuals, worst):
        assert repr(result(one)) == repr(result(other))
    assert all(example.inputs.tolist() == inputs[example.row].tolist() for example in worst(other).examples)


def test_images_stay_images(reported, data):
    images = np.arange(2 * 3 * 3.0).reshape(2, 3, 3, 1)
    found = worst(reported(data=data([1, 1], images), predict=lambda x: np.full((len(x), 1), 0.25)))
    assert [example.inputs.shape for example in found.examples] == [(3, 3, 1)] * 2


def test_the_worst_of_a_trained_run_are_those_furthest_off(train):
    run = train(dataset="waves", loss="mse", metrics=[], split={"test": 0.5})
    test = run.data.test
    error = np.abs(run.predict(test.inputs) - test.targets)[:, 0]
    found = worst(run)
    assert [example.error for example in found.examples] == pytest.approx(np.sort(error)[::-1][:EXAMPLES])
    assert all(example.error == pytest.approx(error[example.row]) for example in found.examples)
    assert residuals(run).truth.tolist() == test.targets[:, 0].tolist()


def test_one_hot_targets_of_a_trained_run_are_classes(train):
    layers = [{"type": "linear", "units": 2}]
    run = train(transforms={"targets": ["one_hot"]}, layers=layers, loss="mse")
    wrong = np.flatnonzero(run.predict(run.data.test.inputs) != run.data.test.targets)
    assert [example.row for example in worst(run).examples] == wrong[:EXAMPLES].tolist()
    assert np.trace(confusion(run).counts) == 12 - len(wrong)


class Moved:
    spec = None

    @property
    def data(self):
        raise DataError("there is no file table.csv")


@pytest.mark.parametrize("result", [scores, confusions, residuals, worst])
def test_data_that_have_been_moved_are_told(result):
    with pytest.raises(DataError, match=r"table\.csv"):
        result(Moved())
