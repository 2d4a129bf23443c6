"""Transforms that shift and scale."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from specnet.diagnostics import custom_error
from specnet.functions import extremes, summarize
from specnet.transforms.base import Pieces, Transform


class Affine(Transform):
    """y = (x - shift) / scale, both learned by `fit`, for each feature or for all together."""

    fitted = ("shift", "scale")
    per_feature: bool = Field(default=True, description="false: one shift and scale for all features together")

    def fit(self, x: np.ndarray) -> None:
        self.fit_pieces(lambda: [x])

    def fit_pieces(self, pieces: Pieces) -> None:
        axis = 0 if self.per_feature else None
        least, most, self.shift, scale = self._measure((x.astype(np.float64) for x in pieces()), axis)
        # A constant feature carries no information: it is shifted, not scaled. Its standard deviation may be
        # rounding noise instead of 0, and that of tiny numbers 0.
        self.scale = np.where((least == most) | (scale == 0), 1.0, scale)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    @abstractmethod
    def _measure(self, pieces: Iterable[np.ndarray], axis: int | None) -> tuple[np.ndarray, ...]:
        """Return minimum and maximum along an axis, shift and scale."""

    def apply(self, x: np.ndarray) -> np.ndarray:
        if self.per_feature:
            self.check_shape(x, self.shift.shape)
        return (x - self.shift) / self.scale

    def invert(self, y: np.ndarray) -> np.ndarray:
        return y * self.scale + self.shift


class Standardize(Affine):
    """Mean 0 and standard deviation 1 over the training split."""

    examples = ({"per_feature": False},)

    def _measure(self, pieces: Iterable[np.ndarray], axis: int | None) -> tuple[np.ndarray, ...]:
        found = summarize(pieces, axis)
        return found.least, found.most, found.mean, found.std


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

    def _measure(self, pieces: Iterable[np.ndarray], axis: int | None) -> tuple[np.ndarray, ...]:
        least, most = extremes(pieces, axis)
        scale = (most - least) / (self.high - self.low)
        return least, most, least - self.low * np.where(scale == 0, 1.0, scale), scale


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
