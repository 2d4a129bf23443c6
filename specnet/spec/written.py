"""Specs in the short form that people write."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json, to_jsonable_python

from specnet import registry
from specnet.component import Component
from specnet.spec.model import Spec


def written(spec: Spec) -> dict[str, Any]:
    """Return a resolved spec as the shortest JSON value that resolves to the same spec, with its name.

    Raises:
        UnknownComponentError: if the class of a component is not registered.
    """
    return said(spec, always=("name",))


def short(value: Any) -> Any:
    """Return a validated value as a JSON value without defaults; a component with only defaults is its bare name.

    Raises:
        UnknownComponentError: if the class of a component is not registered.
    """
    if isinstance(value, Component):
        name, fields = registry.name_of(value.group, type(value)), said(value)
        return {"type": name, **fields} if fields else name
    if isinstance(value, BaseModel):
        return said(value)
    if isinstance(value, list | tuple):
        return [short(item) for item in value]
    if isinstance(value, Mapping):
        return {key: short(item) for key, item in value.items()}
    return to_jsonable_python(value)


def said(model: BaseModel, always: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of a component or section that cannot be left out, or are in `always`, as JSON values."""
    cls, meant = type(model), model.model_dump_json(by_alias=True)
    keys = {field.alias or name: name for name, field in cls.model_fields.items() if not field.exclude}
    fields = {key: short(getattr(model, name)) for key, name in keys.items()}
    for key, name in keys.items():
        if key in always or cls.model_fields[name].is_required():
            continue
        # Only the class knows what a default means, and whether it is valid with the other fields.
        rest = {other: value for other, value in fields.items() if other != key}
        if resolved(cls, rest) == meant:
            fields = rest
    return fields


def resolved(cls: type[BaseModel], fields: Mapping[str, Any]) -> str | None:
    """Return fields with every default of a class written out, as JSON; None if the class refuses them."""
    try:
        return cls.model_validate_json(to_json(fields), strict=True).model_dump_json(by_alias=True)
    except ValidationError:
        return None
