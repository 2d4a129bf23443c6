"""Specs in the short form that people write: without what is default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from specnet import registry
from specnet.component import Component
from specnet.plugin_code import staying
from specnet.spec.model import Spec


def shortest_spec(spec: Spec) -> dict[str, Any]:
    """Return the shortest JSON value that resolves to a spec, with its name.

    Raises:
        UnknownComponentError: if the class of a component is not registered.
    """
    return _needed_fields(spec, always=("name",))


def shortest(value: Any) -> Any:
    """Return a validated value as a JSON value without defaults; a component with only defaults is its bare name.

    Raises:
        UnknownComponentError: if the class of a component is not registered.
    """
    if isinstance(value, Component):
        name, fields = registry.name_of(value.group, type(value)), _needed_fields(value)
        return {"type": name, **fields} if fields else name
    if isinstance(value, BaseModel):
        dumped: Any = value.model_dump(mode="json", by_alias=True)
        return _needed_fields(value) if isinstance(dumped, dict) else dumped
    if isinstance(value, list | tuple):
        return [shortest(item) for item in value]
    if isinstance(value, Mapping):
        return {key: shortest(item) for key, item in value.items()}
    return to_jsonable_python(value)


@staying()
def _needed_fields(model: BaseModel, always: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of a component or section that cannot be left out, or are in `always`, as JSON values."""
    cls, resolved = type(model), model.model_dump_json(by_alias=True)
    names = {field.alias or name: name for name, field in cls.model_fields.items() if not field.exclude}
    needed = {key: getattr(model, name) for key, name in names.items()}
    for key, name in names.items():
        if key in always or cls.model_fields[name].is_required():
            continue
        # Only the class knows what a default means, and whether it is valid with the other fields.
        rest = {other: value for other, value in needed.items() if other != key}
        with suppress(ValidationError):
            if cls.model_validate(rest).model_dump_json(by_alias=True) == resolved:
                needed = rest
    return {key: shortest(value) for key, value in needed.items()}
