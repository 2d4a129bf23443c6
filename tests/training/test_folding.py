"""Arrays as text."""

import numpy as np
import pytest

from specnet.training.folding import FoldedArray


@pytest.mark.parametrize("shape", [(), (0,), (7,), (8,), (2, 3), (100, 2), (50, 60), (9, 9, 9), (9,) * 5], ids=str)
def test_what_is_kept_are_the_numbers_at_their_places(shape):
    array = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    numbers = FoldedArray(array, most=40)
    assert numbers.shape == shape
    np.testing.assert_array_equal(numbers.values, array[np.ix_(*numbers.kept)])
    assert numbers.whole == (array.size <= 40)
    assert numbers.values.size <= 243
    again = FoldedArray(array, most=10**6).folded(40)
    np.testing.assert_array_equal(again.values, numbers.values)
    assert (again.kept, again.shape) == (numbers.kept, numbers.shape)
    assert (str(numbers).count("…") > 0) == (not numbers.whole)


def test_numbers_are_a_copy():
    array = np.ones(3)
    numbers = FoldedArray(array, 10)
    array[:] = 2
    assert numbers.values.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (0.1, "0.1"),
        ([1.0, -0.25], "[    1 -0.25]"),
        ([True, False], "[ True False]"),
        (np.arange(60), "[ 0  1  2 … 57 58 59]"),
        ([[np.inf, np.nan]], "[[inf nan]]"),
        (np.zeros((20, 2)), "[[0 0]\n [0 0]\n [0 0]\n …\n [0 0]\n [0 0]\n [0 0]]"),
        ([[[1], [2]]], "[[[1]\n  [2]]]"),
    ],
)
def test_text_is_aligned_and_shows_gaps(array, text):
    assert str(FoldedArray(array, 30)) == text
