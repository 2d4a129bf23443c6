import math

import pytest

import specnet
from specnet.errors import SpecError

HALF = {"type": "cosine", "initial": 2.0, "final": 0.5, "steps": 12, "warmup_steps": 4}

# The value that each schedule has after so many steps, in a run of 3 steps an epoch and 24 steps in all.
VALUES = [
    ({"type": "constant", "value": 0.3}, {0: 0.3, 1: 0.3, 10**9: 0.3}),
    ({"type": "step", "initial": 0.8, "every_steps": 2, "factor": 0.5}, {0: 0.8, 1: 0.8, 2: 0.4, 3: 0.4, 4: 0.2}),
    ({"type": "step", "initial": 0.8, "every": 2, "factor": 0.5}, {0: 0.8, 5: 0.8, 6: 0.4, 11: 0.4, 12: 0.2}),
    ({"type": "step", "initial": 0.8, "factor": 0.5}, {0: 0.8, 7: 0.8, 8: 0.4, 15: 0.4, 16: 0.2, 23: 0.2}),
    ({"type": "step", "initial": 1.0, "every_steps": 1}, {0: 1.0, 1: 0.1, 2: 0.01}),
    (
        {"type": "exponential", "initial": 3.0, "every_steps": 2, "factor": 0.25},
        {0: 3.0, 1: 1.5, 2: 0.75, 4: 0.1875},
    ),
    ({"type": "exponential", "initial": 1.0, "every": 4}, {0: 1.0, 6: math.sqrt(0.5), 12: 0.5, 10**9: 0.0}),
    ({"type": "exponential", "initial": 1.0}, {0: 1.0, 12: math.sqrt(0.5), 24: 0.5, 10**9: 0.0}),
    ({"type": "cosine", "initial": 4.0, "steps": 6}, {0: 4.0, 2: 3.0, 3: 2.0, 4: 1.0, 6: 0.0, 7: 0.0, 10**9: 0.0}),
    ({"type": "cosine", "initial": 4.0, "epochs": 2}, {0: 4.0, 2: 3.0, 3: 2.0, 4: 1.0, 6: 0.0, 7: 0.0, 10**9: 0.0}),
    ({"type": "cosine", "initial": 4.0}, {0: 4.0, 8: 3.0, 12: 2.0, 16: 1.0, 24: 0.0, 25: 0.0, 10**9: 0.0}),
    (HALF, {0: 0.5, 1: 1.0, 3: 2.0, 4: 2.0, 8: 1.25, 12: 0.5, 13: 0.5}),
    ({"type": "cosine", "initial": 1.0, "steps": 2, "warmup_steps": 1}, {0: 1.0, 1: 1.0, 2: 0.0}),
    ({"type": "cosine", "initial": 1.5, "warmup_epochs": 1}, {0: 0.5, 1: 1.0, 2: 1.5, 3: 1.5, 24: 0.0}),
    # A warm-up that is longer than all the rest is cut by the end of the run alone.
    ({"type": "cosine", "initial": 1.0, "warmup_steps": 50}, {0: 0.02, 23: 0.48, 49: 1.0, 51: 0.0}),
]


def bound(spec, steps_per_epoch=3, total_steps=24):
    schedule = specnet.build("schedules", spec)
    schedule.bind(steps_per_epoch, total_steps)
    return schedule


@pytest.mark.parametrize(("spec", "values"), VALUES)
def test_values_at_these_steps(spec, values):
    schedule = bound(spec)
    assert {step: schedule(step) for step in values} == pytest.approx(values, rel=1e-14, abs=1e-15)
    assert all(type(schedule(step)) is float for step in values)


def test_a_schedule_to_the_end_of_the_run_follows_a_new_end():
    schedule = bound({"type": "cosine", "initial": 4.0})
    schedule.bind(3, 48)
    assert [schedule(step) for step in (0, 24, 48)] == pytest.approx([4.0, 2.0, 0.0])


def test_lengths_are_told_in_steps():
    assert bound({"type": "cosine", "initial": 1.0, "epochs": 9}).length() == 27
    assert bound({"type": "cosine", "initial": 1.0}).length() == 24
    assert bound({"type": "cosine", "initial": 1.0, "warmup_epochs": 9}).length() == 28
    assert bound({"type": "step", "initial": 1.0, "every": 9}).length() == 27


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"type": "step", "initial": 1, "every_steps": 0}, ("every_steps",)),
        ({"type": "step", "initial": 1, "every_steps": 1.5}, ("every_steps",)),
        ({"type": "step", "initial": 1, "every_steps": 2, "factor": 0}, ("factor",)),
        ({"type": "exponential", "initial": 1, "factor": -1}, ("factor",)),
        ({"type": "exponential"}, ()),
        ({"type": "step", "initial": 1, "every": 2, "every_steps": 3}, ("every_steps",)),
        ({"type": "exponential", "initial": 1, "every": 2, "every_steps": 3}, ("every_steps",)),
        ({"type": "cosine", "initial": 1, "steps": 9, "epochs": 3}, ("epochs",)),
        ({"type": "cosine", "initial": 1, "warmup_steps": 0, "warmup_epochs": 0}, ("warmup_epochs",)),
        ({"type": "cosine", "initial": 1, "epochs": 5, "warmup_epochs": 5}, ()),
        ({"type": "cosine", "initial": 1, "steps": 0}, ("steps",)),
        ({"type": "cosine", "initial": 1, "steps": 5, "warmup_steps": -1}, ("warmup_steps",)),
        ({"type": "cosine", "initial": 1, "steps": 5, "warmup_steps": 5}, ()),
        ({"type": "constant", "value": "1"}, ("value",)),
    ],
)
def test_what_is_out_of_bounds_is_refused(spec, place):
    with pytest.raises(SpecError) as caught:
        specnet.build("schedules", spec)
    assert [found.pointer for found in caught.value.diagnostics] == [place]
