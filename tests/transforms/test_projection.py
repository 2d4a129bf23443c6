import numpy as np
import pytest
from helpers import fitted

import specnet
from specnet.errors import DataError

rng = np.random.default_rng(21)


SAMPLES = {
    "random": rng.normal(size=(40, 4)) @ rng.normal(size=(4, 4)),
    "shifted": 1e6 + rng.normal(size=(40, 3)) * [1, 100, 10],
    "wide": rng.normal(size=(5, 9)),
    "tied": rng.integers(0, 4, (60, 3)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_pca_is_that_of_scikit_learn(name, whiten, dtype):
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = SAMPLES[name].astype(dtype)
    count = min(x.shape[1], len(x) - 1)  # the others are rounding
    reference = decomposition.PCA(count, whiten=whiten, svd_solver="full").fit_transform(x.astype(np.float64))
    transform = fitted({"type": "pca", "n_components": count, "whiten": whiten}, x)
    np.testing.assert_allclose(transform.apply(x), reference, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_all_components_restore_the_samples(name, whiten):
    x = SAMPLES[name]
    transform = fitted({"type": "pca", "whiten": whiten}, x)
    np.testing.assert_allclose(transform.invert(transform.apply(x)), x, rtol=1e-12, atol=1e-12)


def test_components_that_do_not_vary_are_not_divided_by_rounding():
    x = np.stack([np.arange(9.0), 2 * np.arange(9.0), np.full(9, 5.0)], axis=1)
    y = fitted({"type": "pca", "whiten": True}, x).apply(x)
    np.testing.assert_allclose(np.std(y, axis=0, ddof=1), [1, 0, 0], atol=1e-9)
    assert fitted({"type": "pca", "whiten": True}, x[:1]).apply(x[:1]).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_sign_of_a_component_does_not_depend_on_rounding(sign):
    a, b = np.linspace(-1, 1, 50), sign * np.linspace(-1, 1, 50) ** 3
    for noise in (0, 1e-15, -1e-15):
        x = np.stack([a, b], axis=1) / np.std([a, b], axis=1) * [1 + noise, 1 - noise]
        np.testing.assert_allclose(
            fitted("pca", x).components, [[0.5**0.5, sign * 0.5**0.5], [0.5**0.5, -sign * 0.5**0.5]]
        )


def test_components_are_named_in_order():
    assert fitted("pca", SAMPLES["tied"]).output_names(("a", "b", "c")) == ("pc0", "pc1", "pc2")


def test_what_has_no_components_is_refused():
    with pytest.raises(specnet.SpecnetError, match="n_components is 4, but there are 3 columns"):
        fitted({"type": "pca", "n_components": 4}, SAMPLES["tied"])
    with pytest.raises(DataError, match="too large"):
        fitted("pca", np.array([[1.7e308], [-1.7e308]]))
