"""Requirements on results, such as `accuracy>=0.95`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from specnet.errors import RequirementError, UsageError
from specnet.names import suggest
from specnet.runs.selecting import Condition

_FORM = re.compile(r"\s*(\S|\S.*[^<>=\s])\s*(>=|<=|==|>|<)\s*([-+0-9.eE]+)\s*")


def parse_requirement(text: str) -> Condition:
    """Return the condition, with a number, that a text describes, or raise a UsageError if it has another form."""
    found = _FORM.fullmatch(text)
    try:
        return Condition(found[1], found[2], float(found[3]))  # type: ignore[index]
    except (TypeError, ValueError):
        raise UsageError(f'"{text}" is not a requirement', help='write a condition such as "accuracy>=0.95"') from None


def check_requirements(requirements: list[Condition], scores: Mapping[str, float]) -> None:
    """Check that loss and metrics meet all requirements; a value that is not a number meets none.

    Raises:
        UsageError: if there is no such value.
        RequirementError: naming the requirements that are not met.
    """
    for each in requirements:
        if each.name not in scores:
            raise UsageError(f'there is no value "{each.name}" to compare', help=suggest(each.name, scores, "values"))
    failed = [
        f"{each.name}{each.comparison}{each.value:g} is not met: {each.name} is {scores[each.name]:.6g}"
        for each in requirements
        if not each.holds(scores)
    ]
    if failed:
        raise RequirementError("\n".join(failed))
