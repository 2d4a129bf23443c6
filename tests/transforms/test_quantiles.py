import numpy as np
import pytest
from helpers import fitted

import specnet

rng = np.random.default_rng(21)


SAMPLES = {
    "random": rng.normal(size=(300, 3)),
    "skewed": rng.lognormal(3, 1, size=(57, 2)),
    "tied": rng.integers(0, 4, (60, 2)),
    "two rows": np.array([[1.0], [2.0]]),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("n_quantiles", [2, 10, 1000])
@pytest.mark.parametrize("name", ["random", "skewed", "two rows"])
def test_quantile_is_that_of_scikit_learn(name, n_quantiles, output, dtype):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = SAMPLES[name].astype(dtype)
    other = np.concatenate([x.astype(np.float64), x + 0.3, 100.0 * x])
    n = min(n_quantiles, len(x))
    reference = preprocessing.QuantileTransformer(n_quantiles=n, output_distribution=output).fit(x.astype(np.float64))
    transform = fitted({"type": "quantile", "n_quantiles": n_quantiles, "output": output}, x)
    y = transform.apply(other)
    np.testing.assert_allclose(y, reference.transform(other), atol=1e-6)
    # Theirs does not reach the ends of a normal distribution.
    np.testing.assert_allclose(transform.invert(y), reference.inverse_transform(y), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("n_quantiles", [2, 3, 1000])
def test_equal_numbers_are_in_the_middle_of_their_step(n_quantiles):
    x = np.array([[1.0], [2], [2], [2], [5], [5], [9]])
    y = fitted({"type": "quantile", "n_quantiles": n_quantiles}, x).apply(x)[:, 0]
    expected = {
        2: [0, 1 / 8, 1 / 8, 1 / 8, 1 / 2, 1 / 2, 1],
        3: [0, 1 / 2, 1 / 2, 1 / 2, 5 / 7, 5 / 7, 1],
        1000: [0, 2 / 6, 2 / 6, 2 / 6, 4.5 / 6, 4.5 / 6, 1],
    }
    np.testing.assert_allclose(y, expected[n_quantiles], rtol=1e-14)


@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("name", SAMPLES)
def test_quantile_can_be_undone(name, output):
    x = SAMPLES[name]
    transform = fitted({"type": "quantile", "output": output}, x)
    np.testing.assert_allclose(transform.invert(transform.apply(x)), x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("output", "middle"), [("uniform", 0.5), ("normal", 0.0)])
def test_a_constant_is_in_the_middle_of_its_distribution(output, middle):
    x = np.full((5, 1), 3.0)
    transform = fitted({"type": "quantile", "output": output}, x)
    y = transform.apply(np.array([[2.0], [3.0], [4.0]]))
    assert y[1] == pytest.approx(middle, abs=1e-12) and y[0] < y[1] < y[2]
    assert (transform.invert(y) == 3.0).all()


def test_numbers_of_any_size_have_quantiles_and_bins():
    x = np.array([[1.7e308], [-1.7e308], [0.0], [1e-300]])
    y = fitted({"type": "quantile", "n_quantiles": 3}, x).apply(x)
    np.testing.assert_allclose(y, [[1], [0], [0.5], [0.5]])
    for strategy in ("uniform", "quantile", "kmeans"):
        assert fitted({"type": "bins", "n_bins": 2, "strategy": strategy}, x).apply(x).sum() == 4


@pytest.mark.parametrize("n_bins", [2, 5])
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("name", ["random", "skewed"])
def test_bins_are_those_of_scikit_learn(name, strategy, n_bins):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = SAMPLES[name]
    fields = {"quantile_method": "linear"} if strategy == "quantile" else {}
    reference = preprocessing.KBinsDiscretizer(n_bins, encode="onehot-dense", strategy=strategy, **fields)
    expected = reference.fit_transform(x)
    np.testing.assert_array_equal(
        fitted({"type": "bins", "strategy": strategy, "n_bins": n_bins}, x).apply(x), expected
    )


def test_k_means_bins_are_those_of_scikit_learn():
    cluster = pytest.importorskip("sklearn.cluster")
    x = np.concatenate([rng.normal(center, 1, size=(40, 1)) for center in (0, 9, 30)])
    middles = x.min() + (np.arange(3) + 0.5) / 3 * np.ptp(x)
    found = cluster.KMeans(3, init=middles[:, None], n_init=1, tol=0).fit(x).cluster_centers_
    edges = fitted({"type": "bins", "strategy": "kmeans", "n_bins": 3}, x).edges
    np.testing.assert_allclose(edges, (found[1:] + found[:-1]) / 2, rtol=1e-12)


def test_each_number_is_in_one_bin_and_names_say_which():
    x = np.array([[0.0, 5.0], [1.0, 5.0], [4.0, 5.0]])
    for strategy in ("uniform", "quantile", "kmeans"):
        transform = fitted({"type": "bins", "strategy": strategy, "n_bins": 4}, x)
        y = transform.apply(np.array([[-99.0, 4.0], [2.0, 5.0], [99.0, 6.0]]))
        assert y.reshape(3, 2, 4).sum(axis=2).tolist() == [[1, 1]] * 3
        assert y[0].tolist() == [1, 0, 0, 0, 1, 0, 0, 0] and y[2, 3] == 1
    assert transform.output_names(("age", "mass"))[:5] == ("age_bin0", "age_bin1", "age_bin2", "age_bin3", "mass_bin0")


@pytest.mark.parametrize("spec", [{"type": "bins", "n_bins": 1}, {"type": "quantile", "n_quantiles": 1}])
def test_fewer_than_two_are_refused(spec):
    with pytest.raises(specnet.SpecnetError):
        specnet.build("transforms", spec)
