import numpy as np
import pytest
from pydantic import ValidationError

from specnet.datasets.base import Data, Samples
from specnet.datasets.split import Split
from specnet.errors import DataError


def divided(**fields):
    x = np.arange(20.0)[:, np.newaxis]
    return Split(**fields).apply(Data(Samples(x, x)), np.random.default_rng(0))


@pytest.mark.parametrize(
    "fields", [{}, {"validation": 0.2, "test": 0.1}, {"folds": 4, "fold": 2}, {"folds": 4, "validation": 0.2}]
)
def test_rows_are_left_out_of_the_training_split_after_the_division(fields):
    before, after = divided(**fields), divided(**fields, leave_out=[4, 1])
    assert np.array_equal(after.train.inputs, np.delete(before.train.inputs, [1, 4], axis=0))
    assert np.array_equal(after.train.targets, after.train.inputs)
    for name in before.splits.keys() - {"train"}:
        assert np.array_equal(after.splits[name].inputs, before.splits[name].inputs)
    assert [after.place("train", row) for row in range(len(after.train.inputs))] == [
        before.place("train", row) for row in range(len(before.train.inputs)) if row not in (1, 4)
    ]


@pytest.mark.parametrize(("rows", "message"), [
    ([3, 20], "no training sample 20 to leave out: they are 0 to 19"), (list(range(20)), "no training sample is left"),
])  # fmt: skip
def test_rows_that_cannot_be_left_out_are_refused_at_their_place(rows, message):
    with pytest.raises(DataError, match=message) as caught:
        divided(leave_out=rows)
    assert caught.value.pointer == (("leave_out", 1) if len(rows) == 2 else ("leave_out",))
    with pytest.raises(ValidationError):
        Split(leave_out=[-1])
