"""The contract of metrics."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from specnet.component import Component


def drop_column(x: np.ndarray) -> np.ndarray:
    """Return x (n, ..., 1) as (n, ...): a single output may be written either way."""
    return x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x


class Metric(Component):
    """A number for people."""

    group: ClassVar[str] = "metrics"
    higher_is_better: ClassVar[bool] = True

    def reset(self) -> None:
        self.kept = {"total": 0.0, "count": 0}

    def update(self, prediction: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> None:
        self.kept = {
            "total": self.kept["total"] + self(prediction, target) * len(target),
            "count": self.kept["count"] + len(target),
        }

    def compute(self) -> float:
        return self.kept["total"] / self.kept["count"]

    def merge(self, other: Any) -> None:
        self.kept = {name: self.kept[name] + other.kept[name] for name in self.kept}

    def restore(self, kept: dict[str, Any]) -> None:
        self.kept = kept

    @abstractmethod
    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        """Return the metric."""
