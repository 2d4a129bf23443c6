"""What the class of a component must not do: mistakes that would otherwise show as an error in another place."""

from __future__ import annotations

from inspect import unwrap
from itertools import chain
from typing import Any

COPIED = ("layers", "losses", "metrics", "optimizers", "schedules", "initializers")
"""Groups whose components are copied from their fields before they run, without a call of `__init__`."""


def check_definition(cls: Any, base: type) -> None:
    """Check a subclass of `Component`, `base`, when it is defined.

    Raises:
        TypeError: if it defines `__init__` or `model_post_init` in a way that loses attributes, if a field has a name
            that is taken, or if an attribute that is a tuple in its base class is a string.
    """
    for fault in chain(_methods(cls, base), _fields(cls), _tuples(cls)):
        raise TypeError(f"{cls.__name__}{fault}")


def _methods(cls: Any, base: type) -> Any:
    own, rest = vars(cls), cls.__mro__[1:]
    use = "annotated fields are its settings, and model_post_init(self, context) sets other attributes"
    if "__init__" in own and (cls.group in COPIED or not _calls(own["__init__"], "__init__")):
        yield f" defines __init__: leave it out, as {use}"
    inherited = any(issubclass(other, base) and "model_post_init" in vars(other) for other in rest)
    post_init = unwrap(
        own.get("model_post_init", check_definition)
    )  # pydantic wraps it if there are private attributes
    defines = post_init.__qualname__ == f"{cls.__qualname__}.model_post_init"
    if inherited and defines and not _calls(post_init, "model_post_init"):
        yield ".model_post_init should begin with super().model_post_init(context), which sets what every instance has"


def _calls(method: Any, name: str) -> bool:
    """Return whether the code of a method mentions another one, as `super().name()` does."""
    code = getattr(method, "__code__", None)
    return code is None or name in code.co_names


def _fields(cls: Any) -> Any:
    for name in cls.model_fields:
        if name == "type" or name in cls.run_time:
            why = (
                'specs name components by "type"' if name == "type" else "every instance has an attribute of this name"
            )
            yield f" has a field {name!r}: choose another name, as {why}"


def _tuples(cls: Any) -> Any:
    for name, value in vars(cls).items():
        if isinstance(value, str) and isinstance(getattr(super(cls, cls), name, None), tuple):
            yield f".{name} is a string: write a tuple, ({value!r},)"
