"""Base class of the library's generators."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from specnet import Data, Dataset, Outline, Samples

Count = Annotated[int, Field(ge=4, le=10**7)]
Deviation = Annotated[float, Field(ge=0)]
Features = Annotated[int, Field(ge=1, le=10_000)]


class Generated(Dataset):
    """Samples drawn by a function of the library; a field is the parameter of the same name.

    The library's random numbers are seeded by those of the spec: one seed, one dataset.
    """

    synthetic: ClassVar[bool] = True
    maker: ClassVar[str]
    inputs: ClassVar[Any] = property(lambda self: numbered("x", self.n_features))
    """A name for each input. Like the other names a tuple, or a property that depends on fields."""
    targets: ClassVar[Any] = ("y",)
    """A name for each target."""
    classes: ClassVar[Any] = ()
    """A name for each class; empty if targets are numbers."""
    n_samples: Count = Field(default=100, description="samples altogether")

    def prepare(self, targets: np.ndarray) -> np.ndarray:
        """Return targets in specnet's form, given the library's."""
        return targets.astype(np.int64) if self.classes else targets.reshape(len(targets), -1).astype(np.float64)

    def outline(self) -> Outline:
        inputs, names = (len(self.inputs),), self.classes
        if not names:
            return Outline(inputs, (len(self.targets),), self.n_samples, (), None, "numbers")
        return Outline(inputs, (), self.n_samples, (), len(names), "classes", class_names=names)

    def load(self, rng: np.random.Generator) -> Data:
        from sklearn import datasets

        make = getattr(datasets, self.maker)
        inputs, targets, *_ = make(**self.model_dump(), random_state=int(rng.integers(2**32)))
        samples = Samples(np.array(inputs, np.float64, order="C"), self.prepare(targets))
        return Data(samples, classes=self.classes, input_names=self.inputs, target_names=self.targets)


def numbered(name: str, count: int) -> tuple[str, ...]:
    """Return `count` numbered names.

    >>> numbered("x", 2)
    ('x0', 'x1')
    """
    return tuple(f"{name}{number}" for number in range(count))
