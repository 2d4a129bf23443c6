import gzip
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from specnet import SpecnetError, build
from specnet.datasets.idx import ITEM_TYPES, MAX_IDX_CLASSES, read_idx

RNG = np.random.default_rng(0)
MNIST = Path(__file__).parents[2] / "specs/data/mnist"


def encode(array, code=0x08):
    """Return an array as the bytes of an IDX file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(ITEM_TYPES[code]).tobytes()


IMAGES, LABELS = np.arange(24).reshape(4, 3, 2), np.array([0, 2, 1, 0])


@pytest.fixture
def dataset(tmp_path):
    """Write files by field name and return the dataset that reads them."""

    def write(**files):
        for name, content in ({"images": encode(IMAGES), "labels": encode(LABELS)} | files).items():
            (tmp_path / name).write_bytes(content)
        names = ["images", "labels", *files]
        return build("datasets", {"type": "idx"} | {name: str(tmp_path / name) for name in names})

    return write


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("code", ITEM_TYPES)
def test_every_dtype_and_shape_comes_back(tmp_path, code, shape, compress):
    array = RNG.integers(0, 100, shape).astype(np.dtype(ITEM_TYPES[code]).newbyteorder("="))
    if code != 0x08:
        array = -array
    path = tmp_path / "file"
    path.write_bytes(compress(encode(array, code)))
    found = read_idx(path)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    assert found.flags.writeable


def test_images_get_a_channel_and_labels_become_class_numbers(dataset):
    data = dataset().load(RNG)
    np.testing.assert_array_equal(data.train.inputs, IMAGES[..., np.newaxis])
    assert data.train.targets.tolist() == LABELS.tolist()
    assert data.train.targets.dtype == np.int64
    assert data.classes == ("0", "1", "2")
    assert list(data.splits) == ["train"]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_other_splits_have_files_of_their_own(dataset, tmp_path, split):
    train = dataset()
    other = {"images": tmp_path / "other images", "labels": tmp_path / "other labels"}
    other["images"].write_bytes(encode(IMAGES[:1]))
    other["labels"].write_bytes(encode(LABELS[1:2]))
    data = build("datasets", train.to_spec() | {split: {field: str(path) for field, path in other.items()}}).load(RNG)
    assert list(data.splits) == ["train", split]
    np.testing.assert_array_equal(data.splits[split].inputs, IMAGES[:1, ..., np.newaxis])
    assert (data.splits[split].targets.tolist(), data.classes) == ([2], ("0", "1", "2"))


def test_rows_of_features_stay_rows(dataset):
    assert dataset(images=encode(IMAGES.reshape(4, 6))).load(RNG).train.inputs.shape == (4, 6)


def test_the_mnist_files_of_the_examples_are_whole():
    train, test = (
        {field: str(MNIST / f"{name}-{field}-idx{axes}-ubyte.gz") for field, axes in (("images", 3), ("labels", 1))}
        for name in ("train", "t10k")
    )
    data = build("datasets", {"type": "idx", **train, "test": test}).load(RNG)
    assert data.train.inputs.shape == (7000, 28, 28, 1)
    assert data.test.inputs.shape == (1000, 28, 28, 1)
    assert data.classes == tuple("0123456789")
    for samples in data.splits.values():
        assert np.unique(samples.targets).tolist() == list(range(10))
        assert (samples.inputs.min(), samples.inputs.max()) == (0, 255)


WRONG = {
    "empty file": ({"images": b""}, "is not an IDX file: it begins with nothing"),
    "three bytes": ({"images": b"\0\0\x08"}, "is not an IDX file: it begins with 00 00 08"),
    "wrong magic": ({"images": b"\1" + encode(IMAGES)[1:]}, "begins with 01 00 08 03"),
    "unknown dtype": ({"images": b"\0\0\x0a\1" + bytes(8)}, "begins with 00 00 0a 01"),
    "no axes": ({"images": b"\0\0\x08\0\5"}, "begins with 00 00 08 00"),
    "255 axes": ({"images": b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"\5"}, "begins with 00 00 08 ff"),
    "text": ({"labels": b"0\n2\n1\n0\n"}, "is not an IDX file"),
    "truncated": ({"images": encode(IMAGES)[:-1]}, "has 39 bytes"),
    "truncated sizes": ({"images": encode(IMAGES)[:9]}, "has 9 bytes"),
    "too long": ({"images": encode(IMAGES) + b"\0"}, "has more than 40 bytes"),
    "no samples": ({"images": encode(IMAGES[:0]), "labels": encode(LABELS[:0])}, r"is empty: its shape is \(0, 3, 2\)"),
    "no pixels": ({"images": b"\0\0\x08\2\xff\xff\xff\xff\0\0\0\0"}, "is empty"),
    "unlike numbers": ({"labels": encode(LABELS[:3])}, "has 4 images, .* has 3 labels"),
    "labels with axes": ({"labels": encode(IMAGES)}, r"dtype uint8 and shape \(4, 3, 2\)"),
    "labels with fractions": ({"labels": encode(LABELS, 0x0D)}, "dtype float32"),
    "negative labels": ({"labels": encode(-LABELS, 0x0C)}, "not -2 to 0"),
    "huge labels": ({"labels": encode(LABELS + MAX_IDX_CLASSES, 0x0C)}, "class numbers from 0"),
    "gzip cut off": ({"images": gzip.compress(encode(IMAGES))[:-9]}, "is damaged"),
    "gzip header only": ({"images": b"\x1f\x8b"}, "is damaged"),
    "gzip of another kind": ({"images": b"\x1f\x8b\x07" + bytes(20)}, "is damaged"),
    "gzip with a wrong sum": ({"images": gzip.compress(encode(IMAGES))[:-8] + bytes(8)}, "is damaged"),
    "gzip and more": ({"images": gzip.compress(encode(IMAGES)) + b"more"}, "is damaged"),
}

BEHIND_THE_HEADER = {
    "truncated", "too long", "negative labels", "huge labels", "gzip cut off", "gzip with a wrong sum", "gzip and more",
}  # fmt: skip
"""Mistakes that an outline does not see."""


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_file_is_told(dataset, case):
    files, reason = WRONG[case]
    bad = dataset(**files)
    with pytest.raises(SpecnetError, match=reason) as raised:
        bad.load(RNG)
    assert any(f"/{name}" in raised.value.message for name in files)
    if case in BEHIND_THE_HEADER:
        assert bad.outline().rows == 4
    else:
        with pytest.raises(SpecnetError) as outlined:
            bad.outline()
        assert outlined.value.diagnostics == raised.value.diagnostics


@pytest.mark.parametrize("given", ["images", "labels"])
def test_images_and_labels_go_together(given):
    with pytest.raises(SpecnetError, match="is missing"):
        build("datasets", {"type": "idx", "images": "i", "labels": "l", "test": {given: "t"}})


@pytest.mark.parametrize(("name", "reason"), [("", "directory"), ("no", "no such file")])
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path, name, reason):
    path = tmp_path / name
    with pytest.raises(SpecnetError, match=reason) as raised:
        read_idx(path)
    assert str(path) in raised.value.message


@pytest.mark.parametrize("field", ["images", "labels"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_damaged_files_load_or_are_refused_by_name(dataset, field, compress):
    good = compress(encode(IMAGES if field == "images" else LABELS, 0x0C))
    for seed in range(300):
        generator = random.Random(seed)
        bad = bytearray(good)
        for _ in range(generator.choice([1, 3])):
            bad[generator.randrange(len(bad))] = generator.randrange(256)
        damaged = dataset(**{field: bytes(bad[: generator.choice([len(bad), generator.randrange(len(bad))])])})
        try:
            data = damaged.load(RNG)
            assert len(data.train.inputs) == len(data.train.targets)
        except SpecnetError as error:
            assert f"/{field}" in error.message


def test_no_more_is_decompressed_than_the_header_announces(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + (100).to_bytes(4, "big") + bytes(50_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(SpecnetError, match="has more than 108 bytes"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_the_size_is_checked_before_anything_is_allocated(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\0\0\x0e\x08" + b"\xff\xff\xff\xff" * 8)
    with pytest.raises(SpecnetError, match="does not match its shape"):
        read_idx(path)
