import numpy as np
import pytest

from specnet.errors import PlotError, UsageError
from specnet.inspection.columns import category_values, chosen_columns, held_out, input_columns


def first(x):
    return x[:, :1]


def test_the_features_of_a_category_are_one_column(fake, table):
    features, x = table
    assert [(column.name, column.places) for column in input_columns(fake(x, first, features=features))] == [
        ("a", [0]), ("b", [1]), ("kind", [2, 3, 4]),
    ]  # fmt: skip


def test_columns_without_names_are_numbered(fake, table):
    assert [column.name for column in input_columns(fake(table[1], first))] == ["x0", "x1", "x2", "x3", "x4"]


def test_an_unknown_column_is_refused_and_those_that_exist_are_named(fake, table):
    features, x = table
    with pytest.raises(UsageError, match='no input column "kinds"') as caught:
        chosen_columns(fake(x, first, features=features), ["a", "kinds"])
    assert "kind" in caught.value.help


@pytest.mark.parametrize("shape", [(8, 8), (5, 2), (4, 4, 3)])
def test_images_and_sequences_have_no_columns(shape, fake):
    run = fake(np.zeros((3, *shape)), lambda x: np.zeros((len(x), 1)))
    with pytest.raises(PlotError, match="columns are needed") as caught:
        input_columns(run)
    assert "saliency" in caught.value.help


def test_categories_have_their_names(fake, table):
    features, x = table
    run = fake(x, first, features=features)
    named = category_values(run, input_columns(run)[2], x)
    assert [name for name, _ in named] == ["x", "y", "z"]
    assert np.array_equal([row for _, row in named], np.eye(3))


def test_of_a_large_split_some_samples_are_used_and_the_label_says_so(fake):
    run = fake(np.zeros((5000, 1)), first)
    assert held_out(run, "train", 10).label == "10 samples of the train split, of 5,000"
    assert held_out(run).label == "5,000 samples of the test split"
    with pytest.raises(UsageError, match="no validation samples"):
        held_out(run, "validation")
