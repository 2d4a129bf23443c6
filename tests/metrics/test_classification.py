import numpy as np
import pytest

import specnet
from specnet.errors import ShapeError

rng = np.random.default_rng(8)
accuracy = specnet.build("metrics", "accuracy")


def share(pairs):
    pairs = list(pairs)
    return sum(bool(a == b) for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("count", [1, 2, 37])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target_dtype", ["int64", "uint8", "bool", "float64"])
def test_binary_accuracy_takes_columns_and_plain_rows(count, dtype, target_dtype):
    probability, yes = rng.random(count).astype(dtype), rng.integers(2, size=count).astype(target_dtype)
    expected = share((p >= 0.5, t) for p, t in zip(probability, yes, strict=True))
    for prediction in (probability, probability[:, None]):
        for target in (yes, yes[:, None]):
            assert accuracy(prediction, target) == pytest.approx(expected)


def test_a_probability_of_one_half_says_yes():
    assert accuracy(np.array([0.5, 0.4999]), np.array([1, 0])) == 1


@pytest.mark.parametrize("shape", [(1, 2), (37, 5), (7, 3, 4)])
def test_the_largest_score_wins_against_class_numbers_and_one_hot(shape):
    scores, wanted = rng.normal(size=shape), rng.integers(shape[-1], size=shape[:-1])
    found = [max(range(shape[-1]), key=row.__getitem__) for row in scores.reshape(-1, shape[-1]).tolist()]
    expected = share(zip(found, wanted.flat, strict=True))
    for target in (
        wanted,
        wanted[..., None],
        wanted.astype(float),
        np.eye(shape[-1])[wanted],
        np.eye(shape[-1], dtype=int)[wanted],
    ):
        assert accuracy(scores, target) == pytest.approx(expected)


def test_one_choice_a_sample_may_stand_in_a_column():
    scores, wanted = rng.normal(size=(37, 1, 3)), rng.integers(3, size=37)
    expected = accuracy(scores[:, 0], wanted)
    for target in (wanted, wanted[:, None], np.eye(3)[wanted][:, None]):
        assert accuracy(scores, target) == expected


def test_predictions_that_are_class_numbers_are_compared_as_they_are():
    prediction, target = rng.integers(4, size=37), rng.integers(4, size=37)
    expected = share(zip(prediction, target, strict=True))
    for shape in ((37,), (37, 1)):
        assert accuracy(prediction.reshape(shape), target) == pytest.approx(expected)
        assert accuracy(prediction, target.reshape(shape)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ((6, 2), (3,)),
        ((6, 2), (3, 2)),
        ((6, 2), (12,)),
        ((6,), (3, 2)),
        ((6, 1), (5,)),
        ((6, 2), (6, 3)),
        ((2, 3, 4), (3, 2)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(prediction, target):
    with pytest.raises(ShapeError):
        accuracy(np.zeros(prediction), np.zeros(target))


@pytest.mark.parametrize("target", [[-1, 1, 1], [0, 1, 2], [0.5, 1, 0]])
def test_one_output_is_judged_by_0_and_1_alone(target):
    for dtype in ("float64", "int64") if 0.5 not in target else ("float64",):
        with pytest.raises(ShapeError, match="0 and 1 for one output"):
            accuracy(np.array([[0.1], [0.9], [0.8]]), np.array(target, dtype))


def test_a_class_beyond_the_scores_is_refused():
    with pytest.raises(ShapeError):
        accuracy(np.zeros((2, 3)), np.array([0, 3]))
