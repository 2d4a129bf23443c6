"""What is checked of components of every group: a `Checks`, whose methods are claims, and a `Setup` with data."""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from specnet import registry
from specnet.component import Component, build
from specnet.errors import ComponentError, SpecnetError
from specnet.kernels.base import KernelSet, Textbook
from specnet.parts import parts
from specnet.schedules.base import Schedule
from specnet.testing.comparison import (
    AGREEMENT,
    CLOSE,
    DTYPES,
    LEAST,
    SINGLE,
    DType,
    Results,
    differing,
    overwritten,
    stored,
)
from specnet.testing.endurance import endure

C = TypeVar("C", bound=Component)
Problems = Iterator[str]
"""What a claim yields: a message for each problem, of which the first is shown."""
MethodCall = tuple[str, Mapping[str, np.ndarray], Callable[[], object]]
"""The name of a method, the arrays that it must not write to, and a call of it."""


def nothing() -> None:
    """Do nothing, between the halves of a computation."""


@dataclass
class Setup(Generic[C]):
    """A component with data, ready to compute, by `Checks.use`."""

    checks: Checks[C]
    component: C
    rows: ClassVar[int] = 0
    """Samples of the data of which `step` can choose; 0: it cannot."""

    def step(self, rows: np.ndarray | None = None, between: Callable[[], object] = nothing) -> Results:
        """Return what the component computes from its beginning, of some samples, with a call halfway."""
        return self.checks.use(self.component)

    def other(self) -> None:
        """Compute with other data."""
        self.checks.use(self.component, other=True)

    def proceed(self) -> Results:
        """Return what the component computes next, after what it has computed before."""
        raise NotImplementedError

    def save(self) -> dict[str, Any]:
        """Return what a run saves: arrays, and values for JSON."""
        raise NotImplementedError

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what was saved."""
        raise NotImplementedError


@dataclass(frozen=True)
class Checks(Generic[C]):
    """A component and the data to try it with; `about` describes them. Each method that returns `Problems` is a claim.

    The method's name is the name of the check, with that of the group for "component".
    """

    component: C
    about: str
    kernels: type[KernelSet] = dataclasses.field(default=Textbook, kw_only=True)
    accepted: ClassVar[str] = ""
    """The claim that `accept` succeeds with some of the data, and raises `refusal` with the others."""
    refusal: ClassVar[type[SpecnetError]] = SpecnetError
    first: ClassVar[int] = 1
    """How many of the group's claims have to hold before others are checked."""
    once: ClassVar[tuple[str, ...]] = ("it_endures_a_hundred_steps",)
    """Claims that take so long that they are checked with the first data only."""
    without: ClassVar[tuple[str, ...]] = ()
    """Claims about all components that make no sense for this group."""
    dtypes: ClassVar[bool] = False
    """Whether `setup` has data in either dtype."""
    saved_after: ClassVar[tuple[int, ...]] = ()
    """After how many calls of `proceed` a state is saved; none if the group saves nothing."""
    until: ClassVar[int] = 4
    """Until how many calls of `proceed` the restored component is compared with the other."""
    allowance: ClassVar[int | None] = 64
    """Bytes that a step may add: calls of NumPy such as `np.median` add some; None: not measured."""
    rounding: ClassVar[float] = 0.0
    """Largest difference between results that should be the same, relative to the largest number."""

    def accept(self) -> object:
        """Try whether the component accepts the data."""
        return None

    def fresh(self, **changes: object) -> C:
        """Return an unused copy of the component, with some fields changed, run by the kernels."""
        return self.kernels.instantiate(self.component.model_copy(update=changes))

    def setup(self, dtype: DType = "float64", rows: int = 0, **fields: Any) -> Any:
        """Return the `Setup` of a fresh component, with some fields changed, and with a number of samples."""
        return Setup(self, self.fresh(**fields))

    def use(self, component: C, other: bool = False) -> Results:
        """Return what a component computes, with random numbers from one seed; of other data if `other` is True."""
        raise NotImplementedError

    def results(self, dtype: DType) -> Results:
        """Return what a fresh component computes in a dtype."""
        return self.setup(dtype).step()

    def all_results(self) -> Iterator[tuple[str, DType, Results]]:
        """Yield a description, the dtype and the results of each case in which a kernel is compared."""
        yield from ((dtype, dtype, self.results(dtype)) for dtype in DTYPES)

    def calls(self) -> Iterator[MethodCall]:
        """Yield calls whose arguments have to stay as they are."""
        yield from ()

    def least(self, name: str) -> float:
        """Return the size below which numbers of this name are compared absolutely."""
        return LEAST

    def compare(self, how: str, found: Results, expected: Results, tolerance: float = CLOSE) -> Iterator[str]:
        """Yield where results differ from those of the same name."""
        yield from differing(how, found, expected, tolerance, self.least)

    @classmethod
    def claims(cls) -> list[str]:
        """Return the names of the claims: the first ones of the group, those of all groups, and the other ones."""
        names = dict.fromkeys(name for base in cls.__mro__ for name in vars(base) if not name.startswith("_"))
        returned = {name: getattr(getattr(cls, name), "__annotations__", {}).get("return") for name in names}
        claims = [name for name in names if returned[name] == "Problems" and name not in cls.without]
        general = [name for name in vars(Checks) if name in claims]
        own = [name for name in claims if name not in general]
        return own[: cls.first] + general + own[cls.first :]

    def applies(self, claim: str) -> bool:
        """Return whether a claim makes sense for this component."""
        return {
            "its_kernel_agrees_with_the_definition": self.kernels is not Textbook,
            "float32_agrees_with_float64": self.dtypes,
            "components_share_nothing": self.dtypes,
            "it_continues_from_what_a_run_saves": bool(self.saved_after),
        }.get(claim, True)

    def arguments_are_left_alone(self) -> Problems:
        """A component writes neither to its arguments nor to what it has returned."""
        for method, arrays, call in self.calls():
            yield from overwritten(method, arrays, call)

    def the_same_data_have_the_same_results(self) -> Problems:
        """Results depend on data, saved state and given random numbers alone: not on the instance or earlier use."""
        expected, used = self.setup(rows=5).step(), self.setup(rows=5)
        for how, call in (
            ("of another instance", nothing),
            ("in a second step", nothing),
            ("after other ones", used.other),
        ):
            call()
            for problem in self.compare(how, used.step(), expected, self.rounding):
                yield f"{problem}; are random numbers its own, or is something remembered?"
        for last, count in pairwise(size for size in (used.rows, 1, used.rows, 2) if size <= used.rows):
            used.step(np.arange(last)[::-1])
            found, fresh = (setup.step(np.arange(count)) for setup in (used, self.setup(rows=5)))
            how = f"of {count} samples, after a batch of {last} against by a fresh component"
            yield from self.compare(how, found, fresh, self.rounding)
        yield from self.changed_fields(used.component)

    def changed_fields(self, used: Component) -> Iterator[str]:
        """Yield each field that use has changed: they are a component's JSON, and only schedules may change them."""
        for name in type(self.component).model_fields:
            before, after = getattr(self.component, name), getattr(used, name)
            if before != after and not any(isinstance(part, Schedule) for _, part in parts(before)):
                yield f"{name} was {before!r} and is {after!r} after use"

    def components_share_nothing(self) -> Problems:
        """A component is not affected by what another one of the same class and fields computes."""
        alone, found = self.setup().step(), self.setup().step(between=self.setup().other)
        singular = registry.SINGULAR[self.component.group]
        yield from self.compare(f"if another {singular} computes in between", found, alone)

    def it_continues_from_what_a_run_saves(self) -> Problems:
        """Restored from its saved state after any step, a component computes what it would have without a break."""
        for done in self.saved_after:
            used, resumed = self.setup(rows=9), self.setup(rows=9)
            for _ in range(done):
                used.proceed()
            saved = used.save()
            text = _text(saved)
            resumed.restore(stored(saved))
            if (again := _text(resumed.save())) != text:
                yield f"restored after step {done}, it saves {again} instead of {text}"
            for step in range(done + 1, self.until + 1):
                how = f"in step {step}, if it is restored after step {done}"
                expected = used.proceed()
                for problem in self.compare(how, resumed.proceed(), expected, self.rounding):
                    yield f"{problem}; is something remembered that is not saved?"
            if (now := _text(saved)) != text:
                yield f"the state saved after step {done} was {text} and is {now}"

    def float32_agrees_with_float64(self) -> Problems:
        """Both dtypes compute the same numbers, except for rounding."""
        double, single = map(self.results, DTYPES)
        yield from self.compare("of float32 against float64", single, double, SINGLE)

    def its_kernel_agrees_with_the_definition(self) -> Problems:
        """Results differ only in the last bits, and the same random numbers are drawn."""
        definition = replace(self, kernels=Textbook)
        for (case, dtype, found), (*_, expected) in zip(self.all_results(), definition.all_results(), strict=True):
            yield from self.compare(f"by the kernel against the definition ({case})", found, expected, AGREEMENT[dtype])

    def it_endures_a_hundred_steps(self) -> Problems:
        """No later step raises an error, and a step keeps only what the next one replaces."""
        yield from endure(self.setup().step, self.allowance)

    def its_JSON_describes_it_in_full(self) -> Problems:
        """A component that is written as JSON, or pickled, and read again is equal to the original."""
        component, name = self.component, registered(self.component)
        text = json.dumps(component.model_dump(mode="json", by_alias=True), allow_nan=False)
        copies: dict[str, Component] = {"written as JSON": type(component).model_validate_json(text, strict=True)}
        if name is not None:
            spec = json.loads(json.dumps(component.to_spec(), allow_nan=False))
            if spec.get("type") != name:
                yield f'it is registered as "{name}", but its JSON has the type {json.dumps(spec.get("type"))}'
            copies["written as a spec"] = build(component.group, spec)
        if getattr(sys.modules.get(type(component).__module__), type(component).__qualname__, None) is type(component):
            copies["pickled"] = pickle.loads(pickle.dumps(self.fresh()))
        for (how, again), field in product(copies.items(), type(component).model_fields):
            before, after = getattr(component, field), getattr(again, field, None)
            if before != after:
                yield f"{field} was {before!r} and is {after!r} after it was {how} and read again"


def _text(saved: dict[str, Any]) -> str:
    return json.dumps(saved, default=lambda array: np.asarray(array).tolist())


def registered(component: Component) -> str | None:
    """Return the name of a component's class in specs, or None if it is not registered."""
    try:
        name = registry.name_of(component.group, type(component))
        return name if registry.find(component.group, name).load() is type(component) else None
    except ComponentError:
        return None
