"""Checks of initializers: what `specnet.initializers.base.Initializer` promises of every one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.initializers.base import Initializer
from specnet.testing.checks import Checks, Problems, checker, outcomes, sift
from specnet.testing.comparison import unequal
from specnet.testing.outcome import Outcome

SHAPES: tuple[tuple[int, ...], ...] = ((7,), (3, 5), (40, 30), (3, 1, 2, 4), (1,), ())
"""Shapes of parameters."""


@dataclass(frozen=True)
class InitializerChecks(Checks[Initializer]):
    """An initializer of a parameter of one shape."""

    shape: tuple[int, ...]
    first = 2

    def sample(self, initializer: Initializer | None = None, seed: int = 0) -> np.ndarray:
        """Return values drawn from a seed."""
        fans = (self.shape[-2:] or (1,))[0], (self.shape or (1,))[-1]
        return (initializer or self.fresh()).sample(np.random.default_rng(seed), self.shape, *fans)

    def numbers_are_finite_and_of_the_shape_asked_for(self) -> Problems:
        """Sample returns real numbers in the shape of the parameter, for any fans."""
        found = np.asarray(self.sample())
        if found.shape != self.shape:
            yield f"sample returns shape {found.shape}"
        if found.dtype.kind not in "fiu":
            yield f"sample returns {found.dtype}, not real numbers"
        for fans in ((1, 1), (1, 10**6), (10**6, 1)):
            values = self.component.sample(np.random.default_rng(0), self.shape, *fans)
            if not np.isfinite(np.asarray(values, np.float32)).all():
                yield f"with fans {fans} a number is not finite as float32"

    def a_seed_determines_the_numbers(self) -> Problems:
        """All random numbers come from `rng`, and nothing is remembered."""
        first, used = np.array(self.sample()), self.fresh()
        if text := unequal(self.sample(), first, 0.0):
            yield f"from the same seed other numbers come: {text}"
        self.sample(used, seed=1)
        if text := unequal(self.sample(used), first, 0.0):
            yield f"from the same seed, after others other numbers come: {text}"
        yield from self.changed_fields(used)

    def numbers_belong_to_who_asked(self) -> Problems:
        """The caller may write to the array: the next one is new."""
        initializer = self.fresh()
        first = self.sample(initializer)
        kept = np.array(first)
        if isinstance(first, np.ndarray) and first.flags.writeable:
            first[...] = 7.25
        if text := unequal(self.sample(initializer), kept, 0.0):
            yield f"after the first array was written to: {text}"


@checker("initializers")
def check_initializer(initializer: Initializer) -> Iterator[Outcome]:
    """Check an initializer."""
    tried = [InitializerChecks(initializer, f"a parameter of shape {shape}", shape) for shape in SHAPES]
    what = "it fills parameters, and refuses some shapes by a SpecnetError"
    yield from outcomes((yield from sift(what, tried, InitializerChecks.sample)))
