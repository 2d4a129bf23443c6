"""`Checks`: what should hold for a component in one situation, and how to test it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from itertools import product
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

import numpy as np

from specnet import registry
from specnet.component import Component, build, stated
from specnet.errors import ComponentError, SpecnetError
from specnet.kernels.base import KernelSet, Textbook
from specnet.testing.outcome import Outcome, concluded, demand, show_error

EXAMINERS: dict[str, Callable[..., Iterator[Outcome]]] = {}
"""By group, the function that yields the outcome of each check of a component."""
C = TypeVar("C", bound=Component)
S = TypeVar("S", bound="Checks[Any]")
P = ParamSpec("P")
Examine = Callable[Concatenate[C, P], Iterator[Outcome]]
Problems = Iterator[str]
"""Result of a check: problems, in words."""


@dataclass(frozen=True)
class Checks(Generic[C]):
    """A component in one situation, which may be empty. Each public method that returns `Problems` is a check.

    Its name states what should hold, and it yields problems, in words: the first one of each situation is shown.
    Subclasses define the situation in their own fields.
    """

    component: C
    situation: str
    kernels: type[KernelSet] = dataclasses.field(default=Textbook, kw_only=True)
    first: ClassVar[int] = 1
    """Number of checks that must pass before the others make sense."""

    @classmethod
    def check_names(cls) -> list[str]:
        """Return the names of all checks in order, those of base classes last."""
        names = dict.fromkeys(name for base in cls.__mro__ for name in vars(base) if not name.startswith("_"))
        returned = {name: getattr(getattr(cls, name), "__annotations__", {}).get("return") for name in names}
        return [name for name in names if returned[name] == "Problems"]

    def applies(self, check: str) -> bool:
        """Whether a check makes sense for this component."""
        return True

    def fresh(self, **changes: object) -> C:
        """Return an unused copy of the component, with some fields changed, computed by the kernels."""
        component = self.kernels.exchange(self.component.model_copy(update=changes, deep=True))
        component.model_post_init(None)
        return component

    def changed_fields(self, used: Component) -> Iterator[str]:
        """Yield each field that use has changed: fields are the component's JSON, and must stay."""
        for name in type(self.component).model_fields:
            if stated(self.component, name) != stated(used, name):
                yield f"{name} was {getattr(self.component, name)!r} and is {getattr(used, name)!r} after use"

    def its_JSON_describes_it_in_full(self) -> Problems:
        """Written as JSON and read again, a component is equal to the original."""
        component, group, name = self.component, self.component.group, registered(self.component)
        text = json.dumps(component.model_dump(mode="json", by_alias=True), allow_nan=False)
        copies: list[Component] = [type(component).model_validate_json(text, strict=True)]
        if name is not None:
            spec = json.loads(json.dumps(component.to_spec(), allow_nan=False))
            if spec.get("type") != name:
                yield f'it is registered as "{name}", but writes itself down as {json.dumps(spec.get("type"))}'
            copies.append(build(group, spec))
        for again, field in product(copies, type(component).model_fields):
            before, after = getattr(component, field), getattr(again, field, None)
            if before != after:
                yield f"{field} was {before!r} and is {after!r} after it was written as JSON and read again"


def registered(component: Component) -> str | None:
    """Return the registered name of a component's class; None if there is none."""
    try:
        name = registry.name_of(component.group, type(component))
        return name if registry.find(component.group, name).load() is type(component) else None
    except ComponentError:
        return None


def outcomes(situations: Sequence[Checks[Any]]) -> Iterator[Outcome]:
    """Run all checks in all situations. If one of the first fails, the others are skipped."""
    if not situations:
        return
    for number, name in enumerate(situations[0].check_names()):
        if situations[0].applies(name):
            chosen = situations[:1] if name == "memory_does_not_grow" else situations  # it is slow
            outcome = make(getattr(type(situations[0]), name), chosen)
            yield outcome
            if not outcome.passed and number < situations[0].first:
                return


def make(check: Callable[[Any], Iterable[str]], situations: Sequence[Checks[Any]]) -> Outcome:
    """Run one check; an error that a component raises is also a problem."""
    problems = []
    for each in situations:
        found = attempt(lambda each=each: next(iter(check(each)), None))  # type: ignore[misc]
        if found is not None:
            told = show_error(found) if isinstance(found, BaseException) else found
            problems.append(f"{each.situation}: {told}".removeprefix(": "))
    return concluded(check.__name__.replace("_", " "), problems)


def attempt(call: Callable[[], Any]) -> Any:
    """Return the result of a call, or the error that it raises."""
    try:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # as in training
            return call()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        return error


def sift(
    check: str, tried: Iterable[S], call: Callable[[S], object], refusal: type[SpecnetError] = SpecnetError
) -> Generator[Outcome, None, list[S]]:
    """Return the situations in which a call succeeds, after yielding whether any does and others are refused."""
    taken, refused, broken = list[S](), list[str](), list[str]()
    for each in tried:
        error = attempt(lambda each=each: call(each))  # type: ignore[misc]
        if isinstance(error, refusal):
            refused.append(f"{each.situation}: {error.message}".removeprefix(": "))
        elif isinstance(error, BaseException):
            broken.append(f"{each.situation}: {show_error(error)}".removeprefix(": "))
        else:
            taken.append(each)
    yield concluded(check, broken or ([] if taken else refused))
    return taken


def checker(group: str) -> Callable[[Examine[C, P]], Callable[Concatenate[C | str | dict[str, Any], P], None]]:
    """Turn a function that yields outcomes of a component of `group` into one that raises if any is bad.

    The result accepts the component as in a spec or as an instance. `EXAMINERS` keeps the original function.
    """

    def decorate(examine: Examine[C, P]) -> Callable[Concatenate[C | str | dict[str, Any], P], None]:
        @wraps(examine)
        def check(component: C | str | dict[str, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
            built: Any = build(group, component)
            demand(repr(built), examine(built, *args, **kwargs))

        EXAMINERS[group] = examine
        check.__signature__ = signature(examine).replace(return_annotation=None)  # type: ignore[attr-defined]
        return check

    return decorate
