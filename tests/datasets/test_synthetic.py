import numpy as np
import pytest

from specnet import SpecnetError, build

NAMES = ["spiral", "waves", "shapes", "sines", "adding"]
IMPOSSIBLE = {
    "spiral": [{"n_samples": 2}, {"n_samples": 10.0}, {"n_samples": 10**7 + 2}, {"noise": -0.1}],
    "waves": [{"n_samples": 2}, {"n_samples": 5}, {"n_samples": 10.0}, {"n_samples": 10**7 + 2}, {"noise": -0.1}],
    "shapes": [{"n_samples": 0}, {"n_samples": 6}, {"n_samples": 50_004}, {"size": 14}, {"size": 33}, {"noise": -0.1}],
    "sines": [{"n_samples": 3}, {"n_samples": 100_001}, {"length": 1}, {"length": 501}, {"noise": -0.1}],
    "adding": [{"n_samples": 3}, {"n_samples": 10**6 + 1}, {"length": 1}, {"length": 1001}],
}


@pytest.mark.parametrize("n_samples", [4, 10, 400])
def test_spiral_without_noise_is_two_arms_of_three_half_turns(n_samples):
    data = build("datasets", {"type": "spiral", "n_samples": n_samples, "noise": 0}).load(np.random.default_rng(0))
    half = n_samples // 2
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
    data = build("datasets", {"type": "spiral", "n_samples": 20_000}).load(np.random.default_rng(1))
    half = 10_000
    x, y = data.train.inputs.T
    np.testing.assert_allclose(np.hypot(x, y), np.tile(np.linspace(0.2, 5.0, half), 2))
    exact = np.concatenate([np.linspace(0, 3 * np.pi, half) + arm * np.pi for arm in range(2)])
    turn = np.angle(np.exp(1j * (np.arctan2(x, y) - exact)))
    assert abs(turn.mean()) < 0.01
    assert turn.std() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("n_samples", [4, 600])
def test_waves_without_noise_are_the_two_formulas(n_samples):
    dataset = build("datasets", {"type": "waves", "n_samples": n_samples, "noise": 0})
    data = dataset.load(np.random.default_rng(0))
    half = n_samples // 2
    x, y = data.train.inputs[:, 0], data.train.targets[:, 0]
    np.testing.assert_allclose(x, [*np.linspace(-10, 10, half), *np.linspace(10, 20, half)])
    np.testing.assert_allclose(y[:half], np.sin(0.5 * np.pi * x[:half]))
    np.testing.assert_allclose(y[half:], -0.01 * x[half:] * x[half:] ** np.sin(np.pi * x[half:]))
    # At x = 10 the pieces differ; the function takes the first.
    known = np.arange(n_samples) != half
    np.testing.assert_allclose(dataset.function(data.train.inputs)[known], data.train.targets[known])


def test_waves_function_is_unknown_outside_the_data():
    outside = build("datasets", "waves").function(np.array([[-10.1], [20.1], [0.0]]))
    assert np.isnan(outside).tolist() == [[True], [True], [False]]


def test_waves_noise_is_normal_in_y():
    dataset = build("datasets", {"type": "waves", "n_samples": 20_000})
    data = dataset.load(np.random.default_rng(1))
    noise = np.delete(data.train.targets - dataset.function(data.train.inputs), 10_000)
    assert abs(noise.mean()) < 0.005
    assert noise.std() == pytest.approx(0.1, abs=0.005)


def in_triangle(x, y, corners):
    """Tell whether a point is on the same side of all three edges."""
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    return len({(x2 - x1) * (y - y1) > (y2 - y1) * (x - x1) for (x1, y1), (x2, y2) in edges}) == 1


def in_shape(name, x, y, a, b, r):
    """Tell whether a point is in a shape, by words other than those of the dataset."""
    wide, high = a - r <= x <= a + r, b - r <= y <= b + r
    return {
        "disc": np.hypot(x - a, y - b) <= r,
        "square": wide and high,
        "cross": (wide and b - r / 3 <= y <= b + r / 3) or (high and a - r / 3 <= x <= a + r / 3),
        "triangle": in_triangle(x, y, [(a, b - r), (a - r, b + r), (a + r, b + r)]),
    }[name]


def test_shapes_without_noise_are_the_points_inside():
    n, size = 40, 15
    data = build("datasets", {"type": "shapes", "n_samples": n, "size": size, "noise": 0}).load(
        np.random.default_rng(0)
    )
    rng = np.random.default_rng(0)
    r = rng.uniform(0.2 * size, 0.35 * size, n)
    a, b = rng.uniform(r, size - r), rng.uniform(r, size - r)
    for k, (image, target) in enumerate(zip(*data.train[:2], strict=True)):
        for row, column in np.ndindex(size, size):
            inside = in_shape(data.classes[target], column + 0.5, row + 0.5, a[k], b[k], r[k])
            assert image[row, column, 0] == inside


@pytest.mark.parametrize("size", [15, 32])
def test_shapes_are_whole_and_never_vanish(size):
    dataset = build("datasets", {"type": "shapes", "n_samples": 8000, "size": size, "noise": 0})
    images = dataset.load(np.random.default_rng(2)).train.inputs[..., 0]
    for axis in (1, 2):
        extent = images.any(axis=axis).sum(axis=1)
        assert extent.min() >= 0.4 * size - 2  # a corner of a triangle may miss the centres of two rows
        assert extent.max() <= 0.7 * size + 1


def test_no_image_is_one_of_two_shapes_even_at_the_smallest_size():
    dataset = build("datasets", {"type": "shapes", "n_samples": 50_000, "size": 15, "noise": 0})
    inputs, targets, *_ = dataset.load(np.random.default_rng(3)).train
    shapes = {(image.tobytes(), target) for image, target in zip(inputs > 0, targets, strict=True)}
    assert len({image for image, _ in shapes}) == len(shapes) > 4000


def test_shapes_noise_is_normal_and_clipped():
    images = build("datasets", "shapes").load(np.random.default_rng(1)).train.inputs
    assert (images.min(), images.max()) == (0, 1)
    ground = images[images < 0.5]
    # Half of a normal density is cut off at 0: the rest has the mean sigma / sqrt(2 pi).
    assert ground.mean() == pytest.approx(0.1 / np.sqrt(2 * np.pi), abs=0.001)
    assert np.mean(ground == 0) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("name", "classes"), [("spiral", 2), ("shapes", 4)])
def test_there_are_as_many_samples_of_each_class(name, classes):
    data = build("datasets", {"type": name, "n_samples": 400}).load(np.random.default_rng(0))
    assert np.bincount(data.train.targets).tolist() == [400 // classes] * classes
    assert len(data.classes) == classes


def test_sines_without_noise_go_on_to_their_target():
    data = build("datasets", {"type": "sines", "noise": 0}).load(np.random.default_rng(0))
    x = np.concatenate([data.train.inputs[..., 0], data.train.targets], axis=1)
    # sin(w (t + 1)) + sin(w (t - 1)) = 2 cos(w) sin(w t), whatever the phase.
    neighbours, middle = x[:, 2:] + x[:, :-2], x[:, 1:-1]
    cosine = np.sum(neighbours * middle, axis=1) / np.sum(2 * middle * middle, axis=1)
    np.testing.assert_allclose(neighbours, 2 * cosine[:, np.newaxis] * middle, atol=1e-12)
    f = np.arccos(cosine) / (2 * np.pi)
    np.testing.assert_allclose(np.quantile(f, [0, 0.5, 1]), [0.02, 0.06, 0.1], atol=0.003)
    # The two parts of a sine and cosine at a known frequency tell that amplitudes are 1 and phases are everywhere.
    phase = np.arctan2(x[:, 0], (x[:, 1] - x[:, 0] * cosine) / np.sin(2 * np.pi * f))
    np.testing.assert_allclose(
        x, np.sin(2 * np.pi * f[:, np.newaxis] * np.arange(33) + phase[:, np.newaxis]), atol=1e-9
    )
    np.testing.assert_allclose(np.quantile(phase, [0, 0.5, 1]), [-np.pi, 0, np.pi], atol=0.2)


def test_sines_noise_is_normal_and_leaves_the_targets():
    noisy, exact = (
        build("datasets", {"type": "sines", "noise": noise}).load(np.random.default_rng(1)).train for noise in (0.1, 0)
    )
    noise = noisy.inputs - exact.inputs
    assert abs(noise.mean()) < 0.002
    assert noise.std() == pytest.approx(0.1, abs=0.002)
    np.testing.assert_array_equal(noisy.targets, exact.targets)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_generator_gives_the_same_data(name):
    dataset = build("datasets", name)
    first, again, other = (dataset.load(np.random.default_rng(seed)) for seed in (3, 3, 4))
    for a, b in zip(first.train, again.train, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(first.train, other.train, strict=True))


@pytest.mark.parametrize(("name", "bad"), [(name, bad) for name in NAMES for bad in IMPOSSIBLE[name]])
def test_impossible_sizes_are_refused(name, bad):
    with pytest.raises(SpecnetError) as raised:
        build("datasets", {"type": name, **bad})
    assert raised.value.diagnostics[0].pointer == tuple(bad)


@pytest.mark.parametrize("name", NAMES)
def test_a_formula_has_no_file_form(name, tmp_path):
    with pytest.raises(SpecnetError, match=r"x\.csv"):
        build("datasets", name).read(tmp_path / "x.csv", targets=True, classes=())


def test_adding_marks_a_number_in_each_half_and_adds_both():
    for length in (2, 5, 30):
        data = build("datasets", {"type": "adding", "length": length}).load(np.random.default_rng(0)).train
        values, marks = data.inputs[..., 0], data.inputs[..., 1]
        half = length // 2
        assert {*np.unique(marks)} <= {0, 1}
        assert (marks[:, :half].sum(axis=1) == 1).all()
        assert (marks[:, half:].sum(axis=1) == 1).all()
        assert marks.any(axis=0).all()
        for sample in range(5):
            chosen = [v for v, m in zip(values[sample], marks[sample], strict=True) if m]
            assert data.targets[sample].tolist() == [pytest.approx(sum(chosen))]
        assert np.mean((data.targets - 1) ** 2) == pytest.approx(1 / 6, abs=0.02)
