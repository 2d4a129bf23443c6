"""The transform of dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from specnet.transforms.base import Transform, as_rows, count_columns, refuse_features

DatePart = Literal["year", "month", "day", "day_of_year", "weekday", "hour", "minute"]
LAST_DAY = 3_000_000
"""Days before and after 1970 that are dates: some 8,200 years."""
Dates = np.ndarray


def _since(unit: str, larger: str) -> Callable[[Dates], np.ndarray]:
    """Return a function of dates: units since the last beginning of a larger one."""
    return lambda date: (date.astype(f"M8[{unit}]") - date.astype(f"M8[{larger}]")).astype(np.int64)


DATE_PARTS: dict[str, Callable[[Dates], np.ndarray]] = {
    "year": lambda date: date.astype("M8[Y]").astype(np.int64) + 1970,
    "month": lambda date: date.astype("M8[M]").astype(np.int64) % 12 + 1,
    "day": lambda date: _since("D", "M")(date) + 1,
    "day_of_year": lambda date: _since("D", "Y")(date) + 1,
    "weekday": lambda date: (date.astype("M8[D]").astype(np.int64) + 3) % 7,  # 1970-01-01 was a Thursday
    "hour": _since("h", "D"),
    "minute": _since("m", "h"),
}
PERIODS = {"month": 12, "day": 31, "day_of_year": 366, "weekday": 7, "hour": 24, "minute": 60}


class DateParts(Transform):
    """Dates, in days since 1970-01-01 with the time of day as a fraction, become columns such as `date.month`.

    Months, days and days of the year count from 1, weekdays from 0 for Monday. With `cyclic`, a part p other than the
    year becomes sin(2 pi p / period) and cos(2 pi p / period), so that December is next to January; the columns are
    called `date.month.sin` and `date.month.cos`.
    """

    kinds = ("date",)
    examples = ({"parts": ["day_of_year", "hour"], "cyclic": True}, {"parts": ["year", "minute"]})
    parts: list[DatePart] = Field(
        default=["year", "month", "day", "weekday"],
        min_length=1,
        max_length=len(DATE_PARTS),
        description="parts to compute of each date",
    )
    cyclic: bool = Field(default=False, description="true: sine and cosine of each part that repeats")

    @model_validator(mode="after")
    def _parts_are_different(self) -> Self:
        if len(set(self.parts)) < len(self.parts):
            raise ValueError("parts should name each part once")
        return self

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (count_columns(shape) * len(self._suffixes),)

    def output_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{name}.{suffix}" for name in names for suffix in self._suffixes)

    @property
    def _suffixes(self) -> list[str]:
        waves = ("sin", "cos")
        return [
            name
            for part in self.parts
            for name in ([f"{part}.{wave}" for wave in waves] if self.cyclic and part in PERIODS else [part])
        ]

    def apply(self, x: np.ndarray) -> np.ndarray:
        count_columns(x.shape[1:])
        refuse_features(~(np.abs(x) < LAST_DAY), "has a number that is not a date")
        date = np.rint(x * 86_400_000.0).astype("M8[ms]")
        found = []
        for part in self.parts:
            number = DATE_PARTS[part](date)
            if self.cyclic and part in PERIODS:
                angle = 2 * np.pi * number / PERIODS[part]
                found += [np.sin(angle), np.cos(angle)]
            else:
                found.append(number.astype(np.float64))
        return as_rows(np.stack(found, axis=2))
