import numpy as np
import pytest

import specnet
from specnet.errors import SpecnetError

RNG = np.random.default_rng(5)
X = RNG.normal(3.0, 2.0, size=(4, 3, 6))
GAMMA, BETA = RNG.normal(size=6), RNG.normal(size=6)


def made(**spec):
    network = specnet.build_network([spec], (3, 6), "float64")
    network.params["layers.0.gamma"][...], network.params["layers.0.beta"][...] = GAMMA, BETA
    return network


def normalized(values, epsilon=1e-5):
    """Return numbers with mean 0 and variance 1, one by one."""
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    return [(value - mean) / (variance + epsilon) ** 0.5 for value in values]


def test_batch_norm_normalizes_each_feature_over_batch_and_positions():
    expected = np.stack([np.reshape(normalized([*X[..., k].flat]), (4, 3)) for k in range(6)], axis=-1)
    np.testing.assert_allclose(made(type="batch_norm").forward(X, training=True), GAMMA * expected + BETA)


def test_layer_norm_normalizes_the_features_of_each_position():
    expected = np.array([[normalized([*row]) for row in sample] for sample in X])
    np.testing.assert_allclose(made(type="layer_norm").forward(X, training=True), GAMMA * expected + BETA)


def test_rms_norm_divides_the_features_of_each_position_by_their_root_mean_square():
    rms = np.array([[(sum(v * v for v in row) / 6 + 1e-6) ** 0.5 for row in sample] for sample in X])
    y = made(type="rms_norm", center=True).forward(X, training=True)
    np.testing.assert_allclose(y, GAMMA * X / rms[..., np.newaxis] + BETA)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_normalizes_groups_of_features_over_all_positions(groups):
    size = 6 // groups
    parts = [[normalized([*sample[:, k : k + size].flat]) for k in range(0, 6, size)] for sample in X]
    expected = np.concatenate([np.reshape(part, (groups, 3, size)).swapaxes(0, 1).reshape(1, 3, 6) for part in parts])
    np.testing.assert_allclose(
        made(type="group_norm", groups=groups).forward(X, training=True), GAMMA * expected + BETA
    )


def test_without_training_batch_norm_uses_moving_averages():
    network = made(type="batch_norm", momentum=0.8)
    mean, variance = np.zeros(6), np.ones(6)
    for shift in range(3):
        network.forward(X + shift, training=True)
        mean = 0.8 * mean + 0.2 * (X + shift).mean(axis=(0, 1))
        variance = 0.8 * variance + 0.2 * X.var(axis=(0, 1))
    before = network.state.flat.copy()
    y = network.forward(X, training=False)
    np.testing.assert_allclose(y, GAMMA * (X - mean) / np.sqrt(variance + 1e-5) + BETA)
    np.testing.assert_array_equal(network.state.flat, before)


def test_masked_positions_do_not_count_in_batch_norm():
    mask = np.array([[True, True, False]] * 4)
    network, shorter = made(type="batch_norm"), specnet.build_network([{"type": "batch_norm"}], (2, 6), "float64")
    shorter.params.flat[...] = network.params.flat
    y = network.propagate(X, training=True, mask=mask)
    np.testing.assert_allclose(y[:, :2], shorter.forward(X[:, :2].copy(), training=True))
    np.testing.assert_allclose(network.state.flat, shorter.state.flat)


def test_a_constant_feature_is_normalized_to_zero():
    for spec in ("batch_norm", "layer_norm", {"type": "group_norm", "groups": 1}):
        network = specnet.build_network([spec], (6,), "float64")
        assert not network.forward(np.full((3, 6), 1e8), training=True).any()
        assert np.isfinite(network.backward(np.ones((3, 6)))).all()


def test_groups_that_do_not_divide_the_features_are_refused():
    with pytest.raises(
        SpecnetError, match=r"layers\.0 has 4 groups, which do not divide 6 features; its input has shape \(3, 6\)"
    ):
        made(type="group_norm", groups=4)
