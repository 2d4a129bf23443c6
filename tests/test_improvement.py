import json

import pytest

from specnet.improvement import ImprovementTracker


def looks(watch, values):
    return [watch.look({"validation/loss": value}) for value in values]


@pytest.mark.parametrize(
    ("mode", "min_delta", "values", "improved"),
    [
        ("min", 0.0, [3, 2, 2, 2.5, 1], [True, True, False, False, True]),
        ("max", 0.0, [3, 2, 4, 4, 5], [True, False, True, False, True]),
        ("min", 0.5, [3, 2.75, 2.5, 2.25, 2], [True, False, False, True, False]),
        ("max", 0.5, [0, 0.5, 0.75, 1.25, 1.5], [True, False, True, False, True]),
    ],
)
def test_an_improvement_is_more_than_min_delta_in_the_right_direction(mode, min_delta, values, improved):
    watch = ImprovementTracker("validation/loss", mode, min_delta)
    assert looks(watch, values) == improved
    assert watch.best == [value for value, better in zip(values, improved, strict=True) if better][-1]
    assert not watch.exhausted


def test_patience_counts_looks_since_the_last_improvement():
    watch, exhausted = ImprovementTracker("validation/loss", "min", patience=2), []
    for value in (3, 3, 2, 2, 2, 1):
        looks(watch, [value])
        exhausted.append(watch.exhausted)
    assert exhausted == [False, False, False, False, True, False]


def test_a_watch_goes_on_from_its_state_in_json():
    first, second = (ImprovementTracker("validation/loss", "max", patience=3) for _ in range(2))
    looks(first, [1.0, 0.1 + 0.2, 0.0])
    second.restore(json.loads(json.dumps(first.save())))
    assert (second.best, second.waited) == (first.best, first.waited) == (1.0, 2)
    assert looks(second, [0.5]) == [False]
    assert second.exhausted
