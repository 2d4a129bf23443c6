"""A split leaves samples to train on, and its fields suit each other."""

import numpy as np
import pytest
from spec.checked import mistakes


@pytest.mark.parametrize(
    ("split", "places"),
    [
        ({"validation": 0.5, "test": 0.5}, [("split",)]),
        ({"validation": 0.7, "test": 0.7}, [("split",)]),
        ({"validation": 0.1, "test": 0.1}, [("split", "test")]),
        ({"validation": 0.5, "test": 0.49}, [("split",)]),
    ],
)
def test_a_split_leaves_something_to_train_on(split, places):
    assert mistakes(dataset={"type": "spiral", "n_samples": 4}, split=split) == [("split", place) for place in places]


@pytest.mark.parametrize(
    ("split", "places"),
    [
        ({"by": "group", "test": 0.2}, ["by"]),
        ({"by": "column"}, ["by"]),
        ({"column": "site", "test": 0.2}, ["column"]),
        ({"by": "order", "column": 3, "test": 0.2, "stratify": True}, ["column", "stratify"]),
        ({"by": "group", "column": "site", "test": 0.2, "stratify": True}, ["stratify"]),
        (
            {"by": "column", "column": "site", "validation": 0.1, "test": 0.2, "stratify": True},
            ["stratify", "validation", "test"],
        ),
        ({"by": "group", "column": "site", "test": 0.001}, ["test"]),
    ],
)
def test_fields_of_a_split_suit_what_it_goes_by(split, places):
    assert mistakes(split=split) == [("split", ("split", place)) for place in places]


def test_a_share_is_not_taken_where_the_dataset_has_the_samples(tmp_path):
    arrays = {f"{split}_{name}": np.zeros((3, 1)) for split in ("train", "test") for name in ("inputs", "targets")}
    np.savez(tmp_path / "data.npz", **arrays)
    dataset = {"type": "npz", "path": str(tmp_path / "data.npz")}
    assert mistakes(dataset=dataset, split={"test": 0.2, "validation": 0.2}) == [("split", ("split", "test"))]
