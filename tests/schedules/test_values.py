import math

import pytest
from helpers import built_in, in_one_test

import specnet
from specnet.errors import SpecError

SQRT2 = math.sqrt(2)
RISING = {"type": "linear", "initial": 0, "final": 4}
FALLING = {"type": "linear", "initial": 4}
HALF = {"type": "cosine", "initial": 2.0, "final": 0.5, "steps": 12, "warmup_steps": 4}

# The value of each schedule after the given number of steps, in a run of 24 steps with 3 steps per epoch.
VALUES = [
    ({"type": "constant", "value": 0.3}, {0: 0.3, 1: 0.3, 10**9: 0.3}),
    (
        {"type": "exponential", "initial": 3.0, "every_steps": 2, "factor": 0.25},
        {0: 3.0, 1: 1.5, 2: 0.75, 4: 0.1875},
    ),
    ({"type": "step", "initial": 0.8, "every_steps": 2, "factor": 0.5}, {0: 0.8, 1: 0.8, 2: 0.4, 3: 0.4, 4: 0.2}),
    ({"type": "step", "initial": 0.8, "every": 2, "factor": 0.5}, {0: 0.8, 5: 0.8, 6: 0.4, 11: 0.4, 12: 0.2}),
    ({"type": "step", "initial": 0.8, "factor": 0.5}, {0: 0.8, 7: 0.8, 8: 0.4, 15: 0.4, 16: 0.2, 23: 0.2}),
    ({"type": "step", "initial": 1.0, "every_steps": 1}, {0: 1.0, 1: 0.1, 2: 0.01}),
    (
        {"type": "multi_step", "initial": 0.8, "milestone_steps": [2, 5]},
        {1: 0.8, 2: 0.08, 4: 0.08, 5: 0.008, 99: 0.008},
    ),
    ({"type": "multi_step", "initial": 0.8, "milestones": [2], "factor": 0.5}, {0: 0.8, 5: 0.8, 6: 0.4, 99: 0.4}),
    ({"type": "multi_step", "initial": 0.8, "factor": 0.5}, {11: 0.8, 12: 0.4, 17: 0.4, 18: 0.2, 99: 0.2}),
    ({"type": "piecewise", "values": [3, 1, 2], "boundary_steps": [2, 5]}, {0: 3, 1: 3, 2: 1, 4: 1, 5: 2, 99: 2}),
    ({"type": "piecewise", "values": [3, 1], "boundaries": [2]}, {0: 3, 5: 3, 6: 1, 99: 1}),
    ({"type": "piecewise", "values": [3, 1, 2]}, {7: 3, 8: 1, 15: 1, 16: 2}),
    ({"type": "piecewise", "values": [3]}, {0: 3, 99: 3}),
    # Each schedule of a join counts from the beginning of its piece, and ends with it.
    ({"type": "join", "schedules": [RISING, FALLING], "boundary_steps": [4]}, {0: 0, 1: 1, 3: 3, 4: 4, 14: 2, 24: 0}),
    ({"type": "join", "schedules": [RISING, FALLING], "boundaries": [2]}, {0: 0, 3: 2, 6: 4, 15: 2, 24: 0}),
    ({"type": "join", "schedules": [RISING, FALLING]}, {0: 0, 6: 2, 12: 4, 18: 2, 24: 0}),
    # The schedule after a warm-up reaches to the end of the run.
    ({"type": "warmup", "steps": 4, "schedule": FALLING}, {0: 1, 1: 2, 3: 4, 4: 4, 14: 2, 24: 0}),
    ({"type": "warmup", "epochs": 2, "from": 1.0, "schedule": FALLING}, {0: 1.5, 1: 2, 5: 4, 6: 4, 15: 2, 24: 0}),
    ({"type": "warmup", "schedule": {"type": "constant", "value": 6.0}}, {0: 2, 1: 4, 2: 6, 3: 6, 99: 6}),
    ({"type": "warmup", "steps": 2, "schedule": {"type": "reduce_on_plateau", "initial": 6.0}}, {0: 3, 1: 6, 99: 6}),
    (
        {"type": "cosine_restarts", "initial": 4.0, "first_steps": 4},
        {0: 4, 2: 2, 3: 2 - SQRT2, 4: 4, 8: 2, 12: 4, 20: 2},
    ),
    (
        {"type": "cosine_restarts", "initial": 4.0, "first_epochs": 2, "multiplier": 1, "final": 2.0},
        {0: 4, 3: 3, 6: 4, 9: 3, 3 * 10**9: 4},
    ),
    ({"type": "cosine_restarts", "initial": 4.0, "multiplier": 1}, {0: 4, 4: 2, 8: 4, 12: 2, 16: 4, 20: 2}),
    ({"type": "cosine_restarts", "initial": 4.0, "first_steps": 1, "multiplier": 3}, {0: 4, 1: 4, 4: 4, 13: 4, 40: 4}),
    (
        {"type": "one_cycle", "maximum": 5.0, "steps": 20, "pct_start": 0.2, "div_factor": 5, "final_div_factor": 10},
        {0: 1, 2: 3, 4: 5, 12: 2.55, 20: 0.1, 10**9: 0.1},
    ),
    ({"type": "one_cycle", "maximum": 5.0, "epochs": 2, "pct_start": 0.0}, {0: 5, 3: 2.50001, 6: 2e-5}),
    ({"type": "one_cycle", "maximum": 5.0, "pct_start": 1.0}, {0: 0.2, 12: 2.6, 24: 2e-5}),
    (
        {"type": "cyclic", "minimum": 1, "maximum": 5, "half_cycle_steps": 4},
        {0: 1, 1: 2, 4: 5, 7: 2, 8: 1, 12: 5, 16: 1},
    ),
    (
        {"type": "cyclic", "minimum": 1, "maximum": 5, "half_cycle": 2, "mode": "triangular2"},
        {0: 1, 6: 5, 12: 1, 18: 3, 21: 2, 24: 1, 30: 2},
    ),
    ({"type": "cyclic", "minimum": 1, "maximum": 5}, {0: 1, 3: 2, 12: 5, 24: 1}),
    ({"type": "exponential", "initial": 1.0, "every": 4}, {0: 1.0, 6: math.sqrt(0.5), 12: 0.5, 10**9: 0.0}),
    ({"type": "exponential", "initial": 1.0}, {0: 1.0, 12: math.sqrt(0.5), 24: 0.5, 10**9: 0.0}),
    ({"type": "cosine", "initial": 4.0, "steps": 6}, {0: 4.0, 2: 3.0, 3: 2.0, 4: 1.0, 6: 0.0, 7: 0.0, 10**9: 0.0}),
    ({"type": "cosine", "initial": 4.0, "epochs": 2}, {0: 4.0, 2: 3.0, 3: 2.0, 4: 1.0, 6: 0.0, 7: 0.0, 10**9: 0.0}),
    ({"type": "cosine", "initial": 4.0}, {0: 4.0, 8: 3.0, 12: 2.0, 16: 1.0, 24: 0.0, 25: 0.0, 10**9: 0.0}),
    (HALF, {0: 0.5, 1: 1.0, 3: 2.0, 4: 2.0, 8: 1.25, 12: 0.5, 13: 0.5}),
    ({"type": "cosine", "initial": 1.0, "steps": 2, "warmup_steps": 1}, {0: 1.0, 1: 1.0, 2: 0.0}),
    ({"type": "cosine", "initial": 1.5, "warmup_epochs": 1}, {0: 0.5, 1: 1.0, 2: 1.5, 3: 1.5, 24: 0.0}),
    ({"type": "linear", "initial": 4.0, "steps": 4}, {0: 4.0, 1: 3.0, 3: 1.0, 4: 0.0, 10**9: 0.0}),
    ({"type": "linear", "initial": 1.0, "final": 3.0, "epochs": 2}, {0: 1.0, 3: 2.0, 6: 3.0, 7: 3.0}),
    ({"type": "linear", "initial": 4.0}, {0: 4.0, 6: 3.0, 24: 0.0}),
    ({"type": "polynomial", "initial": 4.0, "steps": 4}, {0: 4.0, 1: 3.0, 4: 0.0}),
    ({"type": "polynomial", "initial": 5.0, "final": 1.0, "power": 2.0}, {0: 5.0, 12: 2.0, 18: 1.25, 24: 1.0, 99: 1.0}),
    ({"type": "inverse_sqrt", "initial": 0.8}, {0: 0.8, 3: 0.4, 15: 0.2, 63: 0.1}),
    ({"type": "inverse_sqrt", "initial": 0.8, "warmup_steps": 4}, {0: 0.2, 1: 0.4, 3: 0.8, 15: 0.4, 63: 0.2}),
    ({"type": "inverse_sqrt", "initial": 0.8, "warmup_epochs": 2}, {2: 0.4, 5: 0.8, 23: 0.4}),
    (
        {"type": "warmup_stable_decay", "maximum": 2.0, "steps": 20, "warmup": 0.2, "decay": 0.5},
        {0: 0.5, 1: 1.0, 3: 2.0, 4: 2.0, 10: 2.0, 11: 1.8, 15: 1.0, 19: 0.2, 20: 0.0, 10**9: 0.0},
    ),
    ({"type": "warmup_stable_decay", "maximum": 2.0, "warmup": 0.0, "decay": 1.0}, {0: 2.0, 12: 1.0, 24: 0.0}),
    ({"type": "warmup_stable_decay", "maximum": 2.0, "epochs": 4, "warmup": 1.0, "decay": 0.0}, {0: 1 / 6, 11: 2.0}),
    # A warm-up that is longer than all the rest is cut by the end of the run alone.
    ({"type": "cosine", "initial": 1.0, "warmup_steps": 50}, {0: 0.02, 23: 0.48, 49: 1.0, 51: 0.0}),
]


LONGEST = dict.fromkeys(["steps", "epochs", "every", "every_steps", "first_steps", "half_cycle_steps"], 10**12)
LONGEST |= dict.fromkeys(["warmup_steps", "warmup_epochs"], 10**12 - 1)


def bound(spec, steps_per_epoch=3, total_steps=24):
    schedule = specnet.build("schedules", spec)
    schedule.bind(steps_per_epoch, total_steps)
    return schedule


@in_one_test
@pytest.mark.parametrize("spec", [spec for spec, _ in VALUES], ids=lambda spec: spec["type"])
def test_values_are_finite_in_the_longest_runs(spec):
    longest = {key: LONGEST.get(key, value) for key, value in spec.items()}
    schedule = bound(longest, steps_per_epoch=10**9, total_steps=10**21)
    assert all(math.isfinite(schedule(step)) for step in (0, 1, 10**12, 10**21))


def test_every_built_in_schedule_is_in_the_table():
    assert sorted({spec["type"] for spec, _ in VALUES} | {"reduce_on_plateau"}) == built_in("schedules")


@in_one_test
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
    assert bound({"type": "join", "schedules": [FALLING, {**FALLING, "steps": 9}]}).length() == 21
    assert bound({"type": "warmup", "steps": 4, "schedule": {**FALLING, "steps": 9}}).length() == 13
    assert bound({"type": "warmup_stable_decay", "maximum": 1.0, "epochs": 9}).length() == 27


@in_one_test
@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"type": "step", "initial": 1, "every_steps": 0}, ("every_steps",)),
        ({"type": "step", "initial": 1, "every_steps": 1.5}, ("every_steps",)),
        ({"type": "step", "initial": 1, "every_steps": 2, "factor": 0}, ("factor",)),
        ({"type": "step", "initial": 1, "every": 2, "every_steps": 3}, ("every_steps",)),
        ({"type": "multi_step", "initial": 1, "milestones": [2], "milestone_steps": [3]}, ("milestone_steps",)),
        ({"type": "multi_step", "initial": 1, "milestones": [2, 2]}, ("milestones",)),
        ({"type": "piecewise", "values": [1, -1]}, ("values", 1)),
        ({"type": "piecewise", "values": []}, ("values",)),
        ({"type": "piecewise", "values": [1, 2], "boundaries": [3, 4]}, ()),
        ({"type": "piecewise", "values": [1, 2], "boundaries": [3], "boundary_steps": [4]}, ("boundary_steps",)),
        ({"type": "join", "schedules": [FALLING, {"type": "linear"}]}, ("schedules", 1)),
        ({"type": "join", "schedules": [FALLING, FALLING], "boundaries": []}, ()),
        ({"type": "warmup", "steps": 4}, ()),
        ({"type": "warmup", "steps": 4, "epochs": 1, "schedule": FALLING}, ("epochs",)),
        ({"type": "warmup", "steps": 4, "from": -1, "schedule": FALLING}, ("from",)),
        ({"type": "cosine_restarts", "initial": 1, "multiplier": 0.5}, ("multiplier",)),
        ({"type": "cosine_restarts", "initial": 1, "multiplier": 1e154}, ("multiplier",)),
        ({"type": "inverse_sqrt", "initial": 1, "warmup_steps": 10**400}, ("warmup_steps",)),
        ({"type": "warmup_stable_decay", "maximum": 1, "steps": 10**13}, ("steps",)),
        ({"type": "one_cycle", "maximum": 1, "pct_start": 30}, ("pct_start",)),
        ({"type": "cyclic", "minimum": 2, "maximum": 1}, ()),
        ({"type": "cyclic", "minimum": 1, "maximum": 2, "mode": "exp_range"}, ("mode",)),
        ({"type": "exponential", "initial": 1, "factor": -1}, ("factor",)),
        ({"type": "exponential"}, ()),
        ({"type": "exponential", "initial": 1, "every": 2, "every_steps": 3}, ("every_steps",)),
        ({"type": "cosine", "initial": 1, "steps": 9, "epochs": 3}, ("epochs",)),
        ({"type": "cosine", "initial": 1, "warmup_steps": 0, "warmup_epochs": 0}, ("warmup_epochs",)),
        ({"type": "cosine", "initial": 1, "epochs": 5, "warmup_epochs": 5}, ()),
        ({"type": "cosine", "initial": 1, "steps": 0}, ("steps",)),
        ({"type": "cosine", "initial": 1, "steps": 5, "warmup_steps": -1}, ("warmup_steps",)),
        ({"type": "cosine", "initial": 1, "steps": 5, "warmup_steps": 5}, ()),
        ({"type": "constant", "value": "1"}, ("value",)),
        ({"type": "linear", "initial": 1, "final": -1}, ("final",)),
        ({"type": "polynomial", "initial": 1, "power": 0}, ("power",)),
        ({"type": "polynomial", "initial": 1, "steps": 5, "epochs": 5}, ("epochs",)),
        ({"type": "inverse_sqrt", "initial": 1, "warmup_steps": 0}, ("warmup_steps",)),
        ({"type": "inverse_sqrt", "initial": 1, "warmup_steps": 2, "warmup_epochs": 2}, ("warmup_epochs",)),
        ({"type": "warmup_stable_decay", "maximum": 1, "decay": 1.5}, ("decay",)),
        ({"type": "warmup_stable_decay", "maximum": 1, "warmup": 0.5, "decay": 0.6}, ()),
    ],
)
def test_what_is_out_of_bounds_is_refused(spec, place):
    with pytest.raises(SpecError) as caught:
        specnet.build("schedules", spec)
    assert [found.pointer for found in caught.value.diagnostics] == [place]


def test_a_length_may_be_a_share_of_the_run():
    cases = [
        ({"type": "linear", "initial": 1.0, "epochs": "50%"}, {"steps": 20}),
        ({"type": "cosine", "initial": 1.0, "warmup_epochs": "12.5%"}, {"warmup_steps": 5}),
        ({"type": "step", "initial": 1.0, "every": "25%"}, {"every_steps": 10}),
        ({"type": "multi_step", "initial": 1.0, "milestones": ["50%", "75%"]}, {"milestone_steps": [20, 30]}),
        ({"type": "piecewise", "values": [1, 2], "boundaries": ["10%"]}, {"boundary_steps": [4]}),
        ({"type": "cyclic", "minimum": 0.1, "maximum": 1.0, "half_cycle": "5%"}, {"half_cycle_steps": 2}),
        ({"type": "warmup", "epochs": "20%", "schedule": {"type": "linear", "initial": 1.0}}, {"steps": 8}),
    ]
    for shares, steps in cases:
        lengths = ("epochs", "warmup_epochs", "every", "milestones", "boundaries", "half_cycle")
        rest = {key: value for key, value in shares.items() if key not in lengths}
        both = [specnet.build("schedules", each) for each in (shares, rest | steps)]
        for schedule in both:
            schedule.bind(4, 40)
        assert [both[0](step) for step in range(40)] == [both[1](step) for step in range(40)]
        assert specnet.build("schedules", both[0].to_spec()).to_spec() == both[0].to_spec()


@pytest.mark.parametrize("share", ["0%", "101%", "ten", "-5%", "5", "0.00%"])
def test_what_is_no_share_of_the_run_is_refused(share):
    with pytest.raises(specnet.SpecnetError, match="a share of the run"):
        specnet.build("schedules", {"type": "linear", "initial": 1.0, "epochs": share})
