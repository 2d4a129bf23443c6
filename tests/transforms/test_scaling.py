import math

import numpy as np
import pytest
from helpers import fitted

import specnet

rng = np.random.default_rng(14)


@pytest.mark.parametrize("shape", [(9, 1), (50, 3), (9, 3, 5, 2)])
def test_standardize_gives_mean_0_and_standard_deviation_1_for_each_feature(shape):
    x = rng.normal(50, 7, shape)
    y = fitted("standardize", x).apply(x).reshape(len(x), -1)
    for before, after in zip(x.reshape(len(x), -1).T.tolist(), y.T.tolist(), strict=True):
        mean = math.fsum(before) / len(before)
        std = math.sqrt(math.fsum((value - mean) ** 2 for value in before) / len(before))
        assert after == pytest.approx([(value - mean) / std for value in before], rel=1e-9, abs=1e-9)


def test_standardize_measures_float32_in_float64():
    x = np.full((100_000, 1), 0.1, np.float32) + np.arange(2, dtype=np.float32).repeat(50_000)[:, None]
    assert fitted("standardize", x).scale.dtype == np.float64
    assert np.mean(fitted("standardize", x).apply(x)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 2.5)])
def test_minmax_maps_the_range_of_each_feature_onto_the_one_asked_for(low, high):
    x = rng.normal(50, 7, (20, 3))
    y = fitted({"type": "minmax", "low": low, "high": high}, x).apply(x)
    least, most = [min(column) for column in x.T.tolist()], [max(column) for column in x.T.tolist()]
    expected = [
        [low + (high - low) * (v - a) / (b - a) for v, a, b in zip(row, least, most, strict=True)] for row in x.tolist()
    ]
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("spec", [{"type": "standardize"}, {"type": "minmax", "low": -1}])
def test_per_feature_false_keeps_the_proportions_between_features(spec):
    x = rng.normal(size=(20, 3)) * [1, 10, 100]
    transform = fitted({**spec, "per_feature": False}, x)
    y = transform.apply(x)
    np.testing.assert_allclose(np.diff(y[0]) / np.diff(x[0]), np.full(2, 1 / transform.scale), rtol=1e-9)
    if spec["type"] == "standardize":
        assert (np.mean(y), np.std(y)) == pytest.approx((0, 1), abs=1e-12)
    else:
        assert (np.min(y), np.max(y)) == pytest.approx((-1, 1), abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1 / 3, 1e6 + 0.1])
@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize(("spec", "low"), [("standardize", 0), ({"type": "minmax", "low": -2.0}, -2)])
def test_a_constant_feature_is_shifted_not_scaled(spec, low, value, rows):
    x = np.stack([np.full(rows, value), np.arange(rows)], axis=1)
    transform = fitted(spec, x)
    assert transform.scale[0] == 1
    np.testing.assert_allclose(transform.apply(x)[:, 0], low, atol=1e-6)
    np.testing.assert_allclose(transform.apply(x + 0.5)[:, 0], low + 0.5, atol=1e-6)
    np.testing.assert_allclose(transform.invert(transform.apply(x)), x, rtol=1e-12)


@pytest.mark.parametrize("spec", ["standardize", "minmax"])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [([0.3, 0.1 * 3], "float64"), ([0.1, np.nextafter(np.float32(0.1), 1)], "float32"), ([1e300, 1e300], "float64")],
)
def test_numbers_that_differ_by_rounding_alone_are_constant(spec, values, dtype):
    x = np.array(values, dtype)[:, None]
    transform = fitted(spec, x)
    assert transform.scale == 1
    assert abs(transform.apply(x + 0.01)).max() <= 0.011


@pytest.mark.parametrize("size", [1e-150, 1e-300, 1e150, 1e300])
@pytest.mark.parametrize("spec", ["standardize", "minmax"])
def test_features_whose_squares_overflow_or_vanish_are_scaled_like_others(spec, size):
    x = np.array([[0.5], [1.0], [-0.5], [0.1]])
    np.testing.assert_allclose(fitted(spec, x * size).apply(x * size), fitted(spec, x).apply(x), rtol=1e-12)


def test_a_feature_too_large_to_be_scaled_is_refused_by_its_column(tmp_path):
    (tmp_path / "table.csv").write_text("small,large,t\n1,1e308,0\n2,1.2e308,1\n3,1.4e308,0\n")
    spec = {
        "dataset": {"type": "csv", "path": str(tmp_path / "table.csv"), "inputs": ["small", "large"], "targets": ["t"]},
        "transforms": {"inputs": [{"type": "scale", "factor": 1}, "standardize"]},
        "layers": ["linear"],
        "loss": "mse",
    }
    with pytest.raises(specnet.SpecnetError, match='column "large" has numbers too large') as caught:
        specnet.run(spec, out=tmp_path / "made")
    assert caught.value.pointer == ("transforms", "inputs", 1)
    assert not (tmp_path / "made").exists()
    images = np.full((3, 2, 2), 1e308)
    with pytest.raises(specnet.SpecnetError, match="feature 0, 0 has numbers too large"):
        fitted("standardize", images)


def test_scale_multiplies_by_its_factor():
    x = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_allclose(fitted({"type": "scale", "factor": 1 / 255}, x).apply(x), [[0, 0.2, 1]], rtol=1e-15)


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "scale", "factor": 0},
        {"type": "scale"},
        {"type": "minmax", "low": 1},
        {"type": "minmax", "low": 2, "high": 1},
        {"type": "robust", "quantile_range": [75, 25]},
        {"type": "robust", "quantile_range": [-1, 25]},
        {"type": "robust", "quantile_range": [25]},
        {"type": "clip"},
        {"type": "clip", "low": None, "high": None},
        {"type": "clip", "low": 2, "high": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(spec):
    with pytest.raises(specnet.SpecnetError):
        specnet.build("transforms", spec)


def test_robust_is_that_of_scikit_learn():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    for quantile_range in ([25.0, 75.0], [10.0, 60.0]):
        for x in (rng.lognormal(size=(50, 3)), rng.integers(0, 4, (31, 2)), np.full((5, 1), 3.0), np.array([[2.0]])):
            expected = preprocessing.RobustScaler(quantile_range=tuple(quantile_range)).fit_transform(x)
            found = fitted({"type": "robust", "quantile_range": quantile_range}, x).apply(x)
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_robust_does_not_change_with_an_extreme_value():
    x = rng.normal(size=(101, 1))
    extreme = np.where(x == x.max(), 1e6, x)
    assert fitted("robust", extreme).scale == fitted("robust", x).scale
    with pytest.raises(specnet.SpecnetError, match="numbers too large"):
        fitted("robust", np.array([[-1.7e308], [1.7e308]]))


def test_clip_moves_numbers_to_the_limits():
    x = np.array([[-3, 0, 2, 9]])
    assert fitted({"type": "clip", "low": 0, "high": 5}, x).apply(x).tolist() == [[0, 0, 2, 5]]
    assert fitted({"type": "clip", "low": -1, "high": None}, x).apply(x).tolist() == [[-1, 0, 2, 9]]
    assert fitted({"type": "clip", "low": None, "high": 1}, x).apply(x).tolist() == [[-3, 0, 1, 1]]
