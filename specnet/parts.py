"""A validated value, such as a spec or a component, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from specnet import registry
from specnet.component import Component
from specnet.words import Pointer


def components_in(value: Any) -> Iterator[tuple[Component, registry.Entry]]:
    """Yield each component inside a validated value, with the entry that registers its class."""
    for _, part in parts(value):
        if isinstance(part, Component):
            yield part, registry.entry_of(part.group, type(part))


def parts(value: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Yield a validated value and everything inside it, each with its place in the JSON."""
    yield pointer, value
    if isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from parts(item, (*pointer, number))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from parts(item, (*pointer, key))
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from parts(getattr(value, name), (*pointer, field.alias or name))
