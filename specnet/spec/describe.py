"""Descriptions of the fields of a component."""

from __future__ import annotations

import json
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic_core import to_jsonable_python

from specnet.component import Component
from specnet.schedules.base import scheduled

LIMITS = {
    "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "multiple_of": "multiple of",
    "min_length": "length >=", "max_length": "length <=",
}  # fmt: skip
"""Signs of the limits of a field."""


class FieldText(NamedTuple):
    """The description of a field."""

    name: str
    type: str
    default: str
    description: str
    limits: str


def describe_fields(cls: type[Component]) -> list[FieldText]:
    """Return key, JSON type, default, description and limits of each field of a component."""
    rows = []
    for attribute, field in cls.model_fields.items():
        limits = ", ".join(
            f"{sign} {getattr(limit, name)}"
            for limit in field.metadata
            for name, sign in LIMITS.items()
            if getattr(limit, name, None) is not None
        )
        value = field.get_default(call_default_factory=True)
        default = "required" if field.is_required() else json.dumps(value, default=_to_json)
        name, kind = field.alias or attribute, _type_name(field.annotation)
        if any(isinstance(each, scheduled) for each in field.metadata):
            kind += " | schedule"
        rows.append(FieldText(name, kind, default, field.description or "", limits))
    return rows


def _to_json(value: Any) -> Any:
    """Return the JSON form of a default that the json module does not support."""
    return value.to_spec() if isinstance(value, Component) else to_jsonable_python(value)


def _type_name(annotation: Any) -> str:
    """Return a field's type in terms of JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_name(arguments[0])
    if origin is Literal:
        return " | ".join(json.dumps(value) for value in arguments)
    if origin in (Union, UnionType):
        return " | ".join(_type_name(argument) for argument in arguments)
    if origin in (list, tuple, dict):
        return f"{origin.__name__}[{', '.join(_type_name(argument) for argument in arguments)}]"
    if isinstance(annotation, type) and issubclass(annotation, str):  # also the type of a data file
        return "str"
    return "null" if annotation is type(None) else getattr(annotation, "__name__", str(annotation))
