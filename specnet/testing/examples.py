"""Components to try: the plainest of a class, and its examples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from specnet import registry
from specnet.component import Component, Section, find_class, reference
from specnet.datasets.data_file import DataFile
from specnet.distributions import BUILTIN
from specnet.errors import ComponentError, SpecnetError

NO_FILE = "no-such-file"
"""Placeholder for a file that a dataset needs."""
_NUMBERS = (1, 2, 0.5, 0, -1, 3, 5, 10, 100, 1000)
"""Values to try for a number, in this order."""
WORDS = ("x", "mean", "min", "train/loss", "a,b")
"""Values to try for text."""
ANYTHING: tuple[Any, ...] = (None, *_NUMBERS, True, *WORDS, [], {}, [1], ["x"])
"""Values to try for a field of unknown type."""
_TRIED = 500
"""Maximum number of values to try for a field."""


def examples(cls: type[Component]) -> list[Component]:
    """Return components to check a class with: the plainest one, and those in its `examples`.

    Raises:
        SpecnetError: if one of these is not valid, or no value is found for a required field.
    """
    try:
        found = [_validated(cls, plainest(cls))]
    except SpecnetError:
        if not cls.examples:
            raise
        found = []
    for fields in cls.examples:
        try:
            example = _validated(cls, fields)
        except (ValidationError, PydanticCustomError, TypeError, ValueError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise SpecnetError(f"the example {show_fields(fields)} is not valid: {reason}", code="example") from error
        if example not in found:
            found.append(example)
    return found


def plainest(cls: type[BaseModel]) -> dict[str, Any]:
    """Return the fields of the plainest component of a class: the required ones, with valid values.

    A field that is null by default and has an example counts as required, because the component needs a value. The
    value is the field's example, or is derived from its type.

    Raises:
        SpecnetError: if no value is found for one.
    """
    fields: dict[str, Any] = {}
    for name, field in cls.model_fields.items():
        if not (field.is_required() or (field.default is None and field.examples)):
            continue
        key = field.alias or name
        for value in islice(_candidates(field), _TRIED):
            if not _refuses(cls, {**fields, key: value}):
                fields[key] = value
                break
        else:
            raise SpecnetError(
                f'no value was found that the field "{key}" of {cls.__name__} takes: name one',
                help=f'give the class an attribute such as `examples = ({{"{key}": …}},)`',
                code="example",
            )
    if fields and _refuses(cls, fields):
        help = "give the class an attribute `examples`, a tuple of such objects"
        message = f"{cls.__name__} does not take {show_fields(fields)}: name fields that it takes"
        raise SpecnetError(message, help=help, code="example")
    return fields


def show_fields(fields: Mapping[str, Any]) -> str:
    """Return fields as JSON."""
    return json.dumps(fields, default=repr, ensure_ascii=False)


def _validated(cls: type[Component], fields: Mapping[str, Any]) -> Component:
    return cls.model_validate_json(json.dumps(fields), strict=True)


def _refuses(cls: type[BaseModel], fields: Mapping[str, Any]) -> bool:
    """Return whether a class refuses these fields, even if others are missing."""
    try:
        cls.model_validate_json(json.dumps(fields), strict=True)
    except ValidationError as error:
        others = {field.alias or name for name, field in cls.model_fields.items()} - fields.keys()
        return not all(found["loc"] and found["loc"][0] in others for found in error.errors())
    except PydanticCustomError:
        return True
    return False


def _candidates(field: FieldInfo) -> Iterator[Any]:
    yield from field.examples or ()
    yield from _values(field.annotation, field.metadata)
    yield from ANYTHING


def _values(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yield JSON values that a type may accept, simple ones first."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if group := _group(annotation, metadata):
        yield from _names(group)
    elif origin is Annotated:
        yield from _values(arguments[0], arguments[1:])
    elif origin is Literal:
        yield from arguments
    elif origin in (Union, UnionType):
        for argument in sorted(arguments, key=lambda argument: argument is not NoneType):
            yield from _values(argument)
    elif origin is tuple and arguments[-1:] != (...,):
        yield from ([*row] for row in zip(*map(_values, arguments), strict=False))
    elif origin in (list, tuple, set, frozenset):
        values = list(islice(_values(arguments[0]), 20))
        yield from ([value] * count for count in (0, 1, 2, 3) for value in values)
    elif origin is dict:
        yield from ({}, *({key: value} for key in _values(arguments[0]) for value in islice(_values(arguments[1]), 20)))
    elif isinstance(annotation, type):
        yield from _values_of_class(annotation, metadata)


def _values_of_class(cls: type, metadata: list[Any] | tuple[Any, ...]) -> Iterator[Any]:
    if cls is NoneType:
        yield None
    elif issubclass(cls, bool):
        yield from (False, True)
    elif issubclass(cls, (int, float)):
        yield from _NUMBERS
        limits = ("ge", "le", "multiple_of", "gt", "lt")
        bounds = [getattr(each, name) for each in metadata for name in limits if hasattr(each, name)]
        yield from (bound + move for move in (0, 1, -1) for bound in bounds if bound is not None)
    elif issubclass(cls, DataFile):
        yield NO_FILE
    elif issubclass(cls, str):
        yield from WORDS
    elif issubclass(cls, Section):
        yield plainest(cls)


def _group(annotation: Any, metadata: list[Any] | tuple[Any, ...]) -> str | None:
    """Return the group of the components that a field takes."""
    for part in (annotation, *metadata):
        if isinstance(part, reference):
            return part.group
    is_base = isinstance(annotation, type) and issubclass(annotation, Component) and "group" in vars(annotation)
    return annotation.group if is_base else None


def _names(group: str) -> Iterator[str]:
    """Yield the names of a group's built-in components without required fields; of layers, those for any inputs."""
    for name, (entry, *_) in registry.claims(group).items():
        if entry.distribution == BUILTIN:
            try:
                cls = find_class(group, name)
                required = any(field.is_required() for field in cls.model_fields.values())
                if not required and getattr(cls, "axes", (...,)) == (...,):
                    yield name
            except ComponentError:
                continue
