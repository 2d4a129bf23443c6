"""Checks of initializers: what `specnet.initializers.base.Initializer` promises of every one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.initializers.base import Initializer
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes, sift
from specnet.testing.trial import unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full

SHAPES: tuple[tuple[int, ...], ...] = ((7,), (3, 5), (40, 30), (3, 1, 2, 4), (1,), ())
"""Shapes of parameters."""


def check_initializer(initializer: Initializer | str | dict[str, object]) -> None:
    """Check that an initializer keeps its contract.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("initializers", initializer, examine_initializer)


@dataclass(frozen=True)
class InitializerSubject:
    """An initializer of a parameter of one shape."""

    component: Initializer
    shape: tuple[int, ...]

    @property
    def situation(self) -> str:
        """The shape of the parameter."""
        return f"a parameter of shape {self.shape}"

    def sample(self, seed: int = 0, initializer: Initializer | None = None) -> np.ndarray:
        """Return what is drawn from a seed."""
        fan_in, fan_out = (self.shape[-2:] or (1,))[0], (self.shape or (1,))[-1]
        drawer = initializer or self.component.model_copy(deep=True)
        return drawer.sample(np.random.default_rng(seed), self.shape, fan_in, fan_out)


def examine_initializer(initializer: Initializer) -> Iterator[Outcome]:
    """Give the outcome of each check of an initializer."""
    what = "it fills parameters, and refuses some shapes by a SpecnetError"
    tried = [InitializerSubject(initializer, shape) for shape in SHAPES]
    subjects, outcome = sift(what, tried, lambda subject: subject.sample())
    yield outcome
    if subjects:
        yield from outcomes(FIRST, CHECKS, subjects)


def numbers_are_finite_and_of_the_shape_asked_for(subject: InitializerSubject) -> Problems:
    """Sample returns real numbers, one for each of the parameter's, whatever the fans are."""
    found = np.asarray(subject.sample())
    if found.shape != subject.shape:
        yield f"sample returns shape {found.shape}"
    elif found.dtype.kind not in "fiu":
        yield f"sample returns {found.dtype}, not real numbers"
    for fans in ((1, 1), (1, 10**6), (10**6, 1)):
        values = subject.component.sample(np.random.default_rng(0), subject.shape, *fans)
        if not np.isfinite(np.asarray(values, np.float32)).all():
            yield f"with fans {fans} a number is not finite as float32"
            return


def a_seed_determines_the_numbers(subject: InitializerSubject) -> Problems:
    """All that is random comes from `rng`, and nothing is remembered."""
    first = np.array(subject.sample())
    used = subject.component.model_copy(deep=True)
    for what, again in {
        "from the same seed": subject.sample(),
        "from the same seed, after others": [subject.sample(1, used), subject.sample(0, used)][1],
    }.items():
        if text := unequal(np.asarray(again), first, 0.0):
            yield f"{what} other numbers come: {text}"
            return
    yield from changed_fields(subject.component, used)


def numbers_belong_to_who_asked(subject: InitializerSubject) -> Problems:
    """Who gets an array may write to it: the next one is another."""
    initializer = subject.component.model_copy(deep=True)
    first = subject.sample(0, initializer)
    kept = np.array(first)
    if isinstance(first, np.ndarray) and first.flags.writeable:
        first[...] = 7.25
    if text := unequal(np.asarray(subject.sample(0, initializer)), kept, 0.0):
        yield f"after the first array was written to: {text}"


FIRST: tuple[Check[InitializerSubject], ...] = (
    numbers_are_finite_and_of_the_shape_asked_for,
    a_seed_determines_the_numbers,
)
CHECKS: tuple[Check[InitializerSubject], ...] = (
    numbers_belong_to_who_asked,
    its_JSON_describes_it_in_full,
)
