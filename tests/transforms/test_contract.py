"""What every transform of specnet does besides what `specnet.testing` checks of it."""

import json
from itertools import product

import numpy as np
import pytest
from helpers import built_in, in_one_test
from runs.test_random_transforms import RANDOM_TRANSFORMS

import specnet
from specnet.datasets import base
from specnet.errors import DataError, ShapeError
from specnet.transforms.base import Transform
from specnet.transforms.pipeline import Pipeline

NUMBERS = ((7,), (7, 1), (5, 3), (4, 3, 5, 2))
TABLES = ((7, 1), (5, 3))
CATEGORIES = ((7,), (9, 1), (9, 3))

# Every built-in transform: configuration, kind of samples, their shapes with the batch in front.
CASES = {
    "standardize": [({}, "numbers", NUMBERS), ({"per_feature": False}, "numbers", NUMBERS)],
    "minmax": [({}, "numbers", NUMBERS), ({"low": -1, "high": 3, "per_feature": False}, "numbers", NUMBERS)],
    "scale": [({"factor": -0.3}, "numbers", NUMBERS)],
    "robust": [({"quantile_range": [0, 90]}, "numbers", NUMBERS)],
    "clip": [({"low": 20, "high": 100}, "numbers", NUMBERS)],
    "log": [({"offset": 1}, "numbers", NUMBERS)],
    "power": [({}, "numbers", NUMBERS)],
    "quantile": [({"output": "normal"}, "numbers", NUMBERS)],
    "bins": [({"strategy": name}, "numbers", TABLES) for name in ("uniform", "quantile", "kmeans")],
    "polynomial": [({"degree": 3}, "numbers", TABLES)],
    "fourier_features": [({"n_features": 4, "scale": 0.01}, "numbers", TABLES)],
    "pca": [({}, "numbers", TABLES), ({"n_components": 1, "whiten": True}, "numbers", TABLES)],
    "impute": [({"strategy": name}, "numbers", NUMBERS) for name in ("mean", "median", "most_frequent")]
    + [({"strategy": "constant", "fill_value": 2, "add_indicator": True}, "numbers", TABLES)],
    "one_hot": [({}, "categories", CATEGORIES), ({"drop": "first"}, "categories", CATEGORIES)],
    "ordinal": [({}, "categories", CATEGORIES)],
    "date_parts": [({"cyclic": True}, "numbers", TABLES)],
}
# What needs all samples at once.
WHOLE = {"robust", "power", "quantile", ("bins", "quantile"), ("bins", "kmeans")}
WHOLE |= {("impute", "median"), ("impute", "most_frequent")}
# Every random one.
RANDOM = ("gaussian_noise", *RANDOM_TRANSFORMS)
every_transform = pytest.mark.parametrize(
    ("spec", "kind", "shape"),
    [
        pytest.param({"type": name, **config}, kind, shape, id=f"{name}-{json.dumps(config)}-{shape}")
        for name, cases in CASES.items()
        for config, kind, shapes in cases
        for shape in shapes
    ],
)
DTYPES = ("float32", "float64", "uint8", "int64")
dtypes = pytest.mark.parametrize("dtype", DTYPES)


def samples(kind, shape, dtype):
    rng = np.random.default_rng(13)
    return (rng.integers(2, 6, shape) if kind == "categories" else rng.uniform(1, 200, shape)).astype(dtype)


def test_every_built_in_transform_is_in_the_table():
    assert sorted([*CASES, *RANDOM]) == built_in("transforms")


@in_one_test
@every_transform
def test_pieces_are_fitted_like_the_whole(spec, kind, shape):
    for dtype, size in product(DTYPES, [1, 2, 100]):
        x = samples(kind, shape, dtype)
        whole, parts = specnet.build("transforms", spec), specnet.build("transforms", spec)
        whole.fit(x)

        def pieces(x=x, size=size):
            return (x[start : start + size] for start in range(0, len(x), size))

        if WHOLE & {spec["type"], (spec["type"], spec.get("strategy"))}:
            with pytest.raises(DataError, match="fitted on all samples at once"):
                parts.fit_pieces(pieces)
            continue
        parts.fit_pieces(pieces)
        for name in parts.fitted:
            assert getattr(parts, name).dtype == getattr(whole, name).dtype
        np.testing.assert_allclose(parts.apply(x), whole.apply(x), rtol=1e-12, atol=1e-12)
        if size == 100:
            np.testing.assert_array_equal(parts.apply(x), whole.apply(x))


@in_one_test
@pytest.mark.parametrize(("shape", "other"), [((7,), (7, 1)), ((7, 1), (7, 2)), ((7, 3), (7, 1)), ((7, 3), (3,))])
@pytest.mark.parametrize(
    "name", ["standardize", "minmax", "robust", "power", "quantile", "impute", "one_hot", "ordinal"]
)
def test_what_knows_its_features_refuses_samples_of_another_shape(name, shape, other):
    transform = specnet.build("transforms", name)
    transform.fit(np.zeros(shape))
    with pytest.raises(ShapeError):
        transform.apply(np.zeros(other))


@pytest.mark.parametrize("shape", [(7,), (4, 3, 5)])
@pytest.mark.parametrize("name", ["bins", "polynomial", "fourier_features", "pca", "date_parts"])
def test_what_computes_new_columns_refuses_samples_that_are_not_rows(name, shape):
    with pytest.raises(ShapeError):
        specnet.build("transforms", name).output_shape(shape[1:])
    transform = specnet.build("transforms", name)
    with pytest.raises(ShapeError):
        transform.fit(np.ones(shape))
        transform.apply(np.ones(shape))


class Median(Transform):
    """A plugin that knows nothing of pieces."""

    def fit(self, x):
        self.median = np.median(x, axis=0)

    def apply(self, x):
        return x - self.median

    def invert(self, y):
        return y + self.median


def rows(array):
    """Return an array in memory as if it were not."""
    return base.Rows(array.shape, array.dtype, lambda start, stop: array[start:stop].copy())


def test_a_transform_that_needs_all_samples_at_once_says_so():
    pipeline = Pipeline([specnet.build("transforms", "standardize"), Median()], ("transforms", "inputs"))
    with pytest.raises(DataError, match="fitted on all samples at once") as raised:
        pipeline.fit_pieces(rows(np.ones((3, 2))))
    assert raised.value.pointer == ("transforms", "inputs", 1)


def test_each_transform_is_fitted_on_what_those_before_it_make_of_the_pieces(monkeypatch):
    x = np.random.default_rng(3).normal(20, 4, (50, 3))
    specs = ["standardize", {"type": "scale", "factor": -3}, {"type": "minmax", "low": -1}]
    whole, parts = (Pipeline([specnet.build("transforms", spec) for spec in specs], ()) for _ in range(2))
    monkeypatch.setattr(base, "PIECE_BYTES", 7 * 3 * 8)
    parts.fit_pieces(rows(x))
    np.testing.assert_allclose(parts.apply(x), whole.fit(x), rtol=1e-12, atol=1e-12)
