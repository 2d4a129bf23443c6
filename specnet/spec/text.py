"""Spec files as text: strict JSON in UTF-8."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic_core import from_json

from specnet.errors import Diagnostic, SpecError, os_reason


def read_json(path: Path) -> Any:
    """Return the JSON value in a file.

    Raises:
        SpecError: if it cannot be read or is not strict JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError([Diagnostic("file", os_reason(error))], file=str(path)) from error
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: byte {error.start} cannot be decoded"
        raise SpecError([Diagnostic("syntax", message)], file=str(path)) from error
    if text.startswith("\ufeff"):
        message = "the file begins with a byte order mark: save it as UTF-8 without one"
        raise SpecError([Diagnostic("syntax", message)], file=str(path))
    try:
        return parse_json(text)
    except SpecError as error:
        error.file = str(path)
        raise


def parse_json(text: str) -> Any:
    """Return the value of a JSON text; duplicate keys and numbers that are not finite are errors.

    Raises:
        SpecError: saying what is wrong, and in which line and column where the parser knows.
    """
    try:
        # pydantic's parser refuses what the standard one lets through or breaks on: half a surrogate pair,
        # integers of thousands of digits, nesting without end.
        from_json(text)
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, TypeError) as error:
        raise SpecError([Diagnostic("syntax", str(error))]) from error


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise SpecError([Diagnostic("duplicate-key", f'the key "{twice}" is given more than once in one object')])
    return result


def _refuse(constant: str) -> NoReturn:
    raise SpecError([Diagnostic("syntax", f"{constant} is not a JSON number")])


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise SpecError([Diagnostic("out-of-range", f"the number {text} is too large")])
    return number
