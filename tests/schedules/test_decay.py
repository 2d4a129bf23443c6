import math

import pytest

import specnet
from specnet.errors import SpecError

HALF = {"type": "cosine", "initial": 2.0, "final": 0.5, "steps": 12, "warmup": 4}

# The value that each schedule has after so many steps.
VALUES = [
    ({"type": "constant", "value": 0.3}, {0: 0.3, 1: 0.3, 10**9: 0.3}),
    ({"type": "step", "initial": 0.8, "every": 3, "factor": 0.5}, {0: 0.8, 2: 0.8, 3: 0.4, 5: 0.4, 6: 0.2}),
    ({"type": "step", "initial": 1.0, "every": 1}, {0: 1.0, 1: 0.1, 2: 0.01}),
    ({"type": "exponential", "initial": 3.0, "every": 2, "factor": 0.25}, {0: 3.0, 1: 1.5, 2: 0.75, 4: 0.1875}),
    ({"type": "exponential", "initial": 1.0}, {0: 1.0, 500: math.sqrt(0.5), 1000: 0.5, 10**9: 0.0}),
    ({"type": "cosine", "initial": 4.0, "steps": 6}, {0: 4.0, 2: 3.0, 3: 2.0, 4: 1.0, 6: 0.0, 7: 0.0, 10**9: 0.0}),
    (HALF, {0: 0.5, 1: 1.0, 3: 2.0, 4: 2.0, 8: 1.25, 12: 0.5, 13: 0.5}),
    ({"type": "cosine", "initial": 1.0, "steps": 2, "warmup": 1}, {0: 1.0, 1: 1.0, 2: 0.0}),
]


@pytest.mark.parametrize(("spec", "values"), VALUES)
def test_values_at_these_steps(spec, values):
    schedule = specnet.build("schedules", spec)
    assert {step: schedule(step) for step in values} == pytest.approx(values, rel=1e-14, abs=1e-15)
    assert all(type(schedule(step)) is float for step in values)


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"type": "step", "initial": 1, "every": 0}, ("every",)),
        ({"type": "step", "initial": 1, "every": 1.5}, ("every",)),
        ({"type": "step", "initial": 1, "every": 2, "factor": 0}, ("factor",)),
        ({"type": "exponential", "initial": 1, "factor": -1}, ("factor",)),
        ({"type": "exponential"}, ()),
        ({"type": "cosine", "initial": 1, "steps": 0}, ("steps",)),
        ({"type": "cosine", "initial": 1, "steps": 5, "warmup": -1}, ("warmup",)),
        ({"type": "cosine", "initial": 1, "steps": 5, "warmup": 5}, ()),
        ({"type": "constant", "value": "1"}, ("value",)),
    ],
)
def test_what_is_out_of_bounds_is_refused(spec, place):
    with pytest.raises(SpecError) as caught:
        specnet.build("schedules", spec)
    assert [found.pointer for found in caught.value.diagnostics] == [place]
