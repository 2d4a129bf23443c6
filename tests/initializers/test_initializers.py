"""Every initializer: shape, spread, limits, seed."""

import json
import math

import numpy as np
import pytest
from helpers import built_in, in_one_test

import specnet

FAN_IN, FAN_OUT = 30, 90
GLOROT, HE, LECUN = 2 / (FAN_IN + FAN_OUT), 2 / FAN_IN, 1 / FAN_IN
CUT = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))  # variance between -2 and 2
SCALING = {"type": "variance_scaling", "scale": 3.0}

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
    ({"type": "lecun_normal"}, 0, LECUN, None),
    ({"type": "lecun_uniform"}, 0, LECUN, (-math.sqrt(3 * LECUN), math.sqrt(3 * LECUN))),
    ({"type": "torch_default"}, 0, LECUN / 3, (-math.sqrt(LECUN), math.sqrt(LECUN))),
    ({"type": "truncated_normal"}, 0, CUT, (-2, 2)),
    ({"type": "truncated_normal", "mean": 3, "std": 0.1}, 3, 0.01 * CUT, (2.8, 3.2)),
    ({"type": "variance_scaling"}, 0, LECUN, (-2 * math.sqrt(LECUN / CUT), 2 * math.sqrt(LECUN / CUT))),
    ({**SCALING, "distribution": "normal", "mode": "fan_out"}, 0, 3 / FAN_OUT, None),
    ({**SCALING, "distribution": "uniform", "mode": "fan_avg"}, 0, 3 * GLOROT, (-3 * GLOROT**0.5, 3 * GLOROT**0.5)),
    ({"type": "orthogonal"}, 0, 1 / 500, None),
    ({"type": "orthogonal", "gain": 2.0}, 0, 4 / 500, None),
    ({"type": "identity"}, 1 / 500, (1 - 1 / 500) / 500, (0, 1)),
    ({"type": "sparse", "sparsity": 0.75}, 0, 1e-4 / 4, None),
    ({"type": "sparse", "sparsity": 0, "std": 1}, 0, 1, None),
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


@in_one_test
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (3, 1, 2, 4)])
@every_initializer
def test_the_shape_is_the_one_asked_for_and_a_seed_gives_the_same_numbers(spec, mean, variance, limits, shape):
    if spec["type"] == "identity" and len(shape) < 2:
        return
    values = sample(spec, shape)
    assert np.shape(values) == shape
    np.testing.assert_array_equal(values, sample(spec, shape))
    if variance and spec["type"] not in ("identity", "sparse") and math.prod(shape) > 1:
        assert not np.array_equal(values, sample(spec, shape, seed=2))


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (4, 4), (2, 3, 5, 7), (5,), ()])
def test_orthogonal_columns_or_rows_are_orthonormal_times_the_gain(shape):
    w = sample({"type": "orthogonal", "gain": 2.0}, shape).reshape(math.prod(shape[:-1]), -1)
    products = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(products, 4 * np.eye(len(products)), atol=1e-14)


def test_identity_is_the_unit_matrix_or_a_kernel_that_changes_nothing():
    np.testing.assert_array_equal(sample({"type": "identity"}, (2, 3)), [[1, 0, 0], [0, 1, 0]])
    kernel = sample({"type": "identity"}, (3, 5, 2, 2))
    np.testing.assert_array_equal(kernel[1, 2], np.eye(2))
    assert kernel.sum() == 2


@pytest.mark.parametrize("shape", [(), (3,)])
def test_identity_refuses_vectors_at_their_layer(shape):
    with pytest.raises(specnet.SpecnetError, match="two or more axes"):
        sample({"type": "identity"}, shape)
    with pytest.raises(specnet.SpecnetError) as caught:
        specnet.build_network(["tanh", {"type": "linear", "units": 3, "bias_init": "identity"}], (2,), seed=0)
    assert caught.value.pointer == ("layers", 1)


@pytest.mark.parametrize(("sparsity", "zeros"), [(0, 0), (0.5, 5), (0.75, 8), (0.9, 9), (0.95, 10)])
def test_each_column_of_sparse_has_its_share_of_zeros(sparsity, zeros):
    for shape in ((10, 6), (2, 5, 6)):
        w = sample({"type": "sparse", "sparsity": sparsity}, shape).reshape(10, 6)
        assert (w == 0).sum(axis=0).tolist() == [zeros] * 6
    if 0 < zeros < 10:
        assert len({tuple(column) for column in (w == 0).T}) > 1


def test_a_linear_layer_begins_as_in_pytorch():
    fields = {"weight_init": "torch_default", "bias_init": "torch_default"}
    network = specnet.build_network([{"type": "linear", "units": 10_000, **fields}], (4,), "float64", seed=0)
    for values in network.params.values():
        assert 0.499 < np.abs(values).max() <= 0.5


@every_initializer
def test_json_round_trip_gives_the_same_initializer(spec, mean, variance, limits):
    written = json.loads(json.dumps(specnet.build("initializers", spec).to_spec()))
    assert spec.items() <= written.items()
    np.testing.assert_array_equal(sample(written, (3, 2)), sample(spec, (3, 2)))


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "normal", "std": -1},
        {"type": "uniform", "low": 1, "high": 1},
        {"type": "uniform", "low": 2},
        {"type": "constant"},
        {"type": "truncated_normal", "std": -1},
        {"type": "variance_scaling", "scale": 0},
        {"type": "variance_scaling", "mode": "fan"},
        {"type": "sparse", "sparsity": 1},
        {"type": "sparse"},
    ],
)
def test_what_is_out_of_bounds_is_refused(spec):
    with pytest.raises(specnet.SpecnetError):
        specnet.build("initializers", spec)
