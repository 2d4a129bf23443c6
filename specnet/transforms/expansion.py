"""Transforms that compute more columns from those that there are."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, combinations_with_replacement

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from specnet.errors import ShapeError
from specnet.transforms.base import Pieces, Transform, count_columns, refuse_features

MOST_PRODUCTS = 100_000
"""Largest number of products: a table of as many columns would not be useful."""
MOST_PERIODS = 1e12
"""Largest number, in periods, whose sine has more than a few correct digits."""


class PolynomialFeatures(Transform):
    """The columns, and all their products of up to `degree` factors: for a, b and degree 2, a, b, a^2, a*b, b^2.

    Products are named by their factors, such as `age^2*mass`.
    """

    examples = ({"degree": 3}, {"degree": 3, "interaction_only": True})
    degree: PositiveInt = Field(default=2, description="largest number of factors")
    interaction_only: bool = Field(default=False, description="true: each column at most once in a product")

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        columns = count_columns(shape)
        if self.interaction_only:
            count = sum(math.comb(columns, factors) for factors in range(1, min(self.degree, columns) + 1))
        else:
            count = math.comb(columns + self.degree, self.degree) - 1
        if count > MOST_PRODUCTS:
            raise ShapeError(
                f"{columns} columns have {count:,} products of {self.degree} factors or less, over {MOST_PRODUCTS:,}",
                help="choose a smaller degree, or fewer columns",
            )
        return (count,)

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        def show(name: str, power: int) -> str:
            return f"{name}^{power}" if power > 1 else name

        return tuple(
            "*".join(show(names[column], power) for column, power in Counter(factors).items())
            for factors in self._products(len(names))
        )

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.output_shape(x.shape[1:])
        x = x.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused
            products = [np.prod(x[:, factors], axis=1) for factors in self._products(x.shape[1])]
            y = np.stack(products, axis=1)
            if not np.isfinite(y).all():
                refuse_features(~np.isfinite(x**self.degree), f"has a number too large for degree {self.degree}")
        return y

    def _products(self, columns: int) -> list[tuple[int, ...]]:
        choose = combinations if self.interaction_only else combinations_with_replacement
        return [factors for size in range(1, self.degree + 1) for factors in choose(range(columns), size)]


class FourierFeatures(Transform):
    """y = [sin(2 pi x B), cos(2 pi x B)], with random frequencies B (columns, n_features) from N(0, scale^2).

    A network learns functions with details of a size of about 1 / scale from them; x should be scaled before.
    Tancik et al., "Fourier features let networks learn high frequency functions in low dimensional domains", 2020.
    """

    examples = ({"n_features": 3, "scale": 0.5, "seed": 7},)
    fitted = ("frequencies",)
    n_features: PositiveInt = Field(default=64, description="number of frequencies: a sine and a cosine of each")
    scale: PositiveFloat = Field(default=1.0, description="standard deviation of the frequencies")
    seed: NonNegativeInt = Field(default=0, description="seed of the frequencies, the same for any seed of the spec")

    def fit_pieces(self, pieces: Pieces) -> None:
        columns = count_columns(next(iter(pieces())).shape[1:])
        rng = np.random.default_rng(self.seed)
        self.frequencies = self.scale * rng.standard_normal((columns, self.n_features))

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        count_columns(shape)
        return (2 * self.n_features,)

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{wave}{number}" for wave in ("sin", "cos") for number in range(self.n_features)) if names else ()

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.check_shape(x, self.frequencies.shape[:1])
        refuse_features(np.abs(x.astype(np.float64)) * self.scale > MOST_PERIODS, "has a number too large")
        angles = 2 * np.pi * x @ self.frequencies
        return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
