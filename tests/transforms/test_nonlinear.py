import numpy as np
import pytest
from helpers import fitted

import specnet
from specnet.errors import DataError

rng = np.random.default_rng(21)


SAMPLES = {
    "normal": rng.normal(size=(200, 3)),
    "lognormal": rng.lognormal(3, 1, size=(200, 2)),
    "negative": -rng.lognormal(size=(200, 2)),
    "tied": rng.integers(0, 4, (60, 2)),
    "small": 1e-3 * rng.normal(size=(200, 2)),
    "constant": np.full((9, 2), 3.0),
    "two rows": np.array([[1.0], [2.0]]),
}


def test_log_is_the_natural_logarithm_of_the_shifted_number():
    x = np.array([[0, 1, 9]], np.uint8)
    transform = fitted({"type": "log", "offset": 1}, x)
    np.testing.assert_allclose(transform.apply(x), np.log([[1.0, 2.0, 10.0]]), rtol=1e-15)
    np.testing.assert_allclose(transform.invert(transform.apply(x)), x, atol=1e-14)
    assert transform.invert(np.array([[1e4]])) == np.inf


def test_numbers_without_a_logarithm_are_refused_by_feature_and_row():
    x = np.array([[2.0, 1.0], [3.0, 1.0], [1.0, -0.5]])
    with pytest.raises(
        DataError, match=r"feature 1 has a number without a logarithm, x \+ offset <= 0, in row 2"
    ) as raised:
        specnet.build("transforms", {"type": "log", "offset": 0.5}).apply(x)
    assert raised.value.row == 2


def test_a_column_without_a_logarithm_is_named_with_the_line_of_the_file(tmp_path):
    (tmp_path / "table.csv").write_text("age,mass,t\n1,5,0\n2,6,1\n3,0,0\n4,1,1\n")
    spec = {
        "dataset": {"type": "csv", "path": str(tmp_path / "table.csv"), "inputs": ["age", "mass"], "targets": ["t"]},
        "transforms": {"inputs": [{"type": "scale", "factor": 2}, "log"]},
        "layers": ["linear"],
        "loss": "mse",
    }
    with pytest.raises(DataError, match=r'column "mass" has a number without a logarithm, .* in line 4') as raised:
        specnet.run(spec, out=tmp_path / "made")
    assert raised.value.pointer == ("transforms", "inputs", 1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SAMPLES)
def test_power_is_that_of_scikit_learn(name, dtype):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = SAMPLES[name].astype(dtype)
    reference = preprocessing.PowerTransformer().fit(x.astype(np.float64))
    np.testing.assert_allclose(fitted("power", x).apply(x), reference.transform(x.astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize("name", SAMPLES)
def test_power_is_standardized_and_can_be_undone(name):
    x = SAMPLES[name]
    transform = fitted("power", x)
    y = transform.apply(x)
    np.testing.assert_allclose(np.mean(y, axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.std(y, axis=0), 0 if name == "constant" else 1, atol=1e-9)
    np.testing.assert_allclose(transform.invert(y), x, rtol=1e-9, atol=1e-9)
    assert np.isfinite(transform.invert(np.full(x.shape, 3.0))).all()


@pytest.mark.parametrize("power", [-3.0, -1.0, 0.0, 0.5, 1.0, 2.0, 4.0])
def test_power_follows_the_formula_of_yeo_and_johnson(power):
    x = np.array([[-2.5], [-0.1], [0.0], [0.3], [7.0]])
    transform = fitted("power", x)
    transform.exponent, transform.shift, transform.scale = np.array([power]), np.zeros(1), np.ones(1)

    def formula(x):
        p = power if x >= 0 else 2 - power
        y = np.log1p(abs(x)) if p == 0 else ((1 + abs(x)) ** p - 1) / p
        return y if x >= 0 else -y

    y = transform.apply(x)
    np.testing.assert_allclose(y, [[formula(value)] for value in x[:, 0]], rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(transform.invert(y), x, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("x", [[[1e300], [2e300], [5e307]], [[1e-200], [2e-200]], [[1990], [2024], [2001]], [[7]]])
def test_power_takes_numbers_of_any_size(x):
    assert np.isfinite(fitted("power", np.array(x)).apply(np.array(x))).all()
