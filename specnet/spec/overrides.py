"""Overrides: `training.epochs=20` changes one value of a spec."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from specnet.errors import Diagnostic, SpecError
from specnet.spec.text import parse_json


def apply_overrides(document: Any, overrides: Sequence[str]) -> Any:
    """Return a copy of a spec's JSON value with each `path=value` set.

    A path is keys and list positions joined by dots. A value is JSON, or a bare word for a string. Objects on the
    way are created where missing; a component given by its bare name becomes an object with that type.

    Raises:
        SpecError: with every override that cannot be applied.
    """
    document, mistakes = copy.deepcopy(document), []
    for override in overrides:
        path, equals, text = override.partition("=")
        if not equals or not path:
            message = f"--set {override}: an override is PATH=VALUE, such as training.epochs=20"
            mistakes.append(Diagnostic("override", message))
            continue
        try:
            _set(document, path.split("."), _value(text))
        except SpecError as error:
            mistakes += [replace(found, message=f"--set {override}: {found.message}") for found in error.diagnostics]
    if mistakes:
        raise SpecError(mistakes)
    return document


def _value(text: str) -> Any:
    """Parse JSON; what does not look like JSON is a string."""
    if not re.match(r'[\s\[{"\-0-9]|(true|false|null|NaN|Infinity)$', text):
        return text
    try:
        return parse_json(text)
    except SpecError as error:
        help = f"a string that begins like a number, a list or an object needs quotes: {json.dumps(text)}"
        raise SpecError([replace(found, help=help) for found in error.diagnostics]) from None


def _set(document: Any, path: list[str], value: Any) -> None:
    place = document
    for depth, part in enumerate(path):
        key = _key(place, part, tuple(path[:depth]))
        if depth == len(path) - 1:
            place[key] = value
        else:
            below = place[key] if isinstance(place, list) else place.get(key)
            if below is None or isinstance(below, str):
                below = place[key] = {} if below is None else {"type": below}
            place = below


def _key(place: Any, part: str, pointer: tuple[str, ...]) -> Any:
    """What `part` selects in an object or a list."""
    if isinstance(place, dict):
        return part
    if not isinstance(place, list):
        raise _wrong(f'"{part}" cannot be set inside {place!r}, which is not an object', pointer)
    if not place:
        raise _wrong(f'there is no position "{part}" in an empty list', pointer)
    if not part.isdecimal() or int(part) >= len(place):
        raise _wrong(f'"{part}" is not one of the positions 0 to {len(place) - 1} of the list', pointer)
    return int(part)


def _wrong(message: str, pointer: tuple[str | int, ...]) -> SpecError:
    return SpecError([Diagnostic("override", message, pointer)])
