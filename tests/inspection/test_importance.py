import numpy as np
import pytest

from specnet.errors import PlotError
from specnet.inspection.importance import permutation_importance


def test_permuting_a_column_of_a_linear_network_raises_the_squared_error_by_twice_its_share_of_the_variance(fake):
    x = np.random.default_rng(1).normal(size=(80, 3))
    found = permutation_importance(fake(x, lambda x: 3 * x[:, :1] + x[:, 1:2]), repeats=300)
    assert [each.column for each in found.columns] == ["x0", "x1", "x2"]  # the most important first
    rises = {each.column: each.rises["loss"] for each in found.columns}
    for name, slope in {"x0": 3, "x1": 1}.items():
        expected = 2 * slope**2 * x[:, int(name[1])].var()
        assert rises[name].mean == pytest.approx(expected, rel=0.05)
        assert rises[name].interval[0] < rises[name].mean < rises[name].interval[1]
    assert rises["x2"] == (0.0, (0.0, 0.0))


def test_a_category_is_permuted_as_one_column_and_its_samples_keep_one_category(fake, table):
    features, x = table
    seen = []

    def predict(given):
        seen.append(given.copy())
        return given[:, 2:3]

    permutation_importance(fake(x, predict, features=features), repeats=4, columns=["kind"])
    permuted = [given for given in seen if len(given) == len(x) and not np.array_equal(given, x)]
    assert len(permuted) == 4
    for given in permuted:
        assert np.array_equal(given[:, :2], x[:, :2])
        assert (given[:, 2:].sum(axis=1) == 1).all() and np.array_equal(given[:, 2:].sum(axis=0), x[:, 2:].sum(axis=0))


def test_the_seed_determines_the_result_and_a_column_does_not_depend_on_others(fake, table):
    features, x = table
    run = fake(x, lambda x: x[:, :1] * x[:, 1:2], features=features)
    alone = permutation_importance(run, columns=["b"]).columns[0]
    found = permutation_importance(run)
    assert alone in found.columns and found == permutation_importance(run)
    assert found != permutation_importance(run, seed=1)


def test_one_permutation_has_no_interval(fake, table):
    (found, *_) = permutation_importance(fake(table[1], lambda x: x[:, :1]), repeats=1).columns
    assert found.rises["loss"].mean > 0 and np.isnan(found.rises["loss"].interval).all()


def test_a_loss_that_is_not_finite_is_refused(fake, table):
    with pytest.raises(PlotError, match="not finite"):
        permutation_importance(fake(table[1], lambda x: x[:, :1], targets=np.full((60, 1), np.inf)))
