"""Checks of initializers: the contract of `specnet.initializers.base.Initializer`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.initializers.base import Initializer
from specnet.testing.base import Checks, Problems
from specnet.testing.comparison import Results, unequal
from specnet.testing.examination import checker, examine_all
from specnet.testing.outcomes import Outcome

_SHAPES: tuple[tuple[int, ...], ...] = ((7,), (3, 5), (40, 30), (3, 1, 2, 4), (1,), ())
"""Shapes of parameters."""


@dataclass(frozen=True)
class InitializerChecks(Checks[Initializer]):
    """An initializer of a parameter of one shape."""

    shape: tuple[int, ...]
    without = ("arguments_are_left_alone",)
    accepted = "it fills parameters, and refuses some shapes by a SpecnetError"

    def accept(self) -> object:
        return self.sample()

    def sample(self, initializer: Initializer | None = None, seed: int = 0) -> np.ndarray:
        """Return the numbers drawn from a seed."""
        fans = (self.shape[-2:] or (1,))[0], (self.shape or (1,))[-1]
        return (initializer or self.fresh()).sample(np.random.default_rng(seed), self.shape, *fans)

    def use(self, component: Initializer, other: bool = False) -> Results:
        return {"numbers from a seed": np.array(self.sample(component, seed=int(other)))}

    def numbers_are_finite_and_of_the_shape_asked_for(self) -> Problems:
        """`sample` returns real numbers in the shape of the parameter, for any fans."""
        found = np.asarray(self.sample())
        if found.shape != self.shape:
            yield f"sample returns shape {found.shape}"
        if found.dtype.kind not in "fiu":
            yield f"sample returns {found.dtype}, not real numbers"
        for fans in ((1, 1), (1, 10**6), (10**6, 1)):
            values = self.component.sample(np.random.default_rng(0), self.shape, *fans)
            if not np.isfinite(np.asarray(values, np.float32)).all():
                yield f"with fans {fans} a number is not finite as float32"

    def the_caller_may_overwrite_the_numbers(self) -> Problems:
        """Each call returns an array of its own."""
        initializer = self.fresh()
        first = self.sample(initializer)
        kept = np.array(first)
        if isinstance(first, np.ndarray) and first.flags.writeable:
            first[...] = 7.25
        if text := unequal(self.sample(initializer), kept, 0.0):
            yield f"after the first array was overwritten: {text}"


@checker("initializers")
def check_initializer(initializer: Initializer) -> Iterator[Outcome]:
    """Check an initializer."""
    yield from examine_all(
        [InitializerChecks(initializer, f"a parameter of shape {shape}", shape) for shape in _SHAPES]
    )
