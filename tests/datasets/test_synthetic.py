import numpy as np
import pytest

from specnet import SpecnetError, build

NAMES = ["spiral", "waves"]


@pytest.mark.parametrize("n_points", [4, 10, 400])
def test_spiral_without_noise_is_two_arms_of_three_half_turns(n_points):
    data = build("datasets", {"type": "spiral", "n_points": n_points, "noise": 0}).load(np.random.default_rng(0))
    half = n_points // 2
    for arm in range(2):
        for k in range(half):
            r = 0.2 + 4.8 * k / (half - 1)
            t = 3 * np.pi * k / (half - 1) + arm * np.pi
            np.testing.assert_allclose(data.train.inputs[arm * half + k], (r * np.sin(t), r * np.cos(t)), atol=1e-12)
    assert data.train.targets.tolist() == [0] * half + [1] * half
    assert np.issubdtype(data.train.targets.dtype, np.integer)
    assert len(data.classes) == 2
    assert len(data.input_names) == 2


def test_spiral_noise_is_normal_in_the_angle_and_leaves_the_radius():
    data = build("datasets", {"type": "spiral", "n_points": 20_000}).load(np.random.default_rng(1))
    half = 10_000
    x, y = data.train.inputs.T
    np.testing.assert_allclose(np.hypot(x, y), np.tile(np.linspace(0.2, 5.0, half), 2))
    exact = np.concatenate([np.linspace(0, 3 * np.pi, half) + arm * np.pi for arm in range(2)])
    turn = np.angle(np.exp(1j * (np.arctan2(x, y) - exact)))
    assert abs(turn.mean()) < 0.01
    assert turn.std() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("n_points", [4, 600])
def test_waves_without_noise_are_the_two_formulas(n_points):
    dataset = build("datasets", {"type": "waves", "n_points": n_points, "noise": 0})
    data = dataset.load(np.random.default_rng(0))
    half = n_points // 2
    x, y = data.train.inputs[:, 0], data.train.targets[:, 0]
    np.testing.assert_allclose(x, [*np.linspace(-10, 10, half), *np.linspace(10, 20, half)])
    np.testing.assert_allclose(y[:half], np.sin(0.5 * np.pi * x[:half]))
    np.testing.assert_allclose(y[half:], -0.01 * x[half:] * x[half:] ** np.sin(np.pi * x[half:]))
    # At x = 10 the pieces differ; the function takes the first.
    known = np.arange(n_points) != half
    np.testing.assert_allclose(dataset.function(data.train.inputs)[known], data.train.targets[known])


def test_waves_function_is_unknown_outside_the_data():
    outside = build("datasets", "waves").function(np.array([[-10.1], [20.1], [0.0]]))
    assert np.isnan(outside).tolist() == [[True], [True], [False]]


def test_waves_noise_is_normal_in_y():
    dataset = build("datasets", {"type": "waves", "n_points": 20_000})
    data = dataset.load(np.random.default_rng(1))
    noise = np.delete(data.train.targets - dataset.function(data.train.inputs), 10_000)
    assert abs(noise.mean()) < 0.005
    assert noise.std() == pytest.approx(0.1, abs=0.005)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_generator_gives_the_same_data(name):
    dataset = build("datasets", name)
    first, again, other = (dataset.load(np.random.default_rng(seed)) for seed in (3, 3, 4))
    for a, b in zip(first.train, again.train, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(first.train, other.train, strict=True))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [{"n_points": 2}, {"n_points": 5}, {"n_points": 10.0}, {"noise": -0.1}])
def test_impossible_sizes_are_refused(name, bad):
    with pytest.raises(SpecnetError) as raised:
        build("datasets", {"type": name, **bad})
    assert raised.value.diagnostics[0].pointer == tuple(bad)


@pytest.mark.parametrize("name", NAMES)
def test_a_formula_has_no_file_form(name, tmp_path):
    with pytest.raises(SpecnetError, match=r"x\.csv"):
        build("datasets", name).read(tmp_path / "x.csv", targets=True, classes=())
