import numpy as np
import pytest

import specnet


def dropout(rate, dtype="float64"):
    return specnet.build_network([{"type": "dropout", "rate": rate}], (1000, 200), dtype, seed=7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_expected_value(rate, dtype):
    y = dropout(rate, dtype).forward(np.ones((1, 1000, 200), dtype), training=True)
    kept = np.float64(1 / (1 - rate)).astype(dtype)
    assert set(np.unique(y)) == {0, kept}
    # 200,000 draws: the standard error of a share is at most 0.0011, of the mean that over 1 - rate.
    assert np.mean(y == 0, dtype=np.float64) == pytest.approx(rate, abs=0.006)
    assert np.mean(y, dtype=np.float64) == pytest.approx(1.0, abs=0.006 / (1 - rate))


def test_dropout_passes_gradients_where_it_passed_inputs():
    network = dropout(0.4)
    y = network.forward(np.ones((1, 1000, 200)), training=True)
    np.testing.assert_array_equal(network.backward(np.full_like(y, 3.0)), 3.0 * y)


def test_dropout_draws_a_new_mask_at_each_step():
    network, x = dropout(0.5), np.ones((1, 1000, 200))
    assert not np.array_equal(network.forward(x, training=True).copy(), network.forward(x, training=True))


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True)])
def test_dropout_is_the_identity_without_training_or_rate(rate, training):
    network, x = dropout(rate), np.random.default_rng(0).normal(size=(1, 1000, 200))
    network.forward(x, training=True)
    np.testing.assert_array_equal(network.forward(x, training), x)
    np.testing.assert_array_equal(network.backward(x), x)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2])
def test_a_rate_that_is_no_share_is_refused(rate):
    with pytest.raises(specnet.SpecnetError, match="rate"):
        specnet.build("layers", {"type": "dropout", "rate": rate})


@pytest.mark.parametrize(("name", "together"), [("spatial_dropout", (1, 2)), ("drop_path", (1, 2, 3))])
def test_inputs_are_dropped_together(name, together):
    network = specnet.build_network([{"type": name, "rate": 0.3}], (4, 5, 6), "float64", seed=7)
    y = network.forward(np.ones((500, 4, 5, 6)), training=True)
    assert set(np.unique(y)) == {0, 1 / 0.7}
    assert np.array_equal(y, np.broadcast_to(y.max(axis=together, keepdims=True), y.shape))
    assert np.mean(y == 0) == pytest.approx(0.3, abs=0.07)
    np.testing.assert_array_equal(network.backward(np.full_like(y, 3.0)), 3.0 * y)
    np.testing.assert_array_equal(network.forward(np.ones((2, 4, 5, 6)), training=False), 1)


def test_gaussian_noise_has_its_deviation_in_training_alone():
    network = specnet.build_network([{"type": "gaussian_noise", "std": 0.2}], (1000,), "float32", seed=7)
    x = np.full((100, 1000), 2.0, np.float32)
    noise = network.forward(x, training=True) - x
    assert noise.dtype == np.float32
    assert (np.mean(noise), np.std(noise)) == pytest.approx((0, 0.2), abs=0.003)
    np.testing.assert_array_equal(network.forward(x, training=False), x)
