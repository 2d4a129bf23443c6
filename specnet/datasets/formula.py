"""A dataset from a formula in the spec."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from specnet.datasets.base import Data, Dataset, Outline, Samples
from specnet.datasets.expression import Expression
from specnet.errors import DataError

Range = Annotated[list[float], Field(min_length=2, max_length=2)]


class Formula(Dataset):
    """Inputs drawn uniformly from ranges, and the value of a formula, with normal noise, as target.

    For example `{"type": "formula", "x": {"x0": [-3, 3], "x1": [0, 1]}, "y": "sin(x0) * x1"}`. A formula has numbers,
    the names in `x`, pi, e, + - * / % **, comparisons, which are 1 where true and 0 elsewhere, and the functions sin,
    cos, tan, arcsin, arccos, arctan, arctan2, sinh, cosh, tanh, exp, log, log2, log10, sqrt, abs, sign, floor, ceil,
    minimum, maximum and hypot. It is never run as code.
    """

    synthetic = True
    examples = ({"n_samples": 20, "x": {"a": [0, 1], "b": [-2, 2]}, "y": "a * b**2 > exp(-a)", "noise": 0.1},)
    x: dict[str, Range] = Field(
        min_length=1, max_length=1000, description="name of each input, and its range", examples=[{"x": [-3, 3]}]
    )
    y: str = Field(min_length=1, description="formula of the target", examples=["sin(x)"])
    n_samples: int = Field(default=1000, ge=4, le=10**7, description="samples")
    noise: float = Field(default=0.0, ge=0, description="standard deviation of noise added to y")

    def outline(self) -> Outline:
        self._expression()
        return Outline((len(self.x),), (1,), self.n_samples, (), kind="numbers")

    def load(self, rng: np.random.Generator) -> Data:
        low, high = np.array([*self.x.values()]).T
        x = rng.uniform(low, high, (self.n_samples, len(self.x)))
        y = self.function(x)
        if not np.isfinite(y).all():
            row = int(np.argmin(np.isfinite(y[:, 0])))
            where = ", ".join(f"{name} = {value:.4g}" for name, value in zip(self.x, x[row], strict=True))
            raise DataError(f"the formula has no finite value at {where}", pointer=("y",))
        y += self.noise * rng.normal(size=y.shape)
        return Data(Samples(x, y), input_names=tuple(self.x), target_names=("y",))

    def function(self, x: np.ndarray) -> np.ndarray:
        return self._expression()(dict(zip(self.x, x.T, strict=True)))[:, np.newaxis]

    def _expression(self) -> Expression:
        """Return the parsed formula, after checking names and ranges."""
        for name, (low, high) in self.x.items():
            if not name.isidentifier():
                raise DataError(f"{name!r} is not a name of a variable", pointer=("x",), help="use letters and digits")
            if low >= high:
                raise DataError(f"the range [{low:g}, {high:g}] is empty", pointer=("x", name))
            if math.isinf(high - low):
                raise DataError(f"the range [{low:g}, {high:g}] is too wide", pointer=("x", name))
        return Expression(self.y, self.x)
