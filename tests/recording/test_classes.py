from types import SimpleNamespace

import numpy as np
import pytest

from specnet.datasets.base import Data, Samples
from specnet.errors import PlotError
from specnet.losses.base import Loss
from specnet.recording.classes import Confusion, padded, required_classes
from specnet.task import decide_task

NUMBERS = np.array([2, 0, 1, 2])


def regression(targets):
    """A run that learns targets as numbers."""
    data = Data(Samples(np.zeros((len(targets), 2)), targets))
    task = decide_task(data.about_targets, ["regression"], (1,))
    return SimpleNamespace(data=data, task=task)


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
def test_every_form_of_classes_is_understood(targets):
    assert required_classes(regression(targets)) == ["0", "1", "2"]
    confusion = Confusion()
    confusion.update(NUMBERS, targets)
    assert confusion.counts.tolist() == np.diag([1, 1, 2]).tolist()


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
        required_classes(regression(targets))
    assert "classes" in caught.value.message
    assert "residuals" in caught.value.help


def test_classes_have_the_best_names_there_are():
    plain, one_hot = Samples(np.zeros((3, 2)), np.arange(3)), Samples(np.zeros((3, 2)), np.eye(3))

    def names(samples, **named):
        data = Data(samples, **named)
        return required_classes(SimpleNamespace(data=data, task=decide_task(data.about_targets, Loss.learns, (3,))))

    assert names(plain, classes=("cat", "dog", "emu")) == ["cat", "dog", "emu"]
    assert names(one_hot, target_names=("a", "b", "c")) == ["a", "b", "c"]
    assert names(plain, target_names=("kind",)) == ["0", "1", "2"]


def test_classes_without_a_name_have_their_number():
    assert padded(["cat", "dog"], np.zeros((5, 4))) == ["cat", "dog", "2", "3"]
    assert padded(["cat", "dog"], np.array([0, 2])) == ["cat", "dog", "2"]
    assert padded([], np.zeros((5, 1))) == ["0", "1"]


def test_confusion_grows_with_the_classes_it_meets():
    confusion = Confusion()
    confusion.update(np.array([0, 1]), np.array([1, 1]))
    confusion.update(np.array([3]), np.array([0]))
    names, counts = confusion.of(["a", "b"])
    assert names == ["a", "b", "2", "3"]
    assert counts.tolist() == [[0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert confusion.of(list("abcde"))[1].shape == (5, 5)
