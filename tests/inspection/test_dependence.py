import numpy as np
import pytest

import specnet
from specnet.errors import PlotError
from specnet.inspection.dependence import GRID, grid_of, partial_dependence


def test_the_dependence_of_a_sum_is_its_term_and_individual_curves_are_parallel(fake, table):
    features, x = table
    run = fake(x, lambda x: np.sin(x[:, :1]) + x[:, 1:2], features=features)
    (found,) = partial_dependence(run, ["a"])
    assert found.outputs == ["target"] and found.mean.shape == (GRID, 1)
    assert np.allclose(found.mean[:, 0], np.sin(found.values) + x[:, 1].mean())
    assert np.allclose(np.diff(found.individual[..., 0], axis=1), np.diff(np.sin(found.values)))


def test_categories_are_bars(fake, table):
    features, x = table
    (found,) = partial_dependence(
        fake(x, lambda x: x[:, 2:] @ np.array([[1.0], [2.0], [4.0]]), features=features), ["kind"]
    )
    assert found.values is None and found.labels == ["x", "y", "z"]
    assert found.mean[:, 0].tolist() == [1.0, 2.0, 4.0]


def test_whole_numbers_have_whole_ticks(fake, table):
    features, x = table
    x[:, 0], x[:, 1] = 2007 + np.arange(len(x)) % 3, x[:, 1] / 10
    run = fake(x, lambda x: x[:, :1] + x[:, 1:2], features=features)
    run.name = "demo"
    year, real = specnet.build("plots", {"type": "partial_dependence", "columns": ["a", "b"]}).draw(run).axes
    assert all(tick == round(tick) for tick in year.get_xticks())
    assert not all(tick == round(tick) for tick in real.get_xticks())


def test_a_grid_has_all_values_if_they_are_few_and_else_quantiles_without_the_ends(table):
    assert grid_of(np.array([3.0, 1.0, 3.0, np.nan])).tolist() == [1.0, 3.0]
    x = np.arange(1001.0)
    assert np.allclose(grid_of(x), np.linspace(50, 950, GRID))


@pytest.mark.parametrize(("predict", "message"), [
    (lambda x: np.zeros((len(x), 3, 2)), r"of shape \(3, 2\)"),
    (lambda x: np.zeros(len(x), int), "class numbers"),
])  # fmt: skip
def test_other_predictions_than_rows_of_numbers_are_refused(predict, message, fake, table):
    with pytest.raises(PlotError, match=message):
        partial_dependence(fake(table[1], predict))
