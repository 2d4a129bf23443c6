"""What the class of a component must not do: mistakes that would otherwise show as an error in another place."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import unwrap
from itertools import chain
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

COPIED = ("layers", "losses", "metrics", "optimizers", "schedules", "initializers")
"""Groups whose components are copied from their fields before they run, without a call of `__init__`."""


def check_definition(cls: Any, base: type) -> None:
    """Check a subclass of `Component`, `base`, when it is defined.

    Raises:
        TypeError: if it defines `__init__` or `model_post_init` in a way that loses attributes, if a field has a name
            that is taken or a default that a spec cannot contain, or if an attribute that is a tuple in its base class
            is a string.
    """
    for fault in chain(_methods(cls, base), _fields(cls), _tuples(cls)):
        raise TypeError(f"{cls.__name__}{fault}")


def _methods(cls: Any, base: type) -> Iterator[str]:
    own, name = vars(cls), "model_post_init"
    if "__init__" in own and (cls.group in COPIED or not _calls(own["__init__"], "__init__")):
        use = "annotated fields are its settings, and model_post_init(self, context) sets other attributes"
        yield f" defines __init__: leave it out, as {use}"
    if name in own and any(issubclass(other, base) and name in vars(other) for other in cls.__mro__[1:]):
        defined = unwrap(own[name])  # pydantic wraps it, or makes one, for private attributes
        if defined.__qualname__ == f"{cls.__qualname__}.{name}" and not _calls(defined, name):
            yield f".{name} should begin with super().{name}(context), which sets what every instance has"


def _calls(method: Any, name: str) -> bool:
    """Return whether the code of a method mentions another one, as `super().name()` does."""
    code = getattr(method, "__code__", None)
    return code is None or name in code.co_names


def _fields(cls: Any) -> Iterator[str]:
    for name, field in cls.model_fields.items():
        if name == "type":
            yield ' has a field "type": choose another name, as specs name components by "type"'
        elif name in cls.run_time:
            yield f' has a field "{name}": choose another name, as every instance has an attribute of this name'
        elif not (field.is_required() or _is_json(field.default)):
            kind = type(field.default).__name__
            yield f".{name} has a default that is no JSON value, but {kind}: write ClassVar if it is no field"


def _is_json(value: Any) -> bool:
    try:
        to_jsonable_python(value)
    except PydanticSerializationError:
        return False
    return True


def _tuples(cls: Any) -> Iterator[str]:
    for name, value in vars(cls).items():
        if isinstance(value, str) and isinstance(getattr(super(cls, cls), name, None), tuple):
            yield f".{name} is a string: write a tuple, ({value!r},)"
