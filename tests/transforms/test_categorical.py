import numpy as np
import pytest

import specnet
from specnet.errors import DataError


def fitted(x):
    transform = specnet.build("transforms", "one_hot")
    transform.fit(np.asarray(x))
    return transform


@pytest.mark.parametrize("x", [[3, 1, 7, 3], [3.0, 1.0, 7.0, 3.0], ["c", "a", "d", "c"]])
def test_categories_are_outputs_in_ascending_order(x):
    transform = fitted(x)
    y = transform.apply(np.asarray(x))
    assert y.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert transform.invert(y).tolist() == x


def test_columns_stand_side_by_side_each_with_its_own_categories():
    x = np.array([[1, 5], [2, 5], [1, 9], [3, 5]])
    y = fitted(x).apply(x)
    assert y.tolist() == [[1, 0, 0, 1, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1], [0, 0, 1, 1, 0]]


def test_undoing_picks_the_largest_output_of_each_column():
    transform = fitted([[1, 5], [2, 9]])
    scores = np.array([[0.2, 0.9, 4, 3], [-1, -2, -3, -1]])
    assert transform.invert(scores).tolist() == [[2, 5], [1, 9]]
    assert fitted([4, 8]).invert(np.array([[0.4, 0.6]])).tolist() == [8]


def test_truth_values_are_categories():
    assert fitted([True, False]).apply(np.array([False, True])).tolist() == [[1, 0], [0, 1]]


def test_a_category_that_training_does_not_have_is_a_data_error():
    with pytest.raises(DataError, match="the category 8 in row 1, column 1, is not in the training split"):
        fitted([[1, 5], [2, 9]]).apply(np.array([[1, 5], [2, 8]]))


def test_images_are_no_categories():
    with pytest.raises(DataError):
        fitted(np.zeros((2, 3, 4)))
