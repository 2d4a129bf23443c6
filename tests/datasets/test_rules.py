"""Datasets that follow a rule."""

import numpy as np
import pytest

from specnet import SpecnetError, build


def load(seed=0, **fields):
    return build("datasets", fields).load(np.random.default_rng(seed))


def test_parity_is_that_of_the_ones():
    for fields, rows in (({"length": 5}, 32), ({"length": 40, "n_samples": 50}, 50)):
        train = load(type="parity", **fields).train
        assert len({*map(tuple, train.inputs)}) == rows
        assert train.targets.tolist() == [sum(map(int, row)) % 2 for row in train.inputs]
    with pytest.raises(SpecnetError, match="2\\^17 rows of 17 bits: set n_samples"):
        build("datasets", {"type": "parity", "length": 17})


def test_modular_arithmetic_has_all_pairs():
    for operation, function in {
        "add": lambda a, b: (a + b) % 7,
        "subtract": lambda a, b: (a - b) % 7,
        "multiply": lambda a, b: (a * b) % 7,
    }.items():
        train = load(type="modular_arithmetic", modulus=7, operation=operation).train
        assert train.inputs.tolist() == [[a, b] for a in range(7) for b in range(7)]
        assert train.targets.tolist() == [function(a, b) for a in range(7) for b in range(7)]


def series(end, tau, parts):
    """Return x(0), x(1), … of the equation of Mackey and Glass by Euler's method with many small steps."""
    x = np.zeros((end + tau) * parts + 1)
    x[tau * parts] = 1.2
    for step in range(tau * parts, len(x) - 1):
        late = x[step - tau * parts]
        x[step + 1] = x[step] + (0.2 * late / (1 + late**10) - 0.1 * x[step]) / parts
    return x[tau * parts :: parts]


def test_mackey_glass_solves_its_equation():
    train = load(type="mackey_glass", n_samples=20).train
    np.testing.assert_allclose(train.inputs[6:, :-1], train.inputs[:-6, 1:])
    np.testing.assert_array_equal(train.inputs[6:, -1], train.targets[:-6])
    exact = series(145, 17, 1000)
    np.testing.assert_allclose(train.inputs[:, 0, 0], exact[100:120], atol=0.01)
    np.testing.assert_allclose(train.targets[:, 0], exact[124:144], atol=0.01)


def test_mackey_glass_noise_is_normal_and_leaves_the_targets():
    exact, noisy = (load(type="mackey_glass", noise=noise).train for noise in (0, 0.1))
    assert (noisy.inputs - exact.inputs).std() == pytest.approx(0.1, abs=0.005)
    np.testing.assert_array_equal(noisy.targets, exact.targets)
