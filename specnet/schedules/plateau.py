"""Schedules that follow a value of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from specnet.improvement import ImprovementTracker, Mode
from specnet.schedules.base import WatchingSchedule


class ReduceOnPlateau(WatchingSchedule):
    """`initial`, multiplied by `factor` each time a monitored value has stopped improving.

    An epoch improves if its value is better by more than `min_delta` than that of the last one that did; the first
    epoch does. After `patience` epochs in a row without improvement, the value from the next epoch on is multiplied by
    `factor`, but never less than `minimum`. Waiting then starts again with the same best value, and ignores the next
    `cooldown` epochs: the value falls again after `cooldown + patience` epochs at the earliest.
    """

    examples = ({"initial": 0.3, "factor": 0.7, "patience": 2, "cooldown": 1, "minimum": 0.1},)
    initial: float = Field(description="initial value", examples=[0.01])
    factor: float = Field(default=0.1, gt=0, lt=1, description="factor of each reduction")
    patience: PositiveInt = Field(default=10, description="epochs without improvement before a reduction")
    min_delta: NonNegativeFloat = Field(default=0.0, description="change that counts as improvement")
    cooldown: NonNegativeInt = Field(default=0, description="epochs after a reduction that patience does not count")
    minimum: NonNegativeFloat = Field(default=0.0, description="lower bound of the value")

    @model_validator(mode="after")
    def _begins_above_the_minimum(self) -> Self:
        if self.initial < self.minimum:
            raise ValueError(f"initial ({self.initial}) should not be less than minimum ({self.minimum})")
        return self

    def begin(self, mode: Mode) -> None:
        self.value = self.initial
        self.cooling = 0
        self.watch = ImprovementTracker(self.monitor, mode, self.min_delta, self.patience)

    def __call__(self, step: int) -> float:
        return self.value

    def look(self, values: Mapping[str, Any]) -> None:
        self.watch.look(values)
        if self.cooling:
            self.cooling -= 1
            self.watch.waited = 0
        elif self.watch.exhausted:
            self.value = max(self.value * self.factor, self.minimum)
            self.cooling = self.cooldown
            self.watch.waited = 0

    def save(self) -> dict[str, Any]:
        return {"value": self.value, "cooling": self.cooling, "watch": self.watch.save()}

    def restore(self, saved: dict[str, Any]) -> None:
        self.value, self.cooling = saved["value"], saved["cooling"]
        self.watch.restore(saved["watch"])
