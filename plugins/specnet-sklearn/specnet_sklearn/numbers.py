"""Generators of samples whose targets are numbers."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from specnet_sklearn.base import Deviation, Features, Generated, numbered

Noise = Annotated[Deviation, Field(description="standard deviation of the target")]


class Regression(Generated):
    """A sum of some normal inputs, each with a weight uniform in [0, 100], plus normal noise."""

    maker = "make_regression"
    n_features: Features = Field(default=100, description="inputs")
    n_informative: PositiveInt = Field(default=10, description="inputs that the targets depend on")
    n_targets: Features = Field(default=1, description="targets")
    bias: float = Field(default=0.0, description="constant added to every target")
    noise: Noise = 0.0

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.n_informative > self.n_features:
            raise ValueError(f"n_informative is {self.n_informative}, of {self.n_features} n_features")
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        return numbered("y", self.n_targets) if self.n_targets > 1 else ("y",)


class Friedman1(Generated):
    """y = 10 sin(pi x0 x1) + 20 (x2 - 0.5)^2 + 10 x3 + 5 x4 plus normal noise, inputs uniform in [0, 1].

    Any further inputs tell nothing. Friedman, 1991.
    """

    maker = "make_friedman1"
    n_features: int = Field(default=10, ge=5, le=10_000, description="inputs")
    noise: Noise = 0.0


class Friedman2(Generated):
    """y = sqrt(x0^2 + (x1 x2 - 1 / (x1 x3))^2) plus normal noise. Friedman, 1991.

    Inputs are uniform: x0 in [0, 100], x1 in [40 pi, 560 pi], x2 in [0, 1], x3 in [1, 11].
    """

    maker = "make_friedman2"
    inputs = numbered("x", 4)
    noise: Noise = 0.0


class Friedman3(Friedman2):
    """y = arctan((x1 x2 - 1 / (x1 x3)) / x0) plus normal noise. Friedman, 1991.

    Inputs are uniform: x0 in [0, 100], x1 in [40 pi, 560 pi], x2 in [0, 1], x3 in [1, 11].
    """

    maker = "make_friedman3"


class SparseUncorrelated(Generated):
    """y = x0 + 2 x1 - 2 x2 - 1.5 x3 plus normal noise of standard deviation 1, inputs normal.

    Any further inputs tell nothing. Celeux et al., 2012.
    """

    maker = "make_sparse_uncorrelated"
    n_features: int = Field(default=10, ge=4, le=10_000, description="inputs")


class SwissRoll(Generated):
    """Points of a rolled-up sheet in space, with normal noise; the target is the angle t along the roll.

    A point is (t cos t, v, t sin t), with t in [1.5 pi, 4.5 pi] and v in [0, 21], both uniform. Marsland, 2009.
    """

    maker = "make_swiss_roll"
    inputs = ("x", "y", "z")
    targets = ("t",)
    noise: Deviation = Field(default=0.0, description="standard deviation of each coordinate")
    hole: bool = Field(default=False, description="whether the sheet has a hole")


class SCurve(Generated):
    """Points of a sheet bent like an S in space, with normal noise; the target is the angle t along the bend.

    A point is (sin t, v, sign(t) (cos t - 1)), with t in [-1.5 pi, 1.5 pi] and v in [0, 2], both uniform.
    """

    maker = "make_s_curve"
    inputs = ("x", "y", "z")
    targets = ("t",)
    noise: Deviation = Field(default=0.0, description="standard deviation of each coordinate")
