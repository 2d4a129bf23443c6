import numpy as np
import pytest

import specnet
from specnet.datasets.base import Data, Samples
from specnet.datasets.split import Split
from specnet.errors import DataError
from specnet.runs.building import load_data


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


@pytest.mark.parametrize(
    ("classes", "size", "shares"),
    [(100, 6, [0.1]), (100, 3, [0.5]), (10, 10, [0.25]), (100, 4, [0.1]), (7, 11, [0.3, 0.2]), (40, 2, [0.2, 0.3])],
)
def test_stratified_shares_are_as_large_as_others_and_leave_each_class_a_sample_to_train_on(classes, size, shares):
    split = Split(stratify=True, **dict(zip(("validation", "test"), shares, strict=False)))
    count = classes * size
    found = divide(split, data(count, np.arange(count) % classes)).splits
    assert {name: len(found[name].inputs) for name in split.counts(count)} == split.counts(count)
    assert np.bincount(found["train"].targets, minlength=classes).min() >= 1
    for name, share in zip(split.counts(count), shares, strict=True):
        numbers = np.bincount(found[name].targets, minlength=classes)
        assert numbers.min() >= np.floor(share * size - 1) and numbers.max() <= np.ceil(share * size + 1)


def test_a_small_class_gives_what_it_can_and_large_ones_the_rest():
    found = divide(Split(validation=0.4, test=0.4, stratify=True), data(32, [0] * 30 + [1] * 2)).splits
    assert {name: np.bincount(each.targets).tolist() for name, each in found.items()} == {
        "train": [5, 1],
        "validation": [12, 1],
        "test": [13],
    }


def test_shares_that_leave_a_class_no_sample_to_train_on_are_refused():
    with pytest.raises(DataError, match="each of the 50 classes keeps a sample to train on: 60 of 100") as caught:
        divide(Split(validation=0.6, stratify=True), data(100, np.arange(100) % 50))
    assert "0.5 at most" in caught.value.help


def test_which_of_equal_classes_give_more_depends_on_the_seed():
    classes = np.arange(40) % 10
    chosen = [divide(Split(validation=0.1, stratify=True), data(40, classes), seed).validation for seed in range(5)]
    assert len({tuple(each.targets.tolist()) for each in chosen}) > 1


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


def test_a_seed_of_the_split_keeps_the_split_while_that_of_the_spec_changes(tmp_path):
    (tmp_path / "table.csv").write_text("x,t\n" + "".join(f"{row},{row}\n" for row in range(50)))

    def validation(seed, split_seed):
        split = {"validation": 0.2, "seed": split_seed}
        dataset = {"type": "csv", "path": str(tmp_path / "table.csv"), "inputs": ["x"], "targets": ["t"]}
        spec = {"seed": seed, "split": split, "dataset": dataset, "layers": ["linear"], "loss": "mse"}
        return load_data(specnet.load_spec(spec)).validation.inputs.tolist()

    assert validation(1, 5) == validation(2, 5) == validation(5, None) != validation(1, None)
