"""Validate JSON values as specs and components."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from specnet.component import PARTIAL, Component, build
from specnet.diagnostics import explain_invalid, explain_unknown_keys
from specnet.errors import Diagnostic, SpecError
from specnet.spec.document import Document
from specnet.spec.model import Spec
from specnet.spec.text import Source, parse_json

COMPONENTS = {
    "dataset": 1, "loss": 1, "optimizer": 1, "layers": 2, "metrics": 2, "plots": 2, "transforms": 3, "training": 3,
}  # fmt: skip
"""Length of the pointer to a component, below a key that takes components."""


def parse_spec(value: Any, name: str | None = None) -> Spec:
    """Return the spec that a JSON value describes; `name` is the file it is from, if any.

    Raises:
        SpecError: with every invalid field.
    """
    try:
        spec = Spec.model_validate_json(to_json(value), strict=True)
    except PydanticSerializationError:  # JSON escapes can contain it
        raise SpecError([Diagnostic("encoding", "half of a surrogate pair is not a character")], file=name) from None
    except ValidationError as error:
        raise explain_invalid(explain_unknown_keys(error, Spec), file=name) from None
    return spec.loaded(Document(value, name))


def valid_parts(value: Any, mistakes: Iterable[Diagnostic]) -> Spec | None:
    """Return a spec without what is wrong, so that the rest can be checked, or None if there is no rest.

    Wrong keys are left out, and components with a mistake are None: their other fields may be meant for another one.
    """
    if not isinstance(value, dict):
        return None
    value = copy.deepcopy(value)
    for found in mistakes:
        if found.pointer:
            _remove(value, found.pointer[: COMPONENTS.get(str(found.pointer[0]))])
    value = {"dataset": None, "layers": [None], "loss": None} | value
    with suppress(ValidationError):
        return Spec.model_validate_json(to_json(value), strict=True, context=PARTIAL)
    return None


def _remove(value: Any, pointer: tuple[Any, ...]) -> None:
    """Remove the value at a pointer, if it is written out; in a list, None replaces it."""
    *path, last = pointer
    with suppress(LookupError, TypeError):
        container = reduce(operator.getitem, path, value)
        if isinstance(container, list):
            container[last] = None
        else:
            del container[last]


def parse_component(group: str, text: str) -> Component:
    """Return the component of a group that a JSON text describes; relative paths start from the working directory.

    Raises:
        SpecError: with every mistake and its place in the text.
    """
    source = Source("the component", text, Path(), from_file=False)
    parsed = parse_json(source)
    document = Document(parsed.value, spans=parsed.spans)
    mistakes = list(parsed.mistakes)
    if not mistakes:
        try:
            return build(group, parsed.value)
        except SpecError as error:
            mistakes = error.diagnostics
    raise SpecError([document.locate(found) for found in mistakes])
