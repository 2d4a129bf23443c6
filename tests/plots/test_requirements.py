import numpy as np
import pytest

from specnet.component import build
from specnet.datasets.base import Data
from specnet.errors import PlotError
from specnet.plots.requirements import check_few, check_probabilities, scores_of
from specnet.task import are_probabilities


def test_more_classes_than_a_picture_can_show_are_refused():
    check_few(range(100))
    for count in (101, 60_001):
        with pytest.raises(PlotError, match="at most 100") as caught:
            check_few(range(count))
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
    assert np.allclose(scores_of(predicted), [[0.8, 0.2], [0.1, 0.9]])


@pytest.mark.parametrize("predicted", [np.array([0, 1]), np.array([[0], [1]]), np.zeros((2, 3, 4))])
def test_class_numbers_and_sequences_are_no_scores(predicted):
    with pytest.raises(PlotError, match="needs a score") as caught:
        scores_of(predicted)
    assert "confusion_matrix" in caught.value.help


@pytest.mark.parametrize(
    ("scores", "fit"),
    [([[0.5, 0.5], [1.0, 0.0]], True), ([[0.5, 0.6]], False), ([[1.5, -0.5]], False), ([[0.3, 0.3, 0.4]], True)],
)
def test_probabilities_are_not_negative_and_1_together(scores, fit):
    assert are_probabilities(np.array(scores)) == fit
    if not fit:
        with pytest.raises(PlotError, match="needs probabilities"):
            check_probabilities(np.array(scores))
