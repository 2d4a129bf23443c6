"""Rows of arrays in files are those that NumPy loads."""

import os
from pathlib import Path

import numpy as np
import pytest

from specnet import build
from specnet.datasets.base import Samples, StreamedSamples
from specnet.datasets.files import npy_header, npy_rows, npz_rows
from specnet.datasets.rows import PIECE_BYTES, Rows, pieces, row_bytes
from specnet.errors import DataError, ShapeError

X = np.arange(1000 * 3 * 2).reshape(1000, 3, 2)
T = np.arange(1000) % 7


def npy(path, array):
    np.save(path, array)
    return npy_rows(path)


def npz(path, array):
    np.savez(path, before=T, array=array, behind=T)
    return npz_rows(path, "array")[0]


forms = pytest.mark.parametrize(("form", "name"), [(npy, "data.npy"), (npz, "data.npz")])


@forms
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "i1", "u8", "?"])
@pytest.mark.parametrize("array", [X, T])
def test_rows_are_those_of_the_array(form, name, array, dtype, tmp_path):
    array = array.astype(dtype)
    rows = form(tmp_path / name, array)
    assert (rows.shape, rows.dtype, len(rows)) == (array.shape, array.dtype, len(array))
    for part in (slice(0, 1), slice(5, 17), slice(None), slice(990, 2000), slice(3, 3)):
        found = rows[part]
        assert (found.dtype, found.shape) == (array.dtype, array[part].shape)
        assert found.tobytes() == array[part].tobytes()
        assert found.flags.writeable
    np.testing.assert_array_equal(np.concatenate(list(rows.pieces())), array)


@forms
def test_what_is_in_fortran_order_has_no_rows(form, name, tmp_path):
    assert form(tmp_path / name, np.asfortranarray(X)) is None


def test_what_is_compressed_has_no_rows(tmp_path):
    np.savez_compressed(tmp_path / "data.npz", array=X)
    assert npz_rows(tmp_path / "data.npz", "array") == [None]


def test_a_member_with_another_checksum_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    npz(path, X)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.npz is not an \.npz file of plain arrays: Bad CRC-32"):
        npz_rows(path, "array")


@pytest.mark.parametrize("change", [lambda content: content[:-8], lambda content: content + bytes(8)])
def test_an_npy_file_of_another_size_than_it_announces_is_refused(change, tmp_path):
    path = tmp_path / "data.npy"
    np.save(path, X)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=r"data\.npy has \d+ bytes, which does not match its shape \(1000, 3, 2\)"):
        npy_header(path)


CHANGES = {
    "cut": lambda path: os.truncate(path, 5000),
    "cut at its end": lambda path: os.truncate(path, path.stat().st_size - 1),
    "written again": lambda path: np.save(path, X + 1),
    "touched": lambda path: os.utime(path, ns=(0, 0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_in_use_is_named(change, tmp_path):
    path = tmp_path / "data.npy"
    rows = npy(path, X)
    os.utime(path, ns=(1, 1))
    rows = npy_rows(path)
    CHANGES[change](path)
    with pytest.raises(DataError, match=r"data\.npy was changed while samples were read from it"):
        rows[:1]


def test_a_file_is_read_on_when_it_loses_its_name_or_another_takes_that(tmp_path):
    rows = npy(tmp_path / "data.npy", X)
    (tmp_path / "data.npy").unlink()
    np.testing.assert_array_equal(rows[:], X)
    np.save(tmp_path / "data.npy", X[::-1])
    np.testing.assert_array_equal(rows[:], X)


def test_a_file_is_closed_when_nothing_of_its_rows_is_left(tmp_path):
    def opened():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    rows = npy(tmp_path / "data.npy", X).map(np.negative).select(np.arange(2))
    assert opened() == before + 1
    np.testing.assert_array_equal(rows[:], -X[:2])
    del rows
    assert opened() == before


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda start, stop: X[start : stop - 1], "should be"),
        (lambda start, stop: X[start:stop].astype("float16"), "float16"),
        (lambda start, stop: X[start:stop].tolist(), "list"),
        (lambda start, stop: 1 / 0, "cannot be read: ZeroDivisionError"),
    ],
)
def test_what_a_dataset_reads_wrongly_is_told_with_what_was_asked_for(read, message):
    with pytest.raises(DataError, match=f"rows 1 to 3 .*{message}"):
        Rows(X.shape, X.dtype, read)[1:3]


def lazy(array, reads=None):
    """Return an array in memory as if it were not."""

    def read(start, stop):
        if reads is not None:
            reads.append((start, stop))
        return array[start:stop].copy()

    return Rows(array.shape, array.dtype, read)


@pytest.mark.parametrize(
    "numbers", [range(1000), range(0, 1000, 3), [0], [999], [5, 6, 7, 990], np.flatnonzero(T == 3), []]
)
def test_selected_rows_are_those_of_these_numbers(numbers):
    numbers = np.array(numbers, int)
    rows = lazy(X).select(numbers)
    np.testing.assert_array_equal(rows[:], X[numbers])
    np.testing.assert_array_equal(rows[1:3], X[numbers][1:3])


def test_rows_far_apart_are_read_without_all_that_is_between_them():
    reads, wide = [], np.zeros((64, PIECE_BYTES // 8))
    lazy(wide, reads).select(np.array([1, 40, 41, 63]))[:]
    assert reads == [(1, 2), (40, 41), (41, 42), (63, 64)]


def test_rows_are_changed_when_they_are_read_and_mistakes_counted_from_the_first():
    def change(x):
        if (x == 999).any():
            raise DataError("{place} is too large", row=np.flatnonzero(x == 999)[0])
        return np.stack([x, -x], axis=1).astype("f4")

    rows = lazy(np.arange(1000)).map(change).map(np.square)
    assert (rows.shape, rows.dtype) == ((1000, 2), np.float32)
    np.testing.assert_array_equal(rows[2:4], [[4, 4], [9, 9]])
    with pytest.raises(DataError, match=r"row 999 is too large$"):
        rows[990:]
    with pytest.raises(DataError, match=r"row 999 is too large$"):
        rows[:]


def test_a_piece_is_about_a_megabyte_whatever_a_row_takes():
    for width in (1, 100, PIECE_BYTES):
        rows = lazy(np.zeros((3, width), "i1"))
        assert rows.step == max(1, PIECE_BYTES // (8 * width))
    array = np.zeros(7)
    assert [piece is array for piece in pieces(array)] == [True]


def test_streamed_samples_are_loaded_as_soon_as_they_are_few_enough():
    streamed = StreamedSamples(lazy(X), lazy(T), buffer=100 * row_bytes(X, T))
    few, many = streamed.select(np.arange(0, 200, 2)), streamed.select(np.arange(101))
    assert (type(few), type(many)) == (Samples, StreamedSamples)
    np.testing.assert_array_equal(few.inputs, X[:200:2])
    for samples in (many, many.map(np.negative, np.negative)):
        found = list(samples.pieces())
        assert all(len(piece.inputs) <= 100 // 8 for piece in found)
        for number, whole in enumerate((X, T)):
            sign = 1 if samples is many else -1
            np.testing.assert_array_equal(np.concatenate([piece[number] for piece in found]), sign * whole[:101])


def test_a_mistake_in_shapes_counts_no_rows():
    def refuse(x):
        build("transforms", "standardize").check_shape(x, (2, 3))
        return x

    with pytest.raises(ShapeError, match=r"sample has shape \(3, 2\), but those of the training split have \(2, 3\)$"):
        lazy(X).map(refuse)
