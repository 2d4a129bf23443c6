"""The contract of `specnet.schedules.base.Schedule`, for every schedule that is registered."""

import json

import numpy as np
import pytest
from helpers import built_in

import specnet

CONFIGS = {
    "constant": {"value": 0.3},
    "step": {"initial": 0.8, "every": 3},
    "exponential": {"initial": 3.0, "every": 2},
    "cosine": {"initial": 0.1, "steps": 12, "warmup": 4, "final": 0.01},
    "reduce_on_plateau": {"initial": 0.3, "factor": 0.7, "patience": 2, "cooldown": 1, "minimum": 0.1},
}
STEPS = (0, 1, 5, 10**9)
LINES = [{"epoch": epoch, "validation/loss": loss} for epoch, loss in enumerate(np.random.default_rng(0).random(20), 1)]
every_schedule = pytest.mark.parametrize("name", built_in("schedules"))


def build(name):
    return specnet.build("schedules", {"type": name, **CONFIGS[name]})


def looked(schedule, lines):
    """Give the state after each line, and the values that the schedule then has."""
    for line in lines:
        schedule.look(line)
        yield schedule.save(), [schedule(step) for step in STEPS]


def test_every_built_in_schedule_is_in_the_table():
    assert sorted(CONFIGS) == built_in("schedules")


@every_schedule
def test_json_round_trip_gives_the_same_schedule(name):
    written = json.loads(json.dumps(build(name).to_spec()))
    assert CONFIGS[name].items() <= written.items()
    assert specnet.build("schedules", written).to_spec() == written


@every_schedule
def test_values_are_floats_and_asking_changes_none(name):
    schedule = build(name)
    values = [schedule(step) for step in STEPS]
    assert all(type(value) is float for value in values)
    assert [schedule(step) for step in reversed(STEPS)] == values[::-1]


@every_schedule
@pytest.mark.parametrize("cut", range(len(LINES) + 1))
def test_a_schedule_goes_on_exactly_from_its_state_in_json(name, cut):
    first, second = build(name), build(name)
    list(looked(first, LINES[:cut]))
    saved = json.dumps(first.save(), allow_nan=False)
    second.restore(json.loads(saved))
    assert [second(step) for step in STEPS] == [first(step) for step in STEPS]
    assert json.dumps(second.save()) == saved
    assert list(looked(second, LINES[cut:])) == list(looked(first, LINES[cut:]))


@every_schedule
def test_a_saved_state_is_not_changed_by_what_follows(name):
    schedule = build(name)
    saved = [schedule.save()]
    texts = [json.dumps(saved[0])]
    for state, _ in looked(schedule, LINES):
        saved.append(state)
        texts.append(json.dumps(state))
    assert [json.dumps(state) for state in saved] == texts


@every_schedule
def test_looking_and_restoring_leave_the_spec_of_a_schedule_alone(name):
    schedule = build(name)
    list(looked(schedule, LINES))
    assert schedule.to_spec() == build(name).to_spec()
    assert schedule == build(name)
