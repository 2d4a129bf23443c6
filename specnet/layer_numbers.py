"""The type of a field that chooses layers of a spec's list."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, NonNegativeInt

from specnet.diagnostics import custom_error, show_value

RANGE = r"^[0-9]{0,4}:[0-9]{0,4}$"
"""Numbers of layers from the first up to, but without, the second."""


def _checked(value: Any) -> Any:
    """Return numbers of layers, or a range of them, as they are."""
    numbers = isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)
    if not numbers and not (isinstance(value, str) and re.fullmatch(RANGE, value)):
        message = f"expected numbers of layers or a range of them, not {show_value(value)}"
        raise custom_error("wrong-value", message, 'write [0, 1, 2] or "0:3", which is the same')
    return value


LayerNumbers = Annotated[Annotated[str, Field(pattern=RANGE)] | list[NonNegativeInt], BeforeValidator(_checked)]


def layer_numbers(chosen: str | list[int], count: int) -> list[int]:
    """Return the numbers of chosen layers in a network of `count` layers, or more if the spec says so."""
    if isinstance(chosen, list):
        return chosen
    start, _, stop = chosen.partition(":")
    return [*range(int(start or 0), int(stop or count))]
