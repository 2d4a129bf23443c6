"""What is right of a spec with mistakes, so that checks across its parts can tell theirs in the same run."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from specnet.component import DRAFT
from specnet.diagnostics import explain
from specnet.errors import Diagnostic, Pointer
from specnet.spec.model import Spec

COMPONENTS = {"dataset": 1, "loss": 1, "optimizer": 1, "layers": 2, "metrics": 2, "plots": 2, "transforms": 3}
"""How long the pointer to a component is, below a key that takes some."""


def draft_spec(value: Any, mistakes: list[Diagnostic]) -> Spec | None:
    """Return what is right of a spec: wrong keys are left out, and components that cannot be made are None.

    None if nothing is right.
    """
    if not isinstance(value, dict):
        return None
    value = copy.deepcopy(value)
    for found in mistakes:
        # Of a component with a mistake nothing is known: its other fields may be meant for another.
        _cut(value, found.pointer[: COMPONENTS.get(str(found.pointer[0])) if found.pointer else 0])
    for _ in range(2):  # a section may miss what was cut out of it: then it goes as a whole
        for key, unknown in (("dataset", None), ("layers", [None]), ("loss", None)):
            value.setdefault(key, unknown)
        try:
            return Spec.model_validate_json(to_json(value), strict=True, context=DRAFT)
        except PydanticSerializationError:
            return None
        except ValidationError as error:
            for found in explain(error).diagnostics:
                _cut(value, found.pointer)
    return None


def _cut(value: Any, pointer: Pointer) -> None:
    """Take out what stands at a pointer; in a list, None takes its place."""
    *path, last = pointer or (None,)
    for part in path:
        value = value[part] if _has(value, part) else None
    if isinstance(value, list) and _has(value, last):
        value[last] = None  # type: ignore[index]
    elif isinstance(value, dict):
        value.pop(last, None)


def _has(value: Any, part: Any) -> bool:
    return part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
