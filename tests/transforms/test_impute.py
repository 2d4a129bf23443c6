import numpy as np
import pytest
from helpers import fitted

import specnet
from specnet.errors import DataError

rng = np.random.default_rng(21)


NAN = np.nan
X = np.array([[1.0, 5, NAN], [2, NAN, 4], [2, 7, 4], [9, 7, 8], [NAN, 7, 3]])


def with_gaps(shape, dtype="float64"):
    x = rng.integers(0, 5, shape) + 0.5
    x[1:][rng.random(x[1:].shape) < 0.3] = NAN
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
@pytest.mark.parametrize("shape", [(1, 1), (9, 1), (50, 4)])
def test_impute_is_that_of_scikit_learn(strategy, add_indicator, shape, dtype):
    sklearn = pytest.importorskip("sklearn.impute")
    x, value = with_gaps(shape, dtype), {"fill_value": -2.5} if strategy == "constant" else {}
    reference = sklearn.SimpleImputer(strategy=strategy, add_indicator=add_indicator, **value).fit(x.astype(np.float64))
    transform = fitted({"type": "impute", "strategy": strategy, "add_indicator": add_indicator, **value}, x)
    other = np.concatenate([x.astype(np.float64), np.full((1, shape[1]), NAN)])
    np.testing.assert_allclose(transform.apply(x), reference.transform(x.astype(np.float64)), rtol=1e-12)
    np.testing.assert_allclose(
        transform.apply(other)[:, : shape[1]], reference.transform(other)[:, : shape[1]], rtol=1e-12
    )


def test_indicators_are_for_columns_with_missing_values_in_training():
    transform = fitted({"type": "impute", "add_indicator": True}, X[1:4])
    assert transform.output_names(("age", "mass", "height")) == ("age", "mass", "height", "mass.missing")
    assert transform.apply(X)[:, 3].tolist() == [0, 1, 0, 0, 0]
    assert fitted("impute", X).output_names(("a", "b", "c")) == ("a", "b", "c")


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("fields", [{}, {"strategy": "constant", "fill_value": 3.0}])
def test_missing_values_in_pieces_are_filled_like_those_of_the_whole(fields, size):
    spec = {"type": "impute", "add_indicator": True, **fields}
    parts = specnet.build("transforms", spec)
    parts.fit_pieces(lambda: (X[start : start + size] for start in range(0, len(X), size)))
    np.testing.assert_allclose(parts.apply(X), fitted(spec, X).apply(X), rtol=1e-14)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_a_column_that_is_missing_everywhere_is_refused(strategy):
    spec = {"type": "impute", "strategy": strategy, **({"fill_value": 0.0} if strategy == "constant" else {})}
    with pytest.raises(DataError, match="feature 1 has no value in the training split"):
        fitted(spec, np.array([[1.0, NAN], [NAN, NAN]]))


def test_images_have_no_indicator_columns_but_are_filled():
    x = with_gaps((9, 4, 3))
    assert np.isfinite(fitted("impute", x).apply(x)).all()
    with pytest.raises(specnet.SpecnetError):
        fitted({"type": "impute", "add_indicator": True}, x)


def test_numbers_too_large_for_a_mean_are_refused():
    for strategy in ("mean", "median"):
        with pytest.raises(DataError, match=f"feature 0 has numbers too large to compute their {strategy}"):
            fitted({"type": "impute", "strategy": strategy}, np.array([[1.7e308], [1.7e308], [NAN]]))


@pytest.mark.parametrize("fields", [{"strategy": "constant"}, {"fill_value": 1.0}, {"strategy": "mode"}])
def test_settings_that_do_not_fit_are_refused(fields):
    with pytest.raises(specnet.SpecnetError):
        specnet.build("transforms", {"type": "impute", **fields})
