"""Requirements on results, such as `accuracy>=0.95`."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import NamedTuple

from specnet.errors import RequirementError, UsageError
from specnet.names import suggest

_COMPARE = {">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt}
_FORM = re.compile(r"\s*(\S|\S.*[^<>=\s])\s*(>=|<=|==|>|<)\s*([-+0-9.eE]+)\s*")


class Requirement(NamedTuple):
    """A comparison of a value, by its name, with a number."""

    name: str
    comparison: str
    number: float

    def __str__(self) -> str:
        return f"{self.name}{self.comparison}{self.number:g}"


def parse_requirement(text: str) -> Requirement:
    """Return the requirement that a text describes.

    Raises:
        UsageError: if it has another form.
    """
    found = _FORM.fullmatch(text)
    try:
        return Requirement(found[1], found[2], float(found[3]))  # type: ignore[index]
    except (TypeError, ValueError):
        raise UsageError(f'"{text}" is no requirement', help='expected a form such as "accuracy>=0.95"') from None


def check_requirements(requirements: list[Requirement], scores: Mapping[str, float]) -> None:
    """Check that loss and metrics meet all requirements; a value that is not a number meets none.

    Raises:
        UsageError: if there is no such value.
        RequirementError: naming the requirements that are not met.
    """
    for each in requirements:
        if each.name not in scores:
            raise UsageError(f'there is no value "{each.name}" to compare', help=suggest(each.name, scores, "values"))
    failed = [
        f"{each} is not met: {each.name} is {scores[each.name]:.6g}"
        for each in requirements
        if not _COMPARE[each.comparison](scores[each.name], each.number)
    ]
    if failed:
        raise RequirementError("\n".join(failed))
