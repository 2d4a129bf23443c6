"""Random transforms of images and sequences, against definitions position by position."""

import numpy as np
import pytest

import specnet
from specnet import SpecnetError, load_spec
from specnet.transforms.augmentation import moved

IMAGES = np.random.default_rng(0).normal(size=(60, 5, 7, 2))


def applied(x, seed=0, **spec):
    return specnet.build("transforms", spec).apply(x, np.random.default_rng(seed))


@pytest.mark.parametrize(("mode", "axes"), [("horizontal", [2]), ("vertical", [1]), ("both", [1, 2])])
def test_half_of_the_samples_are_mirrored(mode, axes):
    y, found = applied(IMAGES, type="random_flip", mode=mode), []
    choices = [[axis for axis in axes if bits >> axis & 1] for bits in range(8)]
    for before, after in zip(IMAGES, y, strict=True):
        found.append(next(c for c in choices if np.array_equal(np.flip(before, [a - 1 for a in c]), after)))
    assert {*map(tuple, found)} == {*map(tuple, choices)}
    assert [20 <= sum(axis in each for each in found) <= 40 for axis in axes] == [True] * len(axes)
    sequence = applied(IMAGES[:, 0], type="random_flip")
    assert {np.array_equal(a, b[::-1]) for a, b in zip(IMAGES[:, 0], sequence, strict=True)} == {True, False}


@pytest.mark.parametrize("mirrored", [False, True])
def test_samples_are_moved_position_by_position(mirrored):
    x, shift = IMAGES[:7], np.arange(-3, 4)
    y = moved(x, shift, 2, mirrored)
    for sample in range(7):
        for place in range(7):
            source = place - shift[sample]
            outside = not 0 <= source < 7
            source = -source if source < 0 else 12 - source if source > 6 else source
            expected = 0 if outside and not mirrored else x[sample, :, source]
            np.testing.assert_array_equal(y[sample, :, place], np.broadcast_to(expected, (5, 2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("spec", "most"),
    [
        ({"type": "random_crop", "padding": 2}, (2, 2)),
        ({"type": "random_translation", "height_factor": 0.0, "width_factor": 0.4}, (0, 3)),
    ],
)
def test_moves_are_as_large_as_said(spec, most, dtype):
    x = IMAGES.astype(dtype)
    y, seen = applied(x, **spec), set()
    assert y.dtype == dtype
    for before, after in zip(x, y, strict=True):
        wide = np.pad(before, ((5, 5), (7, 7), (0, 0)))
        for i in range(-5, 6):
            for j in range(-7, 8):
                if np.array_equal(wide[5 + i : 10 + i, 7 + j : 14 + j], after):
                    seen.add((i, j))
    assert {i for i, _ in seen} == {*range(-most[0], most[0] + 1)}
    assert {j for _, j in seen} == {*range(-most[1], most[1] + 1)}


def test_rotations_by_right_angles_move_pixels():
    x = IMAGES[:, :, :5]
    turned = [np.rot90(x, k, (1, 2)) for k in range(4)]
    for angle, expected in ((90, turned[1]), (180, turned[2]), (-90, turned[3])):

        class Fixed:
            @staticmethod
            def uniform(low, high, shape, angle=angle):
                return np.full(shape, angle)

        transform = specnet.build("transforms", {"type": "random_rotation", "degrees": 180})
        np.testing.assert_allclose(transform.apply(x, Fixed), expected, atol=1e-12)
    small = applied(x, type="random_rotation", degrees=20)
    assert 0.3 < np.corrcoef(x.ravel(), small.ravel())[0, 1] < 0.99
    assert np.abs(small).max() <= np.abs(x).max()


def test_a_rectangle_is_erased():
    x = np.ones((400, 20, 30, 2))
    y = applied(x, type="random_erasing", probability=0.7, scale=[0.1, 0.2])
    shares = []
    for image in y:
        erased = image[..., 0] == 0
        np.testing.assert_array_equal(image[..., 1] == 0, erased)
        if erased.any():
            rows, columns = np.flatnonzero(erased.any(axis=1)), np.flatnonzero(erased.any(axis=0))
            assert erased.sum() == len(rows) * len(columns) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
            shares.append(erased.mean())
    assert len(shares) == pytest.approx(280, abs=40)
    assert 0.07 < min(shares) < max(shares) < 0.23
    gaps = (applied(x[:, 0], type="random_erasing", probability=1, scale=[0.1, 0.2])[..., 0] == 0).sum(axis=1)
    assert {3, 6} <= {*gaps.tolist()} <= {3, 4, 5, 6}


def test_mixup_mixes_samples_and_their_targets():
    x, t = IMAGES[:, 0, 0], np.arange(60) % 3
    transform = specnet.build("transforms", {"type": "mixup", "alpha": 1.0})
    y, mixed = transform.apply_both(x, np.eye(3)[t], np.random.default_rng(2))
    rng = np.random.default_rng(2)
    share, other = rng.beta(1.0, 1.0), rng.permutation(60)
    np.testing.assert_allclose(y, share * x + (1 - share) * x[other])
    np.testing.assert_allclose(mixed, share * np.eye(3)[t] + (1 - share) * np.eye(3)[t[other]])


@pytest.mark.parametrize(
    ("dataset", "transform", "message"),
    [
        ("spiral", "random_flip", "takes images (height, width, channels) or sequences (time, features), but a sample"),
        ("sines", "random_rotation", "takes images (height, width, channels), but a sample has shape (32, 1)"),
    ],
)
def test_samples_of_another_shape_are_a_located_mistake(dataset, transform, message):
    spec = {"dataset": dataset, "transforms": {"inputs": [transform]}, "layers": ["flatten", "linear"], "loss": "mse"}
    with pytest.raises(SpecnetError) as caught:
        load_spec(spec)
    (found,) = [each for each in caught.value.diagnostics if each.pointer[0] == "transforms"]
    assert found.pointer == ("transforms", "inputs", 0)
    assert message in found.message
