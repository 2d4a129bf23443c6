"""What losses are tried with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from specnet.kernels.base import KernelSet, Textbook
from specnet.losses.base import Loss

DOUBLE = np.dtype("float64")
REDUCTIONS: tuple[Literal["mean", "sum"], ...] = ("mean", "sum")


@dataclass(frozen=True)
class LossSubject:
    """A loss that gets outputs and targets of one kind; `raw` are the targets before they are prepared.

    `kernels` compute.
    """

    component: Loss
    situation: str
    y: np.ndarray
    raw: np.ndarray
    kernels: type[KernelSet] = Textbook

    def fresh(self, reduction: Literal["mean", "sum"] | None = None) -> Loss:
        """Return a loss that has computed nothing yet."""
        update = {"reduction": reduction} if reduction else {}
        loss = self.kernels.exchange(self.component.model_copy(update=update, deep=True))
        loss.model_post_init(None)
        return loss

    def prepared(self, dtype: np.dtype = DOUBLE) -> tuple[np.ndarray, np.ndarray]:
        """Return outputs in a dtype, and targets as `forward` takes them."""
        return self.y.astype(dtype), self.fresh().prepare(self.raw, self.y.shape[1:], dtype)


def computed(
    loss: Loss, y: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Return loss and gradient, copied."""
    value = loss.forward(y, target) if weight is None else loss.forward(y, target, weight)
    return value, loss.backward().copy()
