"""What is the same for components of every group: situations, claims about them, and the outcome of each claim.

A group's file defines a `Situation`, whose methods are the claims that this group's mathematics has to satisfy.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from inspect import signature
from itertools import pairwise, product
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

import numpy as np

from specnet import registry
from specnet.component import Component, build, parts
from specnet.errors import ComponentError, SpecnetError
from specnet.kernels.base import KernelSet, Textbook
from specnet.schedules.base import Schedule
from specnet.testing.comparison import AGREEMENT, CLOSE, DTYPES, LEAST, SINGLE, DType, Results, differing
from specnet.testing.memory import grown
from specnet.testing.outcome import Outcome, concluded, demand, show_error

EXAMINERS: dict[str, Callable[..., Iterator[Outcome]]] = {}
"""For each group, the function that yields the outcome of each check of a component."""
C = TypeVar("C", bound=Component)
S = TypeVar("S", bound="Situation[Any]")
P = ParamSpec("P")
Examine = Callable[Concatenate[C, P], Iterator[Outcome]]
Problems = Iterator[str]
"""What a claim yields: a message for each problem, of which the first is shown."""


@dataclass(frozen=True)
class Situation(Generic[C]):
    """A component and the data to try it with. Each public method that returns `Problems` is a claim.

    The method's name is the claim, with the name of the group in place of "component". `situation` describes the data
    in messages; subclasses add fields for the data.
    """

    component: C
    situation: str
    kernels: type[KernelSet] = dataclasses.field(default=Textbook, kw_only=True)
    accepted: ClassVar[str] = ""
    """The claim that `accept` succeeds in one of the situations, and raises `refusal` in the others."""
    refusal: ClassVar[type[SpecnetError]] = SpecnetError
    first: ClassVar[int] = 1
    """How many claims have to hold before the others are checked."""
    once: ClassVar[tuple[str, ...]] = ("memory_does_not_grow",)
    """Claims that take so long that they are checked in one situation only."""

    def accept(self) -> object:
        """Try whether the component accepts the situation."""
        return None

    @classmethod
    def claims(cls) -> list[str]:
        """Return the names of the methods that are claims, in order, those of base classes last."""
        names = dict.fromkeys(name for base in cls.__mro__ for name in vars(base) if not name.startswith("_"))
        returned = {name: getattr(getattr(cls, name), "__annotations__", {}).get("return") for name in names}
        return [name for name in names if returned[name] == "Problems"]

    def applies(self, claim: str) -> bool:
        """Return whether a claim makes sense for this component."""
        return "kernel" not in claim or self.kernels is not Textbook

    def fresh(self, **changes: object) -> C:
        """Return an unused copy of the component, with some fields changed, run by the kernels."""
        return self.kernels.instantiate(self.component.model_copy(update=changes))

    def use(self, component: C) -> Results:
        """Return what a component computes in the situation, with random numbers from one seed."""
        raise NotImplementedError

    def use_otherwise(self, component: C) -> None:
        """Use a component with other data or another seed."""
        raise NotImplementedError

    def determined(self) -> Iterator[str]:
        """Yield where results depend on the instance or on earlier use, and each field that use has changed."""
        expected, used = self.use(self.fresh()), self.fresh()
        yield from differing("change for another instance", self.use(used), expected, 0.0)
        self.use_otherwise(used)
        yield from differing("change after other ones", self.use(used), expected, 0.0)
        yield from self.changed_fields(used)

    def changed_fields(self, used: Component) -> Iterator[str]:
        """Yield each field that use has changed: they are a component's JSON, and only schedules may change them."""
        for name in type(self.component).model_fields:
            before, after = getattr(self.component, name), getattr(used, name)
            if before != after and not any(isinstance(part, Schedule) for _, part in parts(before)):
                yield f"{name} was {before!r} and is {after!r} after use"

    def its_JSON_describes_it_in_full(self) -> Problems:
        """A component that is written as JSON and read again is equal to the original."""
        component, name = self.component, registered(self.component)
        text = json.dumps(component.model_dump(mode="json", by_alias=True), allow_nan=False)
        copies: list[Component] = [type(component).model_validate_json(text, strict=True)]
        if name is not None:
            spec = json.loads(json.dumps(component.to_spec(), allow_nan=False))
            if spec.get("type") != name:
                yield f'it is registered as "{name}", but its JSON has the type {json.dumps(spec.get("type"))}'
            copies.append(build(component.group, spec))
        for again, field in product(copies, type(component).model_fields):
            before, after = getattr(component, field), getattr(again, field, None)
            if before != after:
                yield f"{field} was {before!r} and is {after!r} after it was written as JSON and read again"


@dataclass(frozen=True)
class Computation(Situation[C]):
    """A component that computes arrays in either dtype, by its definition or by kernels.

    `trial` returns an object with the component, ready to compute: `step()` returns results from the same beginning,
    `step(rows)` those of some samples, `step(between=f)` calls f halfway; `other()` computes with other inputs; `rows`
    is the number of samples, 0 if there are none.
    """

    def trial(self, dtype: DType = "float64", rows: int = 0, **fields: Any) -> Any:
        """Return a fresh component with some fields changed, ready to compute.

        Where samples are drawn, `rows` is their number.
        """
        raise NotImplementedError

    def results(self, dtype: DType) -> Results:
        """Return what a fresh component computes in a dtype."""
        return self.trial(dtype).step()

    def all_results(self) -> Iterator[tuple[str, DType, Results]]:
        """Yield a description, the dtype and the results of each case in which a kernel is compared."""
        yield from ((dtype, dtype, self.results(dtype)) for dtype in DTYPES)

    def least(self, name: str) -> float:
        """Return the size below which numbers of this name are compared absolutely."""
        return LEAST

    def compare(self, told: str, found: Results, expected: Results, tolerance: float = CLOSE) -> Iterator[str]:
        """Yield where results differ from those of the same name."""
        return differing(told, found, expected, tolerance, self.least)

    def float32_agrees_with_float64(self) -> Problems:
        """Both dtypes compute the same numbers, except for rounding."""
        double, single = map(self.results, DTYPES)
        yield from self.compare("of float32 against float64", single, double, SINGLE)

    def components_share_nothing(self) -> Problems:
        """A component is not affected by what another one of the same class and fields computes."""
        alone, found = self.trial().step(), self.trial().step(between=self.trial().other)
        singular = registry.SINGULAR[self.component.group]
        yield from self.compare(f"changes if another {singular} computes in between", found, alone)

    def a_batch_is_computed_as_by_a_fresh_component(self) -> Problems:
        """Earlier batches of any size leave traces only in parameters, declared state and random numbers."""
        used = self.trial(rows=5)
        for before, count in pairwise(size for size in (used.rows, 2, 1, used.rows, 3) if size <= used.rows):
            used.step(np.arange(before)[::-1])
            found, expected = (trial.step(np.arange(count)) for trial in (used, self.trial(rows=5)))
            told = f"of {count} samples after a batch of {before} against a fresh component"
            yield from self.compare(told, found, expected)
        yield from self.changed_fields(used.component)

    def its_kernel_agrees_with_the_definition(self) -> Problems:
        """Results differ only in the last bits, and the same random numbers are drawn."""
        definition = replace(self, kernels=Textbook)
        for (case, dtype, found), (*_, expected) in zip(self.all_results(), definition.all_results(), strict=True):
            yield from self.compare(f"by the kernel against the definition ({case})", found, expected, AGREEMENT[dtype])

    def memory_does_not_grow(self) -> Problems:
        """A step keeps only what the next one replaces."""
        yield from grown(self.trial().step)


def registered(component: Component) -> str | None:
    """Return the name of a component's class in specs, or None if it is not registered."""
    try:
        name = registry.name_of(component.group, type(component))
        return name if registry.find(component.group, name).load() is type(component) else None
    except ComponentError:
        return None


def examine_situations(situations: Sequence[Situation[Any]], refuse: bool = True) -> Iterator[Outcome]:
    """Yield the outcome of each claim, checked in the situations that the component accepts."""
    yield from outcomes((yield from accepted(situations, refuse)) if situations[0].accepted else situations)


def accepted(situations: Iterable[S], refuse: bool = True) -> Generator[Outcome, None, list[S]]:
    """Return the situations that a component accepts, after yielding whether it accepts one and refuses others.

    With `refuse` False it has to accept all of them.
    """
    taken, refused, broken, claim = list[S](), list[str](), list[str](), ""
    for each in situations:
        error, claim = attempt(each.accept), each.accepted
        if isinstance(error, each.refusal):
            refused.append(_told(each, error.message))
        elif isinstance(error, BaseException):
            broken.append(_told(each, show_error(error)))
        else:
            taken.append(each)
    if refused and not refuse:
        broken += refused
    elif not taken and not broken:
        broken = ["none of the tried ones is accepted: choose some that are", *refused]
    yield concluded(claim, broken)
    return taken


def outcomes(situations: Sequence[Situation[Any]]) -> Iterator[Outcome]:
    """Check all claims in all situations. If one of the first fails, the others are not checked."""
    for number, claim in enumerate(situations[0].claims() if situations else ()):
        if situations[0].applies(claim):
            chosen = situations[:1] if claim in situations[0].once else situations
            outcome = conclude(getattr(type(situations[0]), claim), chosen)
            yield outcome
            if not outcome.passed and number < situations[0].first:
                return


def conclude(claim: Callable[[Any], Iterable[str]], situations: Sequence[Situation[Any]]) -> Outcome:
    """Check one claim; an exception that the component raises is a problem as well."""
    problems, name = [], claim.__name__.replace("_", " ")
    for each in situations:
        name = name.replace("components", each.component.group)
        name = name.replace("component", registry.SINGULAR[each.component.group])
        found = attempt(lambda each=each: next(iter(claim(each)), None))  # type: ignore[misc]
        if found is not None:
            problems.append(_told(each, show_error(found) if isinstance(found, BaseException) else found))
    return concluded(name, problems)


def _told(situation: Situation[Any], problem: str) -> str:
    return f"{situation.situation}: {problem}".removeprefix(": ")


def nothing() -> None:
    """Do nothing, between the halves of a computation."""


def attempt(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or the error that it raises."""
    try:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # as in training
            return call()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        return error


def checker(group: str) -> Callable[[Examine[C, P]], Callable[Concatenate[C | str | dict[str, Any], P], None]]:
    """Turn a function that yields outcomes of a component of `group` into one that raises an error if any fails.

    The new function takes the component as in a spec or as an instance. `EXAMINERS` keeps the original.
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
