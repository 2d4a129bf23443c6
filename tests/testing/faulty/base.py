"""How components are noted that have no mistake, or one that a check finds."""

from collections.abc import Callable
from typing import Any

import pytest

SAME = "the same data have the same results"
ARGUMENTS = "arguments are left alone"
CONTINUES = "it continues from what a run saves"
ENDURES = "it endures a hundred steps"
SURROUNDINGS = "its surroundings are not changed"
REPEATED = "weights count as repetitions"
OMITTED = "a weight of 0 leaves a sample out"
PRECISION = "float32 agrees with float64"
JSON = "its JSON describes it in full"
ROWS = "in inference each sample is computed by itself"
"""Checks that several of these files name."""

GOOD: list[Any] = []
"""Components without a mistake."""
FAULTS: list[Any] = []
"""Components with a mistake each, the checks that find it, and what one of them tells."""


def good(cls: Any) -> Any:
    """Note a class without a mistake."""
    GOOD.append(cls())
    return cls


def fault(check: str, told: str, *also: str, **fields: Any) -> Callable[[Any], Any]:
    """Note a class with a mistake that is found by one check, which tells this; and, as it follows, by others."""

    def note(cls: Any) -> Any:
        component = cls(**fields)
        FAULTS.append(pytest.param(component, {check, *also}, told, id=f"{component.group}-{cls.__name__}"))
        return cls

    return note
