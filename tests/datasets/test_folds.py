"""Folds: each sample is held out once."""

import numpy as np
import pytest
from datasets.divided import data, divide, with_column

from specnet.datasets.split import Split
from specnet.errors import DataError


def fold(split, samples, k):
    folds = split.divide(samples, k, np.random.default_rng(3))
    for train, held_out in folds:
        assert train.size and held_out.size and not np.intersect1d(train, held_out).size
        assert (np.diff(train) > 0).all() and (np.diff(held_out) > 0).all()
    return folds


@pytest.mark.parametrize("count", [5, 23, 100])
def test_each_sample_is_held_out_in_one_of_the_folds_which_are_equally_large(count):
    folds = fold(Split(), data(count), 5)
    assert np.array_equal(np.sort(np.concatenate([each.held_out for each in folds])), np.arange(count))
    assert all(len(each.train) + len(each.held_out) == count for each in folds)
    sizes = [len(each.held_out) for each in folds]
    assert max(sizes) - min(sizes) <= 1
    other = Split().divide(data(count), 5, np.random.default_rng(4))
    assert [each.held_out.tolist() for each in folds] != [each.held_out.tolist() for each in other]


@pytest.mark.parametrize("targets", [np.repeat([0, 1, 2], [50, 13, 6]), np.random.default_rng(1).normal(size=69)])
def test_stratified_folds_have_each_class_or_range_alike(targets):
    folds = fold(Split(stratify=True), data(69, targets), 5)
    values = targets if targets.dtype == int else np.argsort(np.argsort(targets)) // 7
    counts = np.array([np.bincount(values[each.held_out], minlength=3) for each in folds])
    assert np.ptp(counts, axis=0).max() <= (1 if targets.dtype == int else 2)
    assert np.ptp(counts.sum(axis=1)) <= 1


def test_folds_in_the_order_of_the_file_train_on_what_came_before():
    assert [(each.train.tolist(), each.held_out.tolist()) for each in fold(Split(by="order"), data(8), 3)] == [
        ([0, 1], [2, 3]),
        ([0, 1, 2, 3], [4, 5]),
        ([0, 1, 2, 3, 4, 5], [6, 7]),
    ]


def test_folds_hold_out_whole_groups():
    sites = np.repeat([*"abcdefgh"], [9, 8, 7, 6, 5, 4, 3, 2])
    folds = fold(Split(by="group", column="site"), with_column(sites), 4)
    assert [{*sites[each.train]} & {*sites[each.held_out]} for each in folds] == [set()] * 4
    assert [len(each.held_out) for each in folds] == [11] * 4


@pytest.mark.parametrize(
    ("split", "count", "message"),
    [
        ({}, 2, "3 folds need at least 3 samples, but there are 2"),
        ({"by": "order"}, 3, "3 folds in their order need at least 4 samples"),
        ({"by": "group", "column": "site"}, 2, "3 folds need at least 3 groups"),
        ({"by": "column", "column": "site"}, 9, "cannot be combined with folds"),
    ],
)
def test_folds_that_would_be_empty_are_refused(split, count, message):
    with pytest.raises(DataError, match=message):
        Split(**split).divide(with_column(range(count)), 3, np.random.default_rng(0))


@pytest.mark.parametrize("split", [{}, {"by": "order"}, {"by": "group", "column": "site"}])
def test_a_fold_is_the_test_split_and_the_validation_share_is_one_of_the_rest(split):
    sites, held_out = np.repeat([*"abcdefgh"], 5), []
    for number in (1, 2, 3, 4):
        found = divide(Split(**split, validation=0.2, folds=4, fold=number), with_column(sites))
        rows = found.origins
        assert {*found.splits} == {"train", "validation", "test"}
        used = np.concatenate([*rows.values()])
        assert len(np.unique(used)) == len(used) == sum(len(samples.inputs) for samples in found.splits.values())
        for name, samples in found.splits.items():
            assert np.array_equal(samples.inputs, with_column(sites).train.inputs[rows[name]])
        if split.get("by") == "group":
            assert not {*sites[rows["test"]]} & {*sites[np.r_[rows["train"], rows["validation"]]]}
        held_out += [*rows["test"]]
    assert sorted(held_out) == list(range(8 if split.get("by") == "order" else 0, 40))


def test_folds_replace_no_test_samples_of_the_datasets_own():
    with pytest.raises(DataError, match="its own test samples"):
        divide(Split(folds=2, fold=1), with_column(range(9), test=data().train))
