"""Classes of points in the plane."""

import numpy as np
import pytest

from specnet import SpecnetError, build


def load(seed=0, **fields):
    return build("datasets", fields).load(np.random.default_rng(seed))


def points(**fields):
    data = load(**fields)
    return [data.train.inputs[data.train.targets == number] for number in range(len(data.classes))]


def test_moons_are_half_circles_that_reach_into_each_other():
    upper, lower = points(type="moons", n_samples=50, noise=0)
    for moon, center, side in ((upper, (0, 0), 1), (lower, (1, 0.5), -1)):
        x, y = (moon - center).T
        np.testing.assert_allclose(np.hypot(x, y), 1)
        assert (side * y > -1e-12).all()
        np.testing.assert_allclose(np.diff(np.arctan2(side * y, side * x)), np.pi / 24)


def test_circles_are_evenly_spaced_points_of_two_radii():
    for radius, circle in zip((1, 0.3), points(type="circles", n_samples=40, factor=0.3, noise=0), strict=True):
        np.testing.assert_allclose(circle @ [1, 1j], radius * np.exp(2j * np.pi * np.arange(20) / 20), atol=1e-12)


def test_arms_of_a_spiral_are_turned_copies_of_the_first():
    arms = points(type="spiral", n_samples=300, arms=3, turns=0.64, noise=0)
    for number, arm in enumerate(arms):
        turn = np.exp(-2j * np.pi * number / 3)  # angles are measured from y to x
        np.testing.assert_allclose(arm @ [1, 1j], arms[0] @ [1, 1j] * turn, atol=1e-12)
    first, last = np.arctan2(*arms[0][0]), np.arctan2(*arms[0][-1])
    assert (last - first) / (2 * np.pi) % 1 == pytest.approx(0.64)


def test_two_spirals_are_the_points_of_lang_and_witbrock():
    one, other = points(type="two_spirals")
    for i in range(97):
        angle, radius = i * np.pi / 16, 6.5 * (104 - i) / 104
        np.testing.assert_allclose(one[i], (radius * np.sin(angle), radius * np.cos(angle)), atol=1e-12)
    np.testing.assert_allclose(other, -one, atol=1e-12)


def test_four_points_of_xor_without_noise_are_its_truth_table():
    train = load(type="xor", n_samples=4, noise=0).train
    table = {(*map(int, x), int(y)) for x, y in zip(train.inputs, train.targets, strict=True)}
    assert table == {(a, b, a ^ b) for a in (0, 1) for b in (0, 1)}


def test_neighbouring_squares_of_a_checkerboard_differ():
    for squares in (3, 4):
        train = load(type="checkerboard", n_samples=1000, squares=squares).train
        assert len({*map(tuple, np.floor(train.inputs).astype(int))}) == squares**2
        np.testing.assert_array_equal(np.floor(train.inputs).sum(axis=1) % 2, train.targets)


def test_blobs_are_normal_clusters():
    for cluster in points(type="blobs", n_samples=30_000, centers=3, cluster_std=0.5):
        np.testing.assert_allclose(cluster.std(axis=0), 0.5, atol=0.02)
        assert abs(np.corrcoef(cluster.T)[0, 1]) < 0.03
        assert (np.abs(cluster.mean(axis=0)) < 10.1).all()


def test_noise_is_normal_and_the_classes_stay_equal():
    exact, noisy = (load(type="moons", n_samples=20_001, noise=noise).train for noise in (0, 0.2))
    assert np.bincount(noisy.targets).tolist() == [10_001, 10_000]
    np.testing.assert_allclose((noisy.inputs - exact.inputs).std(axis=0), 0.2, atol=0.01)


def test_a_class_without_points_is_refused():
    for fields in ({"type": "spiral", "arms": 3}, {"type": "blobs", "centers": 3}):
        with pytest.raises(SpecnetError, match="3 classes need at least two each"):
            build("datasets", {**fields, "n_samples": 5})
