"""A transform sees the columns that it names, and what it returns takes their place."""

import numpy as np
import pytest

from specnet import SpecnetError, build
from specnet.features import Feature, features_named
from specnet.transforms.pipeline import Pipeline

FEATURES = [Feature("a"), Feature("k=x", "category", "k"), Feature("k=y", "category", "k"), Feature("b"),
            Feature("d", "date", "d")]  # fmt: skip
X = np.array([[1.0, 1, 0, 10, 0], [3.0, 0, 1, 30, 31]])


def pipeline(*transforms, features=FEATURES):
    made = Pipeline([build("transforms", each) for each in transforms], ("transforms", "inputs"))
    made.features = features
    return made


def columns(**fields):
    return {"type": "standardize", **fields}


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("standardize", [[-1, 1, 0, -1, -1], [1, 0, 1, 1, 1]]),
        (columns(columns=["b"]), [[1, 1, 0, -1, 0], [3, 0, 1, 1, 31]]),
        (columns(columns=["k"]), [[1, 1, -1, 10, 0], [3, -1, 1, 30, 31]]),
        (columns(columns=["k=y", "a"]), [[-1, 1, -1, 10, 0], [1, 0, 1, 30, 31]]),
    ],
)
def test_without_columns_a_transform_sees_numbers_and_dates_else_those_it_names(transform, expected):
    made = pipeline(transform)
    np.testing.assert_array_equal(made.fit(X), expected)
    assert made.names() == ("a", "k=x", "k=y", "b", "d")
    restored = pipeline(transform)
    restored.restore(made.arrays())
    np.testing.assert_array_equal(restored.apply(X), expected)
    np.testing.assert_allclose(restored.invert(restored.apply(X)), X, atol=1e-12)


@pytest.mark.parametrize("chosen", [["a", "b"], ["b"], ["d", "k"], ["a", "k", "b", "d"]])
def test_more_columns_stand_side_by_side_where_the_first_was_and_can_be_undone(chosen):
    made = pipeline(
        {"type": "pca", "columns": chosen, "n_components": 1} if len(chosen) > 1 else columns(columns=chosen)
    )
    y = made.fit(X)
    assert made.names() == tuple(feature.name for feature in made.transformed)
    assert y.shape == (2, len(made.names()))
    others = [feature.name for feature in FEATURES if not {feature.name, feature.column} & {*chosen}]
    for name in others:
        np.testing.assert_array_equal(
            y[:, made.names().index(name)], X[:, [each.name for each in FEATURES].index(name)]
        )
    np.testing.assert_allclose(made.invert(y), X, atol=1e-9)


def test_later_transforms_name_what_earlier_ones_return():
    x = np.array([[1.0, 2.0], [np.nan, 4.0], [3.0, 9.0]])
    made = pipeline(
        {"type": "impute", "add_indicator": True},
        {"type": "standardize", "columns": ["a", "b"]},
        features=features_named(["a", "b"]),
    )
    y = made.fit(x)
    assert sorted(made.names()) == ["a", "a.missing", "b"]
    assert y[:, made.names().index("a.missing")].tolist() == [0, 1, 0]
    assert y[:, made.names().index("a")].mean() == pytest.approx(0)


@pytest.mark.parametrize(
    ("transform", "features", "message"),
    [
        (columns(columns=["age"]), FEATURES, 'there is no column "age" here'),
        (columns(columns=["a"]), (), "the columns of these samples have no names"),
        ("date_parts", FEATURES[:4], "no input column is a date"),
        ("standardize", FEATURES[1:3], "no input column is a number or a date"),
    ],
)
def test_columns_that_are_not_there_are_a_mistake_of_the_transform(transform, features, message):
    with pytest.raises(SpecnetError, match=message) as raised:
        pipeline(transform, features=features).fit(X[:, : len(features) or 5])
    assert raised.value.pointer[:3] == ("transforms", "inputs", 0)


def test_another_number_of_columns_is_refused():
    made = pipeline(columns(columns=["a"]))
    made.fit(X)
    with pytest.raises(SpecnetError, match=r"a sample has shape \(4,\), but those of the training split have \(5,\)"):
        made.apply(X[:, :4])


def test_a_missing_value_is_named_by_column_and_row():
    x = X.copy()
    made = pipeline("standardize")
    made.fit(X)
    x[1, 3] = np.nan
    with pytest.raises(SpecnetError, match='column "b" has a missing value in row 1'):
        made.apply(x)
    x = X.copy()
    x[0, 1] = np.nan
    with pytest.raises(SpecnetError, match='column "k" has a missing value in row 0'):
        made.apply(x)


@pytest.mark.parametrize("saved", [[True], [5], [5, 5], [5, -1], [5.0, 1.0], [[5, 1]], 5])
def test_a_selection_that_is_none_is_not_restored(saved):
    made = pipeline(columns(columns=["b"]))
    made.fit(X)
    with pytest.raises(ValueError, match="not the number of all columns"):
        made.restore(made.arrays() | {"transforms.inputs.0.columns": np.array(saved)})
