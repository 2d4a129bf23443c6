"""The valid parts of a spec with mistakes, so that checks across fields can run as well."""

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
"""Length of the pointer to a component, below a key that takes components."""


def draft_spec(value: Any, mistakes: list[Diagnostic]) -> Spec | None:
    """Return the valid parts of a spec: invalid keys are left out, and invalid components are None.

    None if nothing is valid.
    """
    if not isinstance(value, dict):
        return None
    value = copy.deepcopy(value)
    for found in mistakes:
        # A component with a mistake is dropped: its other fields may be meant for another one.
        _cut(value, found.pointer[: COMPONENTS.get(str(found.pointer[0])) if found.pointer else 0])
    for _ in range(2):  # a section may require a key that was removed: then all of it is removed
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
    """Remove the value at a pointer; in a list, None replaces it."""
    *path, last = pointer or (None,)
    for part in path:
        value = value[part] if _has(value, part) else None
    if isinstance(value, list) and _has(value, last):
        value[last] = None  # type: ignore[index]
    elif isinstance(value, dict):
        value.pop(last, None)


def _has(value: Any, part: Any) -> bool:
    return part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
