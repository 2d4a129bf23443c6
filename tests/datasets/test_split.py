from itertools import combinations

import numpy as np
import pytest
from datasets.divided import data, divide, with_column

import specnet
from specnet.datasets.base import Data, Samples
from specnet.datasets.division import nearest_groups
from specnet.datasets.split import Split
from specnet.errors import DataError
from specnet.runs.trained.building import load_data


def rows(samples):
    return samples.inputs[:, 0].astype(int).tolist()


@pytest.mark.parametrize(
    ("count", "validation", "test", "sizes"),
    [
        (100, 0.2, 0.1, (70, 20, 10)),
        (7, 0.3, 0.0, (5, 2, 0)),
        (11, 0.0, 0.5, (5, 0, 6)),
        (3, 0.34, 0.33, (1, 1, 1)),
        (10, 0.25, 0.25, (5, 3, 2)),
        (15, 0.1, 0.3, (9, 2, 4)),
        (100, 0.29, 0.57, (14, 29, 57)),
    ],
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


@pytest.mark.parametrize("targets", [np.ones((10, 2)), np.zeros((10, 3, 1))])
def test_there_is_nothing_to_stratify_by_with_several_numbers(targets):
    with pytest.raises(DataError) as caught:
        divide(Split(validation=0.5, stratify=True), data(10, targets))
    assert caught.value.pointer == ("stratify",)


@pytest.mark.parametrize("column", [False, True])
def test_numbers_are_stratified_by_tenths_of_their_range(column):
    targets = np.random.default_rng(0).lognormal(sigma=3, size=200)
    found = divide(Split(validation=0.2, test=0.1, stratify=True), data(200, targets[:, None] if column else targets))
    tenth = np.searchsorted(np.quantile(targets, np.linspace(0, 1, 11))[1:-1], found.validation.targets.ravel())
    assert np.bincount(tenth).tolist() == [4] * 10
    assert len(found.test.targets) == 20


@pytest.mark.parametrize(
    ("targets", "stratified"),
    [
        (np.arange(60) % 3, True),
        (np.arange(60) % 2 * 1.0, True),
        (np.eye(3)[np.arange(60) % 3], True),
        (np.arange(60) % 3 * 1.0, False),  # whole numbers that may be measurements
        (np.arange(60) % 20, False),  # counts
        (np.arange(120).reshape(60, 2) % 2, False),  # several labels
        (np.linspace(0, 1, 60), False),
    ],
)
def test_classes_are_stratified_unless_the_spec_says_otherwise(targets, stratified):
    def chosen(stratify):
        return rows(divide(Split(validation=0.3, stratify=stratify), data(60, targets)).validation)

    assert chosen(None) != chosen(False) if stratified else chosen(None) == chosen(False)
    if stratified:
        assert chosen(None) == chosen(True)


def test_classes_with_names_are_stratified_however_few_their_samples():
    samples = Data(Samples(np.arange(12.0)[:, None], np.arange(12) % 4), classes=("a", "b", "c", "d"))
    assert sorted(divide(Split(test=1 / 3), samples).test.targets.tolist()) == [0, 1, 2, 3]


def test_without_being_asked_to_stratify_shares_may_take_a_class_whole():
    samples = Data(Samples(np.arange(8.0)[:, None], np.arange(8) % 4), classes=("a", "b", "c", "d"))
    assert len(divide(Split(test=0.7), samples).test.targets) == 6


def test_the_order_of_the_file_is_kept_with_the_test_samples_last():
    found = divide(Split(by="order", validation=0.2, test=0.3), data(10))
    assert {name: rows(each) for name, each in found.splits.items()} == {
        "train": [0, 1, 2, 3, 4],
        "validation": [5, 6],
        "test": [7, 8, 9],
    }
    assert found.place("test", 0) == "row 7"
    assert rows(divide(Split(by="order", test=0.3), data(10)).test) == [7, 8, 9]


@pytest.mark.parametrize("kind", [str, float, object])
def test_groups_are_never_divided_and_shares_are_as_near_as_groups_allow(kind):
    sites = np.repeat(np.arange(30), np.random.default_rng(0).integers(1, 20, 30)).astype(kind)
    count = len(sites)
    split = Split(by="group", column="site", validation=0.2, test=0.1)
    found = divide(split, with_column(sites))
    parts = {name: sites[rows(each)] for name, each in found.splits.items()}
    assert sum(map(len, parts.values())) == count
    assert not any({*parts[a]} & {*parts[b]} for a, b in combinations(parts, 2))
    assert {name: len(parts[name]) for name in ("validation", "test")} == split.counts(count)
    again, other = (rows(divide(split, with_column(sites), seed).test) for seed in (1, 2))
    assert rows(found.test) == again != other


@pytest.mark.parametrize(
    ("sizes", "validation", "test"),
    [((90, 5, 5), 5, 5), ((50, 30, 20), 20, 30), ((34, 33, 33), 33, 33), ((97, 1, 1, 1), 2, 1)],
)
def test_few_groups_leave_one_for_each_split(sizes, validation, test):
    sites = np.repeat(np.arange(len(sizes)), sizes)
    found = divide(Split(by="group", column="site", validation=0.2, test=0.3), with_column(sites)).splits
    assert [len(found[name].inputs) for name in ("validation", "test")] == [validation, test]
    assert len({*sites[rows(found["train"])]}) >= 1


@pytest.mark.parametrize("seed", range(20))
def test_no_other_choice_of_groups_is_nearer_to_a_share(seed):
    rng = np.random.default_rng(seed)
    sizes, keep = rng.integers(1, 40, rng.integers(3, 9)) * rng.choice([1, 7]), int(rng.integers(1, 3))
    total = int(rng.integers(1, sizes.sum()))
    found = nearest_groups(sizes, total, keep, rng)
    assert len({*found}) == len(found) and 0 < len(found) <= len(sizes) - keep
    others = (each for size in range(1, len(sizes) - keep + 1) for each in combinations(sizes, size))
    nearest = min(abs(sum(each) - total) for each in others)
    assert abs(sizes[found].sum() - total) <= nearest + (keep > 1) * sizes.max() // 2


@pytest.mark.parametrize("sizes", [np.full(20_000, 10), np.append(np.full(5_000, 30), 100_000), np.arange(1, 3000)])
def test_many_groups_are_chosen_fast_and_nearly_exactly(sizes):
    total = int(sizes.sum() * 0.2) + 3
    found = nearest_groups(sizes, total, 1, np.random.default_rng(0))
    assert abs(sizes[found].sum() - total) <= sizes.min() // 2


def test_too_few_groups_are_refused():
    split = Split(by="group", column="site", validation=0.2, test=0.2)
    for sites, found in ((["a"] * 8 + ["b"] * 2, "are 2"), (["a"] * 10, "is 1")):
        with pytest.raises(DataError, match=f"3 splits need at least 3 groups, but there {found}$"):
            divide(split, with_column(sites))


def test_a_column_names_the_split_of_each_row():
    names = ["train", "Val", "TEST", "training", "dev", "valid", " testing ", "validation", "train"]
    found = divide(Split(by="column", column="site"), with_column(names))
    assert {name: rows(each) for name, each in found.splits.items()} == {
        "train": [0, 3, 8],
        "validation": [1, 4, 5, 7],
        "test": [2, 6],
    }
    assert found.origins["test"].tolist() == [2, 6]
    one = divide(Split(by="column", column="site"), with_column(["train", "test", "train"]))
    assert [*one.splits] == ["train", "test"]


@pytest.mark.parametrize("split", [{"by": "column"}, {"by": "group", "test": 0.5}])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["train", "", "test"], 'column "site" has no value in line 3'),
        ([1.0, np.nan, np.nan], 'column "site" has no value in line 3 and 1 more row(?!s)'),
        (["train"], "has shape"),
    ],
)
def test_a_column_without_a_value_in_each_row_is_refused(split, values, message):
    table = Data(data(3).train, places={"train": lambda row: f"line {row + 2}"}, column=lambda name: np.asarray(values))
    with pytest.raises(DataError, match=message) as caught:
        divide(Split(column="site", **split), table)
    assert caught.value.pointer == ("column",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["train", "test", "tset", "no"],
            '"tset" in column "site", line 4, is not a split, and neither are the values in 1 more row(?!s)',
        ),
        ([0.0, 1.0, 1.0, 0.0], '0.0 in column "site", line 2, is not a split, and neither are the values in 3 more'),
        (["test", "dev", "val", "test"], 'no row of column "site" says train'),
    ],
)
def test_a_column_that_names_no_split_is_refused_with_its_place(values, message):
    with pytest.raises(DataError, match=message) as caught:
        divide(Split(by="column", column="site"), with_column(values, places={"train": lambda row: f"line {row + 2}"}))
    assert caught.value.pointer == ("column",)
    assert message.startswith("no row") or "allowed are train, training, validation, val" in caught.value.help


def test_columns_are_used_only_where_there_are_some():
    for split in (Split(by="column", column="site"), Split(by="group", column="site", test=0.5)):
        with pytest.raises(DataError, match="the dataset has no columns") as caught:
            divide(split, data())
        assert caught.value.pointer == ("by",)
    with pytest.raises(DataError, match="there is no column place") as caught:
        divide(Split(by="column", column="place"), with_column(["train"]))
    assert caught.value.pointer == ("column",)


def test_a_column_may_be_a_number():
    assert Split.model_validate({"by": "column", "column": 3}).column == "3"


def test_a_column_does_not_replace_samples_of_the_datasets_own():
    with pytest.raises(DataError, match="its own test samples") as caught:
        divide(Split(by="column", column="site"), with_column(["train", "test"], test=data().train))
    assert caught.value.pointer == ("column",)


@pytest.mark.parametrize(
    ("shares", "empty"),
    [
        ({"validation": 0.01}, "the validation split"),
        ({"validation": 0.99}, "training"),
        ({"validation": 0.6, "test": 0.6}, "training"),
    ],
)
def test_a_split_that_would_be_empty_is_refused(shares, empty):
    with pytest.raises(DataError, match=f"none of the 10 samples is left for {empty}"):
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
