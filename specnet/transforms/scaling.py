"""Transforms that shift and scale."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from specnet.diagnostics import custom_error
from specnet.functions import Summary, all_finite, summarize
from specnet.transforms.base import FeatureError, Pieces, SameShape

EPSILON = float(np.finfo(np.float64).eps)


class Affine(SameShape):
    """y = (x - shift) / scale, both learned by `fit`, for each feature or for all together."""

    fitted = ("shift", "scale")
    per_feature: bool = Field(default=True, description="false: one shift and scale for all features together")

    def apply(self, x: np.ndarray) -> np.ndarray:
        if self.per_feature:
            self.check_shape(x, self.shift.shape)
        return (x - self.shift) / self.scale

    def invert(self, y: np.ndarray) -> np.ndarray:
        return y * self.scale + self.shift

    def _learn(self, shift: np.ndarray, scale: np.ndarray) -> None:
        if not all_finite(np.stack([shift, scale])):
            place = np.argwhere(~np.isfinite(shift + scale))[0]
            raise FeatureError(tuple(place.tolist()), "has numbers too large to compute how to scale it")
        self.shift, self.scale = shift, scale


class Summarized(Affine):
    """An `Affine` that is learned from minimum, maximum, mean and standard deviation."""

    def fit_pieces(self, pieces: Pieces) -> None:
        dtype = next(iter(pieces())).dtype
        found = summarize((x.astype(np.float64) for x in pieces()), 0 if self.per_feature else None)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused
            scale = nonzero(self._spread(found), found, dtype)
            self._learn(self._origin(found, scale), scale)

    @abstractmethod
    def _spread(self, found: Summary) -> np.ndarray:
        """Return the scale for training samples with this summary, 0 if they are constant."""

    @abstractmethod
    def _origin(self, found: Summary, scale: np.ndarray) -> np.ndarray:
        """Return the shift for training samples with this summary."""


class Standardize(Summarized):
    """Mean 0 and standard deviation 1 over the training split."""

    examples = ({"per_feature": False},)

    def _spread(self, found: Summary) -> np.ndarray:
        return found.std

    def _origin(self, found: Summary, scale: np.ndarray) -> np.ndarray:
        return found.mean


class Minmax(Summarized):
    """The range of the training split mapped onto [low, high]."""

    low: float = Field(default=0.0, description="new minimum")
    high: float = Field(default=1.0, description="new maximum")
    examples = ({"per_feature": False}, {"low": -1.0, "high": 3.0})

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) should be less than high ({self.high})")
        return self

    def _spread(self, found: Summary) -> np.ndarray:
        return (found.most - found.least) / (self.high - self.low)

    def _origin(self, found: Summary, scale: np.ndarray) -> np.ndarray:
        return found.least - self.low * scale


class Robust(Affine):
    """The median of the training split becomes 0, and the range between two of its percentiles 1.

    Unlike mean and standard deviation, these hardly change with a few extreme values.
    """

    examples = ({"per_feature": False}, {"quantile_range": [0.0, 90.0]})
    quantile_range: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        default=[25.0, 75.0], min_length=2, max_length=2, description="lower and upper percentile, in per cent"
    )

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        low, high = self.quantile_range
        if low >= high:
            raise ValueError(f"the lower percentile ({low}) should be less than the upper one ({high})")
        return self

    def fit(self, x: np.ndarray) -> None:
        axis, low, high = 0 if self.per_feature else None, *self.quantile_range
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused
            lower, median, upper = np.percentile(x.astype(np.float64), [low, 50.0, high], axis=axis)
            found = Summary(lower, upper, 1, median, upper - lower)
            self._learn(median, nonzero(found.std, found, x.dtype))


class Scale(SameShape):
    """y = factor x, with the factor from the spec."""

    examples = ({"factor": -0.3},)
    factor: float = Field(description="multiplier of the values", json_schema_extra={"not": {"const": 0}})

    @field_validator("factor")
    @classmethod
    def _can_be_undone(cls, factor: float) -> float:
        if factor == 0:
            raise custom_error("out-of-range", "factor should not be 0: it could not be undone")
        return factor

    def apply(self, x: np.ndarray) -> np.ndarray:
        return np.multiply(x, self.factor, dtype=np.float64)

    def invert(self, y: np.ndarray) -> np.ndarray:
        return y / self.factor


class Clip(SameShape):
    """y = min(max(x, low), high): numbers beyond a limit become the limit."""

    examples = ({"low": -0.5, "high": 100.0}, {"low": None, "high": 50.0}, {"low": 50.0, "high": None})
    low: float | None = Field(description="lower limit; null: none", examples=[0.0])
    high: float | None = Field(description="upper limit; null: none", examples=[1.0])

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("low or high should be a number: without either nothing is clipped")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low ({self.low}) should be less than high ({self.high})")
        return self

    def apply(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x.astype(np.float64), self.low, self.high)


def nonzero(spread: np.ndarray, found: Summary, dtype: np.dtype) -> np.ndarray:
    """Return a spread to divide by: 1 where the samples are constant, and so carry no information.

    Equal numbers may differ from rounding: of themselves, and of the sum for their mean.
    """
    relative = max(found.size * EPSILON, float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0)
    return np.where(spread <= np.maximum(np.abs(found.least), np.abs(found.most)) * relative, 1.0, spread)
