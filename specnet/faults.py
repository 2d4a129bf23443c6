"""Errors that components raise: which component it was, at which place of the spec, and of which distribution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError, PydanticSerializationError

from specnet import registry
from specnet.distributions import BUILTIN
from specnet.errors import BrokenComponentError, SpecnetError
from specnet.plugin_code import staying
from specnet.words import Pointer, describe_error, show_pointer

if TYPE_CHECKING:
    from specnet.component import Component


@contextmanager
def guarded(component: Component, place: Pointer, method: str) -> Iterator[None]:
    """Add the place in the spec to what a component's method raises.

    Raises:
        BrokenComponentError: for any exception but a `SpecnetError`, such as a mistake in a plugin.
    """
    try:
        with staying():
            yield
    except SpecnetError as error:
        if not error.complete:
            error.at(*place).complete = True
        raise
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as cause:
        if isinstance(cause, MemoryError) and not raised_by_plugin(cause):
            raise
        entry = plugin_of(component)
        where = entry.where(cause) if entry else ""
        message = f"{describe_component(component, place)} fails in {method}{where}: {describe_error(cause)}"
        help = entry.remedy(cause) if entry and isinstance(cause, ModuleNotFoundError) else None
        broken = BrokenComponentError(message, pointer=place, help=help)
        broken.complete = True
        raise broken from cause


@contextmanager
def blaming(entry: registry.Entry | None, what: str) -> Iterator[None]:
    """Report what a plugin's component raises during validation if it is not a mistake in the spec.

    Raises:
        BrokenComponentError: for such an exception. Errors in specnet's own code pass unchanged.
    """
    try:
        with staying():
            yield
    except (ValidationError, PydanticCustomError, PydanticSerializationError, KeyboardInterrupt):
        raise
    except BaseException as cause:
        if entry is None or entry.distribution == BUILTIN:
            raise
        message = f"{entry} {what}{entry.where(cause)}: {describe_error(cause)}"
        raise BrokenComponentError(message, help=entry.remedy(cause)) from cause


def describe_component(component: Component, place: Pointer) -> str:
    """Return a component as in messages: `layers.2 (Swish of specnet-swish 1.0)`."""
    entry = plugin_of(component)
    name = definition_name(component) + (f" of {entry.owner}" if entry else "")
    return f"{show_pointer(place)} ({name})" if place else name


def definition_name(component: Component) -> str:
    """Return the class name of a component for messages; for a kernel that of its definition."""
    return registry.definition(type(component)).__name__


def plugin_of(component: Component) -> registry.Entry | None:
    """Return the entry of a component that is not specnet's own."""
    try:
        entry = registry.entry_of(component.group, type(component))
    except SpecnetError:  # not registered
        return None
    return None if entry.distribution == BUILTIN else entry


def raised_by_plugin(error: BaseException) -> bool:
    """Return whether an error comes from a plugin's code, or from a library it calls, and not from specnet's own."""
    found = False
    for frame in _frames(error):
        name = frame.f_globals.get("__name__", "")
        if name.startswith(f"{BUILTIN}.") and not name.startswith(f"{BUILTIN}.local."):
            found = False
        elif _plugin_running(frame):
            found = True
    return found


def find_culprit(error: BaseException) -> tuple[registry.Entry, str] | None:
    """Return the plugin component that raised an error, and its method; None if no plugin raised it."""
    found = None
    for frame in _frames(error):
        if entry := _plugin_running(frame):
            found = entry, frame.f_code.co_name
    return found


def _frames(error: BaseException) -> Iterator[FrameType]:
    """Yield the frames that an error has passed, the outermost first."""
    from traceback import walk_tb  # takes some time, and errors are rare

    for frame, _ in walk_tb(error.__traceback__):
        yield frame


def _plugin_running(frame: FrameType) -> registry.Entry | None:
    """Return the entry of the plugin's component whose method a frame runs, if it does."""
    component: Any = frame.f_locals.get("self")
    return plugin_of(component) if getattr(type(component), "group", None) in registry.GROUPS else None
