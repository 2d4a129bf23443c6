"""Components with one mistake each: the suite names the check that finds it. Those without one pass all checks."""

from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from testing.faulty.base import ARGUMENTS, CONTINUES, ENDURES, FAULTS, GOOD, JSON, SAME, SURROUNDINGS

from specnet.testing import ConformanceError, check, examine

for path in sorted(Path(__file__).with_name("faulty").glob("*.py")):
    import_module(f"testing.faulty.{path.stem}")


@cache
def examined(number):
    return [*examine(GOOD[number])]


@pytest.mark.parametrize(
    "number", range(len(GOOD)), ids=lambda number: f"{GOOD[number].group}-{type(GOOD[number]).__name__}"
)
def test_there_is_no_false_alarm(number):
    assert [outcome for outcome in examined(number) if not outcome.passed] == []


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(("component", "checks", "told"), FAULTS)
def test_a_mistake_is_found_by_its_check_and_told(component, checks, told):
    with pytest.raises(ConformanceError, match=f"(?s){told}") as caught:
        check(component)
    assert {outcome.check for outcome in caught.value.outcomes} == checks, caught.value


def test_every_check_finds_a_mistake():
    found = {(param.values[0].group, check) for param in FAULTS for check in param.values[1]}
    known = {(good.group, outcome.check) for number, good in enumerate(GOOD) for outcome in examined(number)}
    elsewhere = {JSON, "files of another form are refused"}  # see the other tests
    shared = {SAME, ARGUMENTS, CONTINUES, ENDURES, SURROUNDINGS}  # which are found in some of the groups
    assert shared <= {check for _, check in found}
    assert {(group, check) for group, check in known - found if check not in shared | elsewhere} == set()
    assert {check for group, check in known - found if group == "layers"} == {SURROUNDINGS}  # see test_surroundings.py
