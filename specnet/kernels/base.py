"""The contract of sets of kernels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, TypeVar

from specnet import registry
from specnet.component import find_class, fresh_copy
from specnet.errors import BrokenComponentError, UnknownComponentError

DEFAULT = "numpy"
"""The default set."""
_T = TypeVar("_T")


class KernelSet:
    """Faster forms of components, which replace their definitions when a network is built.

    A kernel is a subclass of a layer, a loss or an optimizer, its definition. It has the same fields, parameters,
    state and arrays of state, with the same meaning: a checkpoint can be read under any set, and only last bits
    differ. It replaces exactly that class, never a subclass. JSON, messages and pickles name the
    definition.

    `replaces` maps definitions to kernels, both as "module:Class", so that only used ones are imported:

        replaces = {"specnet.layers.linear:Linear": "my_kernels.linear:LinearKernel"}

    A set may also replace `specnet.layers.stack:Stack`, to run neighbours together. They keep their places,
    parameters, state and generators. While `stack.singly` is true, layers must run one by one and leave the outputs
    of others unchanged. Layers around a mask must not run together.
    """

    group: ClassVar[str] = "kernels"
    replaces: ClassVar[Mapping[str, str]] = {}
    facts: ClassVar[Mapping[str, str]] = {}
    """Other facts that its last bits depend on, for manifests, such as compiler and CPU of a compiled set."""
    start_seconds: ClassVar[float] = 0.0
    """About how much later a run starts than with the default set, such as for an import; for `specnet summary`."""

    @classmethod
    def kernel(cls, definition: type[_T]) -> type[_T]:
        """Return the class that replaces a definition, often itself.

        Raises:
            BrokenComponentError: if it is not a subclass.
        """
        return _kernel(cls, registry.definition(definition))  # type: ignore[arg-type]

    @classmethod
    def about(cls) -> str:
        """Return what `specnet doctor` shows about the set on this machine, by default its facts."""
        return ", ".join(f"{name} {value}" for name, value in cls.facts.items())

    @classmethod
    def instantiate(cls, value: _T) -> _T:
        """Return a component to run, as `fresh_copy` does, with kernels of this set at every depth.

        Kernels of other sets become kernels of this one, or definitions.
        """
        return fresh_copy(value, cls.kernel)


class Textbook(KernelSet):
    """The definitions themselves, without kernels."""


@cache
def _kernel(kernels: type[KernelSet], definition: type) -> Any:
    target = kernels.replaces.get(f"{definition.__module__}:{definition.__qualname__}")
    if target is None:
        return definition
    module, _, name = target.partition(":")
    kernel = getattr(import_module(module), name, None)
    if not (isinstance(kernel, type) and issubclass(kernel, definition)):
        message = f"{kernels.__qualname__} replaces {definition.__qualname__} by {target}, which is not a subclass"
        raise BrokenComponentError(message)
    registry.DEFINITIONS[kernel] = definition
    return kernel


def find_kernels(name: str) -> type[KernelSet]:
    """Return the set of kernels of this name.

    Raises:
        ComponentError: if there is none, or it cannot be used.
    """
    found: type = find_class("kernels", name)
    if not issubclass(found, KernelSet):
        entry = registry.find("kernels", name)
        raise BrokenComponentError(f"{entry} is not derived from KernelSet", help=entry.advice)
    return found


def named_kernels(kernels: type[KernelSet]) -> str | type[KernelSet]:
    """Return the name of a set, for pickles; the class itself if it has none."""
    try:
        return registry.name_of("kernels", kernels)
    except UnknownComponentError:
        return kernels
