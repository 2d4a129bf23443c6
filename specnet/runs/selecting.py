"""Choose and sort rows of a table by their values: `--where optimizer.type=adam --where "test/loss<0.1"`, `--sort`."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from specnet.errors import UsageError
from specnet.names import suggest
from specnet.spec.overrides import find_setting

_COMPARE = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_FORM = re.compile(r"\s*(\S|\S.*?[^<>=!\s])\s*(>=|<=|!=|==|=|>|<)\s*(.*?)\s*", re.DOTALL)

RowValues = Mapping[str, Any]
"""The values of a row by name: numbers, text, or other JSON values."""
_Row = TypeVar("_Row")


class SeveralValues(tuple[Any, ...]):
    """The different values of the runs of a group."""


class Condition(NamedTuple):
    """A comparison of a value, by its name, with a number or text."""

    name: str
    comparison: str
    value: Any

    def __str__(self) -> str:
        return f"{self.name}{self.comparison}{self.value}"

    def holds(self, values: RowValues) -> bool:
        """Return whether a row meets the condition, of a group each run; one without the value meets only !=."""
        found = values.get(self.name)
        if isinstance(found, SeveralValues):
            return all(self.holds({self.name: each}) for each in found)
        if found is None:
            return (self.value is None) == (self.comparison != "!=")
        wanted = self.value
        if is_number(found) != is_number(wanted):
            return self.comparison == "!="
        if not is_number(found):
            found, wanted = to_text(found), to_text(wanted)
        return bool(_COMPARE[self.comparison](found, wanted))

    def check_kind(self, rows: Iterable[RowValues]) -> None:
        """Raise a UsageError if the condition compares numbers with text, or text with numbers, in all rows."""
        found = [each for row in rows for each in _each(row.get(self.name)) if each is not None]
        if self.value is None or not found or any(is_number(each) == is_number(self.value) for each in found):
            return
        one, other, help = "a number", "text", None
        if not is_number(found[0]):
            one, other = other, one
            help = f"""quote text that looks like a number: '{self.name}="{self.value}"'"""
        example = f"{self.name} is {one}, such as {to_text(found[0])}"
        raise UsageError(f'--where "{self}": {example}, but {to_text(self.value)} is {other}', help=help)


def _each(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, SeveralValues) else (value,)


def is_number(value: Any) -> bool:
    """Return whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def to_text(value: Any) -> str:
    """Return a value as one writes it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parse_condition(text: str) -> Condition:
    """Return the condition that a text describes, or raise a UsageError if it has another form."""
    if not (found := _FORM.fullmatch(text)):
        help = 'write a condition such as "status=finished" or "test/loss<0.1"'
        raise UsageError(f'--where "{text}" is not a condition', help=help)
    try:
        value = json.loads(found[3])
    except ValueError:
        value = found[3]
    return Condition(found[1], found[2], value)


def select(
    rows: Sequence[tuple[_Row, RowValues]], conditions: Iterable[Condition], order: str | None = None
) -> list[tuple[_Row, RowValues]]:
    """Return the rows that meet all conditions, sorted by the value named by `order`, descending after a minus sign.

    Rows without the value, with several, or with one that is not a number, come last.

    Raises:
        UsageError: if no row has a value of that name, or a number is compared with text.
    """
    known = dict.fromkeys(name for _, values in rows for name in values)
    conditions = [*conditions]
    for condition in conditions:
        check_known(f'--where "{condition}"', condition.name, known)
        condition.check_kind(values for _, values in rows)
    rows = [row for row in rows if all(condition.holds(row[1]) for condition in conditions)]
    if order is None:
        return [*rows]
    name, descending = order.removeprefix("-"), order.startswith("-")
    check_known(f"--sort {order}", name, known)
    if rows and all(isinstance(values.get(name), SeveralValues) for _, values in rows):
        help = "name only one group: its runs are then the rows"
        raise UsageError(f"--sort {order}: the runs of each group have different values of {name}", help=help)
    there = [row for row in rows if _is_sortable(row[1].get(name))]
    missing = [row for row in rows if not _is_sortable(row[1].get(name))]
    return sorted(there, key=lambda row: _key(row[1][name]), reverse=descending) + missing


def check_known(where: str, name: str, known: Iterable[str]) -> None:
    """Raise a UsageError, naming the option `where`, if there are rows and none has a value of this name."""
    names = [*known]
    if names and name not in names:
        setting = find_setting(name)
        help = f'did you mean "{setting}"?' if setting in names else suggest(name, names)
        raise UsageError(f'{where}: there is no value "{name}"', help=help)


def _is_sortable(value: Any) -> bool:
    return not (value is None or isinstance(value, SeveralValues) or (isinstance(value, float) and math.isnan(value)))


def _key(value: Any) -> tuple[bool, Any]:
    return (False, value) if is_number(value) else (True, to_text(value))
