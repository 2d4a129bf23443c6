"""Every initializer: shape, spread, limits, seed."""

import json
import math

import numpy as np
import pytest
from helpers import built_in

import specnet

FAN_IN, FAN_OUT = 30, 90
GLOROT, HE = 2 / (FAN_IN + FAN_OUT), 2 / FAN_IN

# The mean and variance of each, and the limits of those that have some.
CASES = [
    ({"type": "zeros"}, 0, 0, (0, 0)),
    ({"type": "ones"}, 1, 0, (1, 1)),
    ({"type": "constant", "value": -2.5}, -2.5, 0, (-2.5, -2.5)),
    ({"type": "normal"}, 0, 1, None),
    ({"type": "normal", "mean": 3, "std": 0.1}, 3, 0.01, None),
    ({"type": "normal", "std": 0}, 0, 0, (0, 0)),
    ({"type": "uniform"}, 0, 0.1**2 / 12, (-0.05, 0.05)),
    ({"type": "uniform", "low": -1, "high": 3}, 1, 16 / 12, (-1, 3)),
    ({"type": "glorot_normal"}, 0, GLOROT, None),
    ({"type": "glorot_uniform"}, 0, GLOROT, (-math.sqrt(3 * GLOROT), math.sqrt(3 * GLOROT))),
    ({"type": "he_normal"}, 0, HE, None),
    ({"type": "he_uniform"}, 0, HE, (-math.sqrt(3 * HE), math.sqrt(3 * HE))),
]
every_initializer = pytest.mark.parametrize(("spec", "mean", "variance", "limits"), CASES)


def sample(spec, shape, seed=1):
    rng = np.random.default_rng(seed)
    return specnet.build("initializers", spec).sample(rng, shape, FAN_IN, FAN_OUT)


def test_every_built_in_initializer_is_in_the_table():
    assert sorted({spec["type"] for spec, *_ in CASES}) == built_in("initializers")


@every_initializer
def test_mean_variance_and_limits(spec, mean, variance, limits):
    values = sample(spec, (500, 400))
    # 200,000 draws: five standard errors of the mean, and of the variance of a normal distribution.
    assert np.mean(values) == pytest.approx(mean, abs=5 * math.sqrt(variance / values.size))
    assert np.var(values) == pytest.approx(variance, rel=5 * math.sqrt(2 / values.size))
    if limits:
        low, high = limits
        assert low <= values.min() <= values.max() <= high
        assert values.max() - values.min() >= 0.999 * (high - low)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (3, 1, 2, 4)])
@every_initializer
def test_the_shape_is_the_one_asked_for_and_a_seed_gives_the_same_numbers(spec, mean, variance, limits, shape):
    values = sample(spec, shape)
    assert np.shape(values) == shape
    np.testing.assert_array_equal(values, sample(spec, shape))
    if variance:
        assert not np.array_equal(values, sample(spec, shape, seed=2))


@every_initializer
def test_json_round_trip_gives_the_same_initializer(spec, mean, variance, limits):
    written = json.loads(json.dumps(specnet.build("initializers", spec).to_spec()))
    assert spec.items() <= written.items()
    np.testing.assert_array_equal(sample(written, (3,)), sample(spec, (3,)))


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "normal", "std": -1},
        {"type": "uniform", "low": 1, "high": 1},
        {"type": "uniform", "low": 2},
        {"type": "constant"},
    ],
)
def test_what_is_out_of_bounds_is_refused(spec):
    with pytest.raises(specnet.SpecnetError):
        specnet.build("initializers", spec)
