import numpy as np
import pytest

from specnet.datasets.base import Data, Samples
from specnet.datasets.split import Split
from specnet.errors import DataError


def data(count=100, classes=None):
    """Samples whose input is their number and whose target is ten times that, or a class."""
    numbers = np.arange(count)
    return Data(Samples(numbers[:, None] * 1.0, numbers * 10.0 if classes is None else np.asarray(classes)))


def divide(split, samples, seed=1):
    return split.apply(samples, np.random.default_rng(seed))


def rows(samples):
    return samples.inputs[:, 0].astype(int).tolist()


@pytest.mark.parametrize(
    ("count", "validation", "test", "sizes"),
    [(100, 0.2, 0.1, (70, 20, 10)), (7, 0.3, 0.0, (5, 2, 0)), (11, 0.0, 0.5, (5, 0, 6)), (3, 0.34, 0.33, (1, 1, 1))],
)
def test_shares_are_disjoint_complete_and_in_the_datasets_order(count, validation, test, sizes):
    found = divide(Split(validation=validation, test=test), data(count))
    parts = found.splits
    assert tuple(len(parts[name].inputs) if name in parts else 0 for name in ("train", "validation", "test")) == sizes
    assert sorted(row for samples in parts.values() for row in rows(samples)) == list(range(count))
    for samples in parts.values():
        assert rows(samples) == sorted(rows(samples))
        np.testing.assert_array_equal(samples.targets, samples.inputs[:, 0] * 10)


def test_the_split_is_determined_by_the_generator_and_is_no_block():
    split = Split(validation=0.3)
    first, again, other = (rows(divide(split, data(), seed).validation) for seed in (1, 1, 2))
    assert first == again != other
    assert first not in (list(range(30)), list(range(70, 100)))


def test_without_shares_data_stay_as_they_are():
    whole = data()
    assert divide(Split(), whole) is whole


@pytest.mark.parametrize("shape", [(90,), (90, 1)])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "float64"])
def test_stratify_gives_each_class_the_same_shares(shape, dtype):
    classes = np.array([0] * 60 + [3] * 20 + [7] * 10, dtype).reshape(shape)
    found = divide(Split(validation=0.2, test=0.1, stratify=True), data(90, classes))
    for name, expected in {"train": (42, 14, 7), "validation": (12, 4, 2), "test": (6, 2, 1)}.items():
        assert tuple(int(np.sum(found.splits[name].targets == value)) for value in (0, 3, 7)) == expected


def test_stratify_takes_one_hot_targets():
    found = divide(Split(validation=0.5, stratify=True), data(8, np.eye(2)[[0, 1, 1, 0, 1, 1, 0, 0]]))
    assert found.validation.targets.sum(axis=0).tolist() == [2, 2]


def test_stratify_takes_truth_values():
    found = divide(Split(validation=0.5, stratify=True), data(8, [True] * 4 + [False] * 4))
    assert sorted(found.validation.targets.tolist()) == [False, False, True, True]


@pytest.mark.parametrize("targets", [np.linspace(0, 1, 10), np.ones((10, 2)), np.array([0.0] * 9 + [np.nan])])
def test_there_is_nothing_to_stratify_by_without_classes(targets):
    with pytest.raises(DataError) as caught:
        divide(Split(validation=0.5, stratify=True), data(10, targets))
    assert caught.value.pointer == ("stratify",)


@pytest.mark.parametrize(
    ("shares", "empty"),
    [
        ({"validation": 0.01}, "validation"),
        ({"validation": 0.99}, "train"),
        ({"validation": 0.6, "test": 0.6}, "train"),
    ],
)
def test_a_split_that_would_be_empty_is_refused(shares, empty):
    with pytest.raises(DataError, match=f"no {empty} sample is left out of 10"):
        divide(Split(**shares), data(10))


def test_a_split_that_the_dataset_has_itself_is_refused():
    train = data().train
    with pytest.raises(DataError, match="its own test samples") as caught:
        divide(Split(test=0.1), Data(train, test=train))
    assert caught.value.pointer == ("test",)
    assert len(divide(Split(validation=0.1), Data(train, test=train)).test.inputs) == 100


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match="validation"):
        Split(validation=share)
