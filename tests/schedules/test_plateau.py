import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import specnet
from specnet.errors import SpecError


def build(**fields):
    return specnet.build("schedules", {"type": "reduce_on_plateau", "initial": 1.0, **fields})


def values_after(schedule, monitored):
    """Return the value of a schedule after each look at a monitored value."""
    values = []
    for value in monitored:
        schedule.look({schedule.monitor: value, "train/other": -1e9})
        values.append(schedule(0))
    return values


@pytest.mark.parametrize(
    ("fields", "monitored", "values"),
    [
        # The value falls after as many epochs without improvement as patience says, and waiting starts anew.
        ({"factor": 0.5, "patience": 2}, [3, 3, 3, 3, 3, 3], [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ({"factor": 0.5, "patience": 1}, [3, 3, 2, 2], [1, 0.5, 0.5, 0.25]),
        ({"factor": 0.5, "patience": 3}, [3, 4, 4, 2, 4, 4, 1], [1] * 7),
        # The best value outlives a reduction: 2 is better than what came last, and no improvement.
        ({"factor": 0.5, "patience": 2}, [1, 4, 4, 2, 2], [1, 1, 0.5, 0.5, 0.25]),
        # Higher is better.
        ({"factor": 0.5, "patience": 2, "mode": "max"}, [1, 2, 3, 2, 2], [1, 1, 1, 1, 0.5]),
        # A change of min_delta is not enough.
        ({"factor": 0.5, "patience": 1, "min_delta": 1}, [5, 4, 3.5, 2.5], [1, 0.5, 0.5, 0.25]),
        # Epochs of a cooldown are not waited for; an improvement in them counts.
        ({"factor": 0.5, "patience": 1, "cooldown": 2}, [3, 3, 3, 3, 3], [1, 0.5, 0.5, 0.5, 0.25]),
        ({"factor": 0.5, "patience": 1, "cooldown": 1}, [3, 3, 1, 2], [1, 0.5, 0.5, 0.25]),
        # The value stops at the minimum.
        ({"factor": 0.5, "patience": 1, "minimum": 0.3}, [3, 3, 3, 3], [1, 0.5, 0.3, 0.3]),
        ({"patience": 1, "minimum": 1}, [3, 3, 3], [1, 1, 1]),
        # As it comes: ten epochs, a tenth.
        ({}, [3] * 12, [1] * 10 + [0.1] * 2),
    ],
)
def test_values_after_these_epochs(fields, monitored, values):
    assert values_after(build(**fields), monitored) == values


def reference(monitored, *, factor, patience, min_delta, mode, cooldown, minimum):
    """Return the values after each epoch, found by counting epochs: no state but when something happened last."""
    better = {"min": lambda a, b: a < b - min_delta, "max": lambda a, b: a > b + min_delta}[mode]
    values, best, improved, resumed = [], None, 0, 0
    rate = 1.0
    for epoch, value in enumerate(monitored, 1):
        if best is None or better(value, best):
            best, improved = value, epoch
        if epoch - max(improved, resumed) >= patience:
            resumed = epoch + cooldown
            rate = factor * rate if factor * rate > minimum else minimum
        values.append(rate)
    return values


# Multiples of a quarter, whose differences are exact.
QUARTERS = st.integers(-12, 12).map(lambda number: number / 4)
FIELDS = st.fixed_dictionaries(
    {
        "factor": st.sampled_from([0.1, 0.5, 0.9]),
        "patience": st.integers(1, 4),
        "min_delta": st.sampled_from([0.0, 0.25, 1.0]),
        "mode": st.sampled_from(["min", "max"]),
        "cooldown": st.integers(0, 3),
        "minimum": st.sampled_from([0.0, 0.05, 1.0]),
    }
)


@settings(max_examples=500)
@given(FIELDS, st.lists(QUARTERS, max_size=40), st.integers(0, 40))
def test_values_are_those_of_counting_epochs_also_from_a_state_in_json(fields, monitored, cut):
    first, second = build(**fields), build(**fields)
    values = values_after(first, monitored[:cut])
    second.restore(json.loads(json.dumps(first.save())))
    assert values + values_after(second, monitored[cut:]) == reference(monitored, **fields)


def test_the_value_is_the_same_at_every_step_of_an_epoch():
    schedule = build(patience=1)
    values_after(schedule, [1, 1])
    assert {schedule(step) for step in (0, 1, 10**9)} == {0.1}


def test_the_run_says_which_is_better_where_the_spec_does_not():
    schedule = build(patience=1, monitor="validation/accuracy")
    schedule.begin("max")
    assert values_after(schedule, [0.1, 0.2, 0.3]) == [1, 1, 1]
    schedule.begin("min")
    assert schedule(0) == 1
    assert values_after(schedule, [0.9, 0.8, 0.9]) == [1, 1, 0.1]


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ({"factor": 0}, ("factor",), "greater than 0"),
        ({"factor": 1}, ("factor",), "less than 1"),
        ({"patience": 0}, ("patience",), "greater than 0"),
        ({"cooldown": -1}, ("cooldown",), "greater than or equal to 0"),
        ({"min_delta": -0.1}, ("min_delta",), "greater than or equal to 0"),
        ({"minimum": -0.1}, ("minimum",), "greater than or equal to 0"),
        ({"minimum": 1.5}, (), "initial (1.0) should not be less than minimum (1.5)"),
        ({"mode": "least"}, ("mode",), "'min' or 'max'"),
        ({"monitor": None}, ("monitor",), "text"),
    ],
)
def test_what_is_out_of_bounds_is_refused(fields, place, message):
    with pytest.raises(SpecError) as caught:
        build(**fields)
    (found,) = caught.value.diagnostics
    assert found.pointer == place
    assert message in found.message
