import math

import numpy as np
import pytest

import specnet

rng = np.random.default_rng(14)


def fitted(spec, x):
    transform = specnet.build("transforms", spec)
    transform.fit(x)
    return transform


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
    ],
)
def test_what_could_not_be_undone_is_refused(spec):
    with pytest.raises(specnet.SpecnetError):
        specnet.build("transforms", spec)
