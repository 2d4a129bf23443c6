import numpy as np
import pytest
from helpers import fitted

import specnet
from specnet.errors import DataError

rng = np.random.default_rng(21)


@pytest.mark.parametrize("interaction_only", [False, True])
@pytest.mark.parametrize("degree", [1, 2, 3, 5])
@pytest.mark.parametrize("columns", [1, 2, 4])
def test_polynomial_has_the_columns_of_scikit_learn(columns, degree, interaction_only):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = rng.normal(size=(9, columns))
    reference = preprocessing.PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=False)
    transform = fitted({"type": "polynomial", "degree": degree, "interaction_only": interaction_only}, x)
    np.testing.assert_allclose(transform.apply(x), reference.fit_transform(x), rtol=1e-13)
    assert transform.output_shape((columns,)) == (reference.n_output_features_,)


def test_products_are_called_by_their_factors():
    transform = specnet.build("transforms", "polynomial")
    assert transform.output_names(("age", "mass")) == ("age", "mass", "age^2", "age*mass", "mass^2")
    assert specnet.build("transforms", {"type": "polynomial", "degree": 3}).output_names(("a", "b"))[-3:] == (
        "a^2*b",
        "a*b^2",
        "b^3",
    )
    assert transform.output_names(()) == ()


def test_products_that_are_too_large_or_too_many_are_refused():
    transform = specnet.build("transforms", {"type": "polynomial", "degree": 3})
    with pytest.raises(DataError, match="feature 1 has a number too large for degree 3 in row 2"):
        transform.apply(np.array([[1, 2], [3, 4], [1e100, 1e120]]))
    with pytest.raises(specnet.SpecnetError, match="1000 columns have 167,668,500 products"):
        transform.output_shape((1000,))


def test_fourier_features_are_sines_and_cosines_of_the_same_frequencies_each_time():
    x, spec = rng.normal(size=(7, 3)), {"type": "fourier_features", "n_features": 4, "scale": 0.5, "seed": 3}
    transform = fitted(spec, x)
    angles = [[2 * np.pi * sum(row * column) for column in transform.frequencies.T] for row in x]
    np.testing.assert_allclose(transform.apply(x), np.hstack([np.sin(angles), np.cos(angles)]), atol=1e-12)
    np.testing.assert_array_equal(fitted(spec, x[:2]).frequencies, transform.frequencies)
    assert (fitted({**spec, "seed": 4}, x).frequencies != transform.frequencies).all()
    assert transform.output_names(("a", "b", "c"))[3:5] == ("sin3", "cos0")


def test_the_products_of_fourier_features_are_a_gaussian_kernel():
    x = rng.uniform(size=(20, 2))
    y = fitted({"type": "fourier_features", "n_features": 20_000, "scale": 0.3}, x).apply(x)
    distances = np.sum((x[:, None] - x) ** 2, axis=2)
    np.testing.assert_allclose(y @ y.T / 20_000, np.exp(-2 * (np.pi * 0.3) ** 2 * distances), atol=0.03)


def test_numbers_too_large_for_a_sine_are_refused():
    with pytest.raises(DataError, match="feature 0 has a number too large in row 1"):
        fitted("fourier_features", np.ones((2, 1))).apply(np.array([[1.0], [1e300]]))
