import numpy as np
import pytest

import specnet
from specnet.errors import DataError
from specnet.features import Feature
from specnet.transforms.pipeline import Pipeline


def fitted(x, name="one_hot", **fields):
    transform = specnet.build("transforms", {"type": name, **fields})
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
    message = "feature 1 has the category 8 in row 1, which is not in the training split"
    for name in ("one_hot", "ordinal"):
        with pytest.raises(DataError, match=message) as raised:
            fitted([[1, 5], [2, 9]], name).apply(np.array([[1, 5], [2, 8]]))
        assert "known are" in raised.value.help and "handle_unknown" in raised.value.help


def test_images_are_no_categories():
    for name in ("one_hot", "ordinal"):
        with pytest.raises(DataError):
            fitted(np.zeros((2, 3, 4)), name)


def test_unknown_categories_become_zeros_if_asked_for():
    transform = fitted([["a", "x"], ["b", "y"]], handle_unknown="ignore")
    assert transform.apply(np.array([["c", "y"], ["b", "z"]])).tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]


def test_the_first_category_is_dropped_if_asked_for():
    x = np.array([["b", "x"], ["a", "x"], ["c", "y"]])
    transform = fitted(x, drop="first")
    y = transform.apply(x)
    assert y.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]
    assert transform.output_names(("island", "kind")) == ("island=b", "island=c", "kind=y")
    assert transform.invert(y).tolist() == x.tolist()
    assert transform.invert(np.array([[0.3, 0.3, 0.6]])).tolist() == [["a", "y"]]


def test_ordinal_numbers_the_categories_in_ascending_order():
    x = np.array([["b", "x"], ["a", "x"], ["c", "y"]])
    y = fitted(x, "ordinal").apply(x)
    assert y.dtype.kind == "i"
    assert y.tolist() == [[1, 0], [0, 0], [2, 1]]
    assert fitted([7.0, 5.0, 7.0], "ordinal").apply(np.array([5.0, 7.0])).tolist() == [0, 1]


def test_an_unknown_category_has_the_number_after_the_last_one_if_asked_for():
    x = np.array([["b", "x"], ["a", "x"]])
    transform = fitted(x, "ordinal", handle_unknown="ignore")
    assert transform.apply(np.array([["0", "x"], ["z", "y"]])).tolist() == [[2, 0], [2, 1]]


@pytest.mark.parametrize(("fields", "options"), [({}, {}), ({"drop": "first"}, {"drop": "first"})])
def test_columns_are_those_of_scikit_learn(fields, options):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = np.random.default_rng(4).integers(0, 5, (40, 3))
    expected = preprocessing.OneHotEncoder(sparse_output=False, **options).fit_transform(x)
    np.testing.assert_array_equal(fitted(x, **fields).apply(x), expected)
    numbers = preprocessing.OrdinalEncoder().fit_transform(x)
    np.testing.assert_array_equal(fitted(x, "ordinal").apply(x), numbers)


def test_a_category_that_training_does_not_have_is_named_by_its_column():
    pipeline = Pipeline(
        [specnet.build("transforms", {"type": "one_hot", "columns": ["island", "kind"]})], ("transforms", "inputs")
    )
    pipeline.features = (Feature("island", "category"), Feature("kind", "category"))
    pipeline.fit(np.array([["b", "x"], ["a", "y"]]))
    with pytest.raises(DataError, match='column "kind" has the category z in row 2, which is not') as raised:
        pipeline.apply(np.array([["b", "x"], ["a", "y"], ["a", "z"]]))
    assert raised.value.pointer == ("transforms", "inputs", 0)
