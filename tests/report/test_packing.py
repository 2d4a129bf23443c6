import base64
import io

import numpy as np
import pytest
from PIL import Image

from specnet.report.packing import LARGEST_SIDE, count_up, png, quantize, quantize_each, thumbnails


@pytest.mark.parametrize("fine", [True, False])
@pytest.mark.parametrize("shape", [(1,), (5,), (4, 3), (6, 2, 7), (1, 2), (3, 1, 1)])
def test_what_is_packed_comes_back_within_half_a_step(shape, fine, unpack):
    values = np.random.default_rng(1).normal(size=shape) * 100
    packed = quantize(values, values.min(), values.max(), fine=fine).pack(np.arange(shape[0]))
    steps = 65_535 if fine else 255
    assert packed["step"] == pytest.approx(np.ptp(values) / steps)
    np.testing.assert_allclose(unpack(packed), values, rtol=0, atol=packed["step"] * 0.500001 + 1e-12)


@pytest.mark.parametrize("shape", [(1,), (5,), (4, 3), (6, 2, 7), (1, 2), (3, 1, 1)])
def test_each_frame_comes_back_within_half_a_step_of_its_own(shape, unpack):
    values = np.random.default_rng(1).normal(size=shape) * 10.0 ** np.arange(shape[0]).reshape(
        -1, *[1] * (len(shape) - 1)
    )
    packed = quantize_each(values).pack(np.arange(shape[0]))
    rows = values.reshape(shape[0], -1)
    assert packed["step"] == pytest.approx(np.ptp(rows, axis=1) / 65_535)
    error = np.abs(unpack(packed) - values).reshape(shape[0], -1).max(axis=1)
    assert (error <= 0.500001 * np.array(packed["step"]) + 1e-12).all()


@pytest.mark.parametrize("make", [lambda values: quantize(values, -9.0, 9.0), quantize_each])
def test_frames_that_are_left_out_change_nothing_of_the_others(make, unpack):
    values = np.random.default_rng(2).normal(size=(9, 4))
    levels = make(values)
    before = levels.frames.copy()
    chosen = np.array([0, 3, 4, 8])
    np.testing.assert_array_equal(unpack(levels.pack(chosen)), unpack(levels.pack(np.arange(9)))[chosen])
    np.testing.assert_array_equal(levels.frames, before)


def test_least_and_greatest_are_exact(unpack):
    found = unpack(quantize_each(np.array([[-3.0, 1.0, 7.5]])).pack(np.array([0])))
    assert found[0, [0, 2]].tolist() == pytest.approx([-3.0, 7.5], rel=1e-12)


@pytest.mark.parametrize("value", [0.0, -2.5, 1e30])
def test_numbers_that_are_all_the_same_come_back_as_they_were(value, unpack):
    assert set(unpack(quantize_each(np.full((3, 2), value)).pack(np.arange(3))).ravel()) == {value}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.bool_])
def test_numbers_of_every_type_are_packed(dtype, unpack):
    values = np.array([[0, 1], [1, 1]], dtype)
    np.testing.assert_allclose(unpack(quantize_each(values).pack(np.arange(2))), values.astype(float), atol=1e-9)


def test_the_largest_numbers_of_float16_and_float32_do_not_overflow(unpack):
    for dtype in (np.float16, np.float32):
        most = float(np.finfo(dtype).max)
        found = unpack(quantize_each(np.array([[-most, 0, most]], dtype)).pack(np.array([0])))
        np.testing.assert_allclose(found, [[-most, 0.0, most]], atol=most * 1e-4)


def test_given_bounds_are_kept(unpack):
    packed = quantize(np.array([[0.25, 0.5]]), 0.0, 1.0, fine=False).pack(np.array([0]))
    assert (packed["low"], packed["step"], packed["octets"]) == (0.0, 1 / 255, 1)
    np.testing.assert_allclose(unpack(packed), [[0.25, 0.5]], atol=0.5 / 255)


@pytest.mark.parametrize(("most", "octets"), [(0, 1), (1, 1), (255, 1), (256, 2), (9999, 2)])
def test_whole_numbers_are_levels_of_themselves(most, octets, unpack):
    numbers = np.array([[0, most], [most, 0]])
    packed = count_up(numbers).pack(np.arange(2))
    assert packed["octets"] == octets
    assert unpack(packed).tolist() == numbers.tolist()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_holds_its_pixels(channels):
    pixels = np.random.default_rng(3).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    with Image.open(io.BytesIO(png(pixels))) as image:
        image.load()
        assert image.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]
        np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def read(uri):
    kind, _, text = uri.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.asarray(image)


def test_images_share_one_scale():
    images = np.array([[[-1.0, 0.0]], [[0.5, 1.0]]])[..., np.newaxis]
    assert [read(uri).tolist() for uri in thumbnails(images)] == [[[0, 128]], [[191, 255]]]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.bool_])
def test_images_of_every_type_are_shown(dtype):
    images = np.array([0, 1, 1, 0], dtype).reshape(1, 2, 2, 1)
    assert read(thumbnails(images)[0]).tolist() == [[0, 255], [255, 0]]


def test_an_image_without_contrast_is_black():
    assert read(thumbnails(np.full((1, 2, 2, 1), 7.0))[0]).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("side", [LARGEST_SIDE, LARGEST_SIDE + 1, 5 * LARGEST_SIDE])
def test_of_large_images_not_every_pixel_is_shown(side):
    images = np.random.default_rng(4).random((1, side, side // 2, 3))
    height, width = read(thumbnails(images)[0]).shape[:2]
    assert max(height, width) <= LARGEST_SIDE
    stride = -(-side // LARGEST_SIDE)
    assert (height, width) == images[0, ::stride, ::stride, 0].shape
