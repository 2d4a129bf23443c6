"""Samples are handed out in the same way whether they are in memory or read a window at a time."""

from itertools import chain

import numpy as np
import pytest

from specnet.datasets.rows import PARTS, Rows
from specnet.randomness import stream
from specnet.training.batches import Batch, Batches, StreamedSplit

WIDTH = 3
ROW = 8 * (WIDTH + 1)
"""Bytes of a sample, as float64."""


def streamed(count, window, reads=None):
    """Return a split of numbered samples of which a window holds about so many, and note what is read of it."""
    numbers = np.arange(count)
    arrays = np.repeat(numbers[:, None], WIDTH, axis=1).astype("f4"), numbers[:, None].astype("f4"), numbers

    def rows(array):
        def read(start, stop):
            if reads is not None and array is arrays[0]:
                reads.append((start, min(stop, count)))
            return array[start:stop].copy()

        return Rows(array.shape, array.dtype, read)

    return StreamedSplit(*map(rows, arrays), buffer=PARTS * ROW * window)


def in_memory(count):
    numbers = np.arange(count)
    return Batch(np.repeat(numbers[:, None], WIDTH, axis=1).astype("f4"), numbers[:, None].astype("f4"), numbers)


def make(split, size, shuffle=True):
    return Batches(split, size, shuffle, stream(4, "shuffle"))


def epoch(given, position=0):
    """Return the numbers of the samples in each batch from a position on."""
    given.restore(position)
    batches = []
    for batch in given:
        assert (batch.inputs == batch.targets).all()
        assert (batch.targets[:, 0] == batch.truth).all()
        batches.append(batch.truth.tolist())
    given.finish()
    return batches


def joined(lists):
    return list(chain.from_iterable(lists))


SIZES = [(100, 40, 4), (100, 40, 7), (101, 1, 4), (101, 1000, 4), (33, 32, 1), (64, 16, 16), (70, 16, 64)]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("count", "window", "size"), SIZES)
def test_an_epoch_has_each_sample_once_in_the_batches_that_it_would_have_in_memory(count, window, size, shuffle):
    given = make(streamed(count, window), size, shuffle)
    for _ in range(2):
        batches = epoch(given)
        assert [len(batch) for batch in batches] == [size] * (count // size) + [count % size] * (count % size > 0)
        rows = joined(batches)
        assert sorted(rows) == list(range(count))
        assert (rows == sorted(rows)) == (not shuffle)


@pytest.mark.parametrize(("count", "window", "size"), SIZES)
def test_samples_are_read_once_an_epoch_in_blocks_of_whole_batches_or_even_parts_of_them(count, window, size):
    reads = []
    given = make(streamed(count, window, reads), size)
    epoch(given)
    assert sorted(start for start, _ in reads) == list(range(0, count, reads[0][1] - reads[0][0]))
    lengths = [stop - start for start, stop in reads if stop < count]
    assert all(length % size == 0 or size % length == 0 for length in lengths)
    assert sum(stop - start for start, stop in reads) == count


@pytest.mark.parametrize("window", [16, 64, 256, 1024])
def test_large_batches_have_samples_from_far_apart_too(window):
    batches = epoch(make(streamed(4096, window), 64))
    for rows in batches:
        # Were samples sorted by one of eight classes, no batch would have most of its samples from one of them.
        assert max(np.bincount([row * 8 // 4096 for row in rows])) < 32


def test_epochs_have_orders_of_their_own_and_windows_mix_what_lies_far_apart():
    given = make(streamed(4096, 256), 4)
    first, second = epoch(given), epoch(given)
    assert first != second
    for rows in np.array(joined(first)).reshape(-1, 256).tolist():
        # Were samples sorted by one of four classes, each window would have some of all of them.
        assert len({row * 4 // 4096 for row in rows}) == 4
        assert rows != sorted(rows)


@pytest.mark.parametrize(("count", "window", "size"), SIZES)
def test_an_epoch_goes_on_from_any_position_as_it_would_have_gone(count, window, size):
    given = make(streamed(count, window), size)
    epoch(given)
    generator = given.state()
    batches = epoch(given)
    for number in range(len(batches)):
        again = make(streamed(count, window), size)
        again.rng.bit_generator.state = generator
        assert epoch(again, number * size) == batches[number:]
        assert again.rng.bit_generator.state == given.rng.bit_generator.state


@pytest.mark.parametrize("size", [1, 4, 11])
def test_samples_in_memory_are_in_the_order_of_one_permutation(size):
    given, rng = make(in_memory(11), size), stream(4, "shuffle")
    for _ in range(2):
        batches = epoch(given)
        order = rng.permutation(11).tolist() if size < 11 else list(range(11))
        assert joined(batches) == order


def test_weights_and_masks_stay_with_their_samples():
    numbers = np.arange(11)
    split = in_memory(11)
    split.weight, split.mask = numbers / 10, np.stack([numbers % 2 == 0, numbers % 3 == 0], axis=1)
    for batch in make(split, 4):
        np.testing.assert_array_equal(batch.weight, batch.truth / 10)
        np.testing.assert_array_equal(batch.mask, np.stack([batch.truth % 2 == 0, batch.truth % 3 == 0], axis=1))


def test_without_some_rows_the_others_keep_their_order_in_every_epoch():
    whole = make(in_memory(50), 8)
    kept = np.delete(np.arange(50), [3, 20])
    less = make(in_memory(48), 8)
    less.leave_out([20, 3])
    for _ in range(3):
        expected = [row for row in joined(epoch(whole)) if row not in (3, 20)]
        assert kept[joined(epoch(less))].tolist() == expected
    position, after = 16, epoch(less)[2:]
    less.rng = stream(4, "shuffle")
    for _ in range(3):
        epoch(less)
    assert epoch(less, position) == after
