"""Transforms that shift and scale."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from specnet.diagnostics import custom_error
from specnet.functions import Summary, all_finite, summarize
from specnet.transforms.base import FeatureError, Pieces, Transform

EPSILON = float(np.finfo(np.float64).eps)


class Affine(Transform):
    """y = (x - shift) / scale, both learned by `fit`, for each feature or for all together."""

    fitted = ("shift", "scale")
    per_feature: bool = Field(default=True, description="false: one shift and scale for all features together")

    def fit(self, x: np.ndarray) -> None:
        self.fit_pieces(lambda: [x])

    def fit_pieces(self, pieces: Pieces) -> None:
        dtype = next(iter(pieces())).dtype
        found = summarize((x.astype(np.float64) for x in pieces()), 0 if self.per_feature else None)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused
            spread = self._spread(found)
            scale = np.where(spread <= _noise(found, dtype), 1.0, spread)  # a constant carries no information
            shift = self._origin(found, scale)
        if not all_finite(np.stack([shift, scale])):
            place = np.argwhere(~np.isfinite(shift + scale))[0]
            raise FeatureError(tuple(place.tolist()), "has numbers too large to compute how to scale it")
        self.shift, self.scale = shift, scale

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    @abstractmethod
    def _spread(self, found: Summary) -> np.ndarray:
        """Return the scale for training samples with this summary, 0 if they are constant."""

    @abstractmethod
    def _origin(self, found: Summary, scale: np.ndarray) -> np.ndarray:
        """Return the shift for training samples with this summary."""

    def apply(self, x: np.ndarray) -> np.ndarray:
        if self.per_feature:
            self.check_shape(x, self.shift.shape)
        return (x - self.shift) / self.scale

    def invert(self, y: np.ndarray) -> np.ndarray:
        return y * self.scale + self.shift


class Standardize(Affine):
    """Mean 0 and standard deviation 1 over the training split."""

    examples = ({"per_feature": False},)

    def _spread(self, found: Summary) -> np.ndarray:
        return found.std

    def _origin(self, found: Summary, scale: np.ndarray) -> np.ndarray:
        return found.mean


class Minmax(Affine):
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


class Scale(Transform):
    """y = factor x, with the factor from the spec."""

    examples = ({"factor": -0.3},)
    factor: float = Field(description="multiplier of the values", json_schema_extra={"not": {"const": 0}})

    @field_validator("factor")
    @classmethod
    def _can_be_undone(cls, factor: float) -> float:
        if factor == 0:
            raise custom_error("out-of-range", "factor should not be 0: it could not be undone")
        return factor

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def apply(self, x: np.ndarray) -> np.ndarray:
        return np.multiply(x, self.factor, dtype=np.float64)

    def invert(self, y: np.ndarray) -> np.ndarray:
        return y / self.factor


def _noise(found: Summary, dtype: np.dtype) -> np.ndarray:
    """Return by how much equal numbers may differ from rounding: of themselves, and of the sum for their mean."""
    relative = max(found.size * EPSILON, float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0)
    return np.maximum(np.abs(found.least), np.abs(found.most)) * relative
