import numpy as np
import pytest

import specnet


def noisy(std, x, seed=3):
    transform = specnet.build("transforms", {"type": "gaussian_noise", "std": std})
    return transform.apply(x, np.random.default_rng(seed))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("std", [0.1, 3.0])
def test_noise_has_mean_0_and_the_standard_deviation_asked_for(std, dtype):
    x = np.random.default_rng(0).uniform(-5, 5, (400, 50, 2)).astype(dtype)
    noise = noisy(std, x).astype(np.float64) - x
    assert np.mean(noise) == pytest.approx(0, abs=4 * std / 200)
    assert np.std(noise) == pytest.approx(std, rel=0.02)
    assert abs(np.mean(noise[:, 0] * noise[:, 1])) < 0.02 * std**2 * 10  # drawn anew for each number


def test_a_noise_of_0_changes_nothing():
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_array_equal(noisy(0, x), x)


def test_each_batch_gets_other_noise():
    x, rng = np.zeros((5, 2)), np.random.default_rng(0)
    transform = specnet.build("transforms", {"type": "gaussian_noise", "std": 1})
    assert not np.array_equal(transform.apply(x, rng), transform.apply(x, rng))


@pytest.mark.parametrize("fields", [{}, {"std": -1}, {"stddev": 1}, {"std": "a"}])
def test_what_is_no_standard_deviation_is_refused(fields):
    with pytest.raises(specnet.SpecnetError):
        specnet.build("transforms", {"type": "gaussian_noise", **fields})
