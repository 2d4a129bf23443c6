"""Learning rate, batch size and schedules suit the data and the length of training."""

import pytest
from spec.checked import MINIMAL, mistakes, warned

from specnet import load_spec


@pytest.mark.parametrize(
    ("rate", "dtype", "wrong"),
    [(1e-50, "float32", True), (1e-50, "float64", False), (1e-40, "float32", False),
     ({"type": "constant", "value": 1e-46}, "float32", True)],
)  # fmt: skip
def test_a_learning_rate_is_more_than_nothing_in_the_networks_numbers(rate, dtype, wrong):
    changes = {"optimizer": {"type": "sgd", "learning_rate": rate}, "dtype": dtype}
    if wrong:
        assert mistakes(**changes) == [("out-of-range", ("optimizer", "learning_rate"))]
    else:
        assert load_spec(MINIMAL | changes)


def test_a_batch_that_is_larger_than_the_data_is_warned_of():
    dataset, split = {"type": "spiral", "n_samples": 100}, {"validation": 0.2}
    assert warned(dataset=dataset, split=split, training={"batch_size": 80}) == []
    assert warned(dataset=dataset, split=split, training={"batch_size": 81}) == [
        (
            "batch-size",
            ("training", "batch_size"),
            "a batch of 81 is more than the 80 training samples: each step uses all of them",
        )
    ]
    assert warned(dataset={"type": "spiral", "n_samples": 20}) == []  # nobody has asked for 32


@pytest.mark.parametrize(
    ("schedule", "epochs", "long"),
    [
        ({"type": "cosine", "initial": 0.1, "steps": 40}, 10, False),
        ({"type": "cosine", "initial": 0.1, "steps": 41}, 10, True),
        ({"type": "step", "initial": 0.1, "every_steps": 41}, 10, True),
        ({"type": "exponential", "initial": 0.1, "every_steps": 1000}, 10, False),
        ({"type": "constant", "value": 0.1}, 1, False),
    ],
)
def test_a_schedule_that_training_cuts_off_is_warned_of(schedule, epochs, long):
    found = warned(
        dataset={"type": "spiral", "n_samples": 100},
        optimizer={"type": "sgd", "learning_rate": schedule},
        training={"epochs": epochs, "batch_size": 30},  # four steps an epoch
    )
    assert [each[:2] for each in found] == [("long-schedule", ("optimizer", "learning_rate"))] * long
