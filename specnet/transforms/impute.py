"""The transform that fills in missing values."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from specnet.functions import all_finite
from specnet.transforms.base import FeatureError, Pieces, Transform, as_rows, count_columns


class Impute(Transform):
    """Replaces missing values, which are NaN, by a statistic of each feature in the training split, or by a constant.

    With `add_indicator`, a column such as `age.missing` is appended for each column with a missing value in the
    training split: 1 where the value is missing, and 0 elsewhere.
    """

    examples = (
        {"strategy": "median"},
        {"strategy": "most_frequent"},
        {"strategy": "constant", "fill_value": -1.0, "add_indicator": True},
        {"add_indicator": True},
    )
    fitted = ("fill", "indicated")
    takes_missing: ClassVar[bool] = True
    strategy: Literal["mean", "median", "most_frequent", "constant"] = Field(
        default="mean", description="value that is filled in; the smallest if several are most frequent"
    )
    fill_value: float | None = Field(default=None, description="the constant, for that strategy only")
    add_indicator: bool = Field(default=False, description="true: append columns that say where values are missing")

    @model_validator(mode="after")
    def _constant_has_a_value(self) -> Self:
        if self.strategy == "constant" and self.fill_value is None:
            raise ValueError('the strategy "constant" needs a fill_value')
        if self.strategy != "constant" and self.fill_value is not None:
            raise ValueError(f'fill_value is for the strategy "constant", but this one is "{self.strategy}"')
        return self

    def fit(self, x: np.ndarray) -> None:
        if self.strategy in ("mean", "constant"):
            self.fit_pieces(lambda: [x])
            return
        x = x.astype(np.float64)
        self._learn_missing(np.sum(~np.isnan(x), axis=0), len(x))
        choose = np.median if self.strategy == "median" else _most_frequent
        features = as_rows(x).T
        with np.errstate(over="ignore"):  # what overflows is refused
            fill = np.array([choose(feature[~np.isnan(feature)]) for feature in features])
        self._learn(fill.reshape(x.shape[1:]))

    def fit_pieces(self, pieces: Pieces) -> None:
        if self.strategy not in ("mean", "constant"):
            super().fit_pieces(pieces)
        rows, known, mean = 0, np.array(0), np.array(0.0)
        for x in pieces():
            present = ~np.isnan(x.astype(np.float64))
            rows, known = rows + len(x), known + np.sum(present, axis=0)
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused
                mean = mean + np.sum(x - mean, axis=0, where=present) / np.maximum(known, 1)
        self._learn_missing(known, rows)
        self._learn(mean if self.fill_value is None else np.full(known.shape, self.fill_value))

    def _learn_missing(self, known: np.ndarray, rows: int) -> None:
        """Learn which features need an indicator, given how many values of each are known."""
        for place in np.argwhere(known == 0).tolist():
            raise FeatureError(tuple(place), "has no value in the training split")
        self.indicated = np.flatnonzero(known < rows) if self.add_indicator else np.zeros(0, np.int64)

    def _learn(self, fill: np.ndarray) -> None:
        if not all_finite(fill):
            place = np.argwhere(~np.isfinite(fill))[0]
            raise FeatureError(tuple(place.tolist()), f"has numbers too large to compute their {self.strategy}")
        if self.add_indicator:
            count_columns(fill.shape)
        self.fill = fill

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        return None if self.add_indicator else shape

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return (*names, *(f"{names[column]}.missing" for column in self.indicated)) if names else ()

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.check_shape(x, self.fill.shape)
        missing = np.isnan(x.astype(np.float64))
        y = np.where(missing, self.fill, x)
        return np.concatenate([y, missing[:, self.indicated]], axis=1) if len(self.indicated) else y


def _most_frequent(values: np.ndarray) -> float:
    found, counts = np.unique(values, return_counts=True)
    return found[np.argmax(counts)]
