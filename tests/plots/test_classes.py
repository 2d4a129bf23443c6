import numpy as np
import pytest

from specnet.component import build
from specnet.datasets.base import Data, Samples
from specnet.errors import PlotError
from specnet.plots.classes import (
    Answers,
    all_classes,
    check_few,
    check_probabilities,
    check_scores,
    class_name,
    read_classes,
    read_scores,
)
from specnet.task import are_probabilities

NUMBERS = np.array([2, 0, 1, 2])


@pytest.mark.parametrize(
    "targets",
    [
        NUMBERS,
        NUMBERS[:, np.newaxis],
        NUMBERS[:, np.newaxis].astype(np.float32),
        np.eye(3)[NUMBERS],
        np.eye(3, dtype=int)[NUMBERS],
    ],
)
def test_every_form_of_classes_gives_the_same_numbers(targets):
    numbers = read_classes(targets)
    assert numbers.tolist() == NUMBERS.tolist()
    assert np.issubdtype(numbers.dtype, np.integer)


@pytest.mark.parametrize(
    "targets",
    [
        np.array([0.5, 1.0]),
        np.array([[0.2], [np.nan]]),
        np.array([[1.0, 1.0], [0.0, 1.0]]),
        np.array([[0.3, 0.7], [1.0, 0.0]]),
        np.arange(18.0).reshape(2, 3, 3),
    ],
)
def test_targets_that_are_not_classes_are_refused(targets):
    with pytest.raises(PlotError) as caught:
        read_classes(targets)
    assert "classes" in caught.value.message
    assert "residuals" in caught.value.help


def test_classes_are_called_by_the_best_name_there_is(trained):
    plain, one_hot = Samples(np.zeros((3, 2)), np.arange(3)), Samples(np.zeros((3, 2)), np.eye(3))

    def name(number, samples, **names):
        return class_name(number, trained(data=Data(samples, **names), predict=lambda x: np.zeros((len(x), 3))))

    assert name(1, plain, classes=("cat", "dog", "emu")) == "dog"
    assert name(1, one_hot, target_names=("a", "b", "c")) == "b"
    assert name(1, plain, target_names=("kind",)) == "1"
    assert name(7, plain, classes=("cat", "dog", "emu")) == "7"
    assert name(-1, plain, classes=("cat", "dog", "emu")) == "-1"


def test_all_classes_are_those_named_held_or_found():
    train, test = Samples(np.zeros((2, 2)), np.array([0, 5])), Samples(np.zeros((1, 2)), np.array([7]))
    data = Data(train, test=test, classes=("a", "b"))
    assert all_classes(data, np.array([9, 5])).tolist() == [0, 1, 5, 7, 9]


def test_more_classes_than_a_picture_can_show_are_refused():
    check_few(np.arange(100))
    for count in (101, 60_001):
        with pytest.raises(PlotError, match="at most 100") as caught:
            check_few(np.arange(count))
        assert "regression" not in caught.value.help


@pytest.mark.parametrize("name", ["confusion_matrix", "decision_boundary", "history_grid", "replay", "roc"])
def test_classes_that_each_need_a_colour_or_a_row_may_not_be_too_many(name, trained, blobs, record):
    def predict(x):
        return np.eye(150)[np.zeros(len(x), int)]

    data = blobs(150)
    with pytest.raises(PlotError, match="150 different classes"):
        build("plots", name).check(trained(data=data, predict=predict, record=record(data, predict)))


@pytest.mark.parametrize(
    ("name", "inputs", "classes"),
    [
        ("confusion_matrix", (5,), True),
        ("roc", (5,), True),
        ("calibration", (5,), True),
        ("decision_boundary", (2,), True),
        ("samples", (4, 4, 1), True),
        ("samples", (4, 4, 1), False),
        ("replay", (4, 4, 1), True),
        ("replay", (5,), True),
        ("replay", (2,), True),
        ("replay", (1,), False),
        ("history_grid", (2,), False),
        ("history_grid", (1,), False),
        ("residuals", (5,), False),
        ("regression_fit", (1,), False),
    ],
)
@pytest.mark.parametrize("of_steps", [False, True])
def test_sequences_of_predictions_are_not_shown(name, inputs, classes, of_steps, trained, samples, record):
    shape = (4, 6) if of_steps else (4,)
    targets = np.zeros(shape, int) if classes else np.full(shape, 0.5)
    data = Data(samples(targets, *inputs))

    def predict(x):
        return np.full((len(x), 6, 3 if classes else 1), 0.25)

    shown = trained(data=data, predict=predict, record=record(data, predict))
    with pytest.raises(PlotError, match=r"predictions .*of shape \(6, [13]\)") as caught:
        build("plots", name).check(shown)
    assert caught.value.help


@pytest.mark.parametrize("predicted", [np.array([0.2, 0.9], np.float32), np.array([[0.2], [0.9]])])
def test_one_probability_is_a_score_for_no_and_for_yes(predicted):
    assert np.allclose(read_scores(predicted), [[0.8, 0.2], [0.1, 0.9]])


@pytest.mark.parametrize("predicted", [np.array([0, 1]), np.array([[0], [1]]), np.zeros((2, 3, 4))])
def test_class_numbers_and_sequences_are_no_scores(predicted):
    with pytest.raises(PlotError, match="needs a score") as caught:
        read_scores(predicted)
    assert "confusion_matrix" in caught.value.help


def test_every_class_has_a_score():
    check_scores(np.array([0, 2]), np.zeros((5, 3)))
    for known in ([0, 3], [-1, 2]):
        with pytest.raises(PlotError, match="there is a class"):
            check_scores(np.array(known), np.zeros((5, 3)))


@pytest.mark.parametrize(
    ("scores", "fit"),
    [([[0.5, 0.5], [1.0, 0.0]], True), ([[0.5, 0.6]], False), ([[1.5, -0.5]], False), ([[0.3, 0.3, 0.4]], True)],
)
def test_probabilities_are_not_negative_and_1_together(scores, fit):
    assert are_probabilities(np.array(scores)) == fit
    if not fit:
        with pytest.raises(PlotError, match="needs probabilities"):
            check_probabilities(np.array(scores))


def test_a_few_whole_numbers_among_others_are_no_classes(trained):
    data = Data(Samples(np.zeros((3, 2)), np.array([[1.0], [2.0], [0.5]])))
    answers = Answers(trained(data=data), data.train.targets[:2], np.array([[0.5]]))
    assert not answers.are_classes
    assert answers.truth == ["1", "2"]
